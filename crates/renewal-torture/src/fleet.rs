//! The devices of a round, and those who look after them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::future::{join_all, try_join_all};
use tests::Backend;
use tests::est;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use uuid::Builder;

use crate::journal::{Device, Journal};
use crate::operator::{OPERATORS, Operator};
use crate::plan;
use crate::roster::Roster;
use crate::simulated_device::{SimulatedDevice, Surroundings};
use crate::workspace::{EAST, HERE, Workspace};

/// How many devices there are at a time: two thirds in one organisation, one third in the other.
const DEVICES: u64 = 12;

/// Which round of which run it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) seed: u64,
    pub(crate) backend: Backend,
    pub(crate) round: u32,
}

/// Where the servers of a round listen, and who writes down what they answer.
#[derive(Debug)]
pub(crate) struct Servers {
    /// The URL of the database.
    pub(crate) ledger: String,
    /// For devices.
    pub(crate) devices: Vec<SocketAddr>,
    /// For operators.
    pub(crate) operators: Vec<SocketAddr>,
    pub(crate) journal: Arc<Journal>,
}

/// The devices of a round, and their operators.
#[derive(Debug)]
pub(crate) struct Fleet {
    members: Vec<SimulatedDevice>,
    operators: Vec<Operator>,
    roster: Arc<Roster>,
}

impl Fleet {
    /// Devices, none of them enrolled, and operators, who have given tokens to those that need one.
    ///
    /// # Errors
    /// When a command fails, or a certificate cannot be made.
    pub(crate) async fn new(workspace: &Arc<Workspace>, turn: Turn, servers: Servers) -> Result<Self> {
        let roster = Arc::new(Roster::default());
        let around = Surroundings {
            workspace: Arc::clone(workspace),
            round: turn.round,
            roots: est::roots(&workspace.authority())?,
            servers: servers.devices,
            journal: Arc::clone(&servers.journal),
            roster: Arc::clone(&roster),
        };
        let random = move |stream| plan::random(turn.seed, turn.backend, turn.round, stream);
        let members = (0..DEVICES).map(|number| {
            let around = around.clone();
            spawn_blocking(move || SimulatedDevice::new(around, number, random(number + 1)))
        });
        let members: Result<_> = try_join_all(members).await?.into_iter().collect();
        let numbers =
            [HERE, EAST].into_iter().flat_map(|org| (0..OPERATORS).map(move |number| (org, number)));
        let operators = numbers.enumerate().map(|(stream, (org, number))| {
            let (workspace, ledger) = (Arc::clone(workspace), servers.ledger.clone());
            let (journal, roster) = (Arc::clone(&servers.journal), Arc::clone(&roster));
            let servers = servers.operators.clone();
            async move {
                let token = spawn_blocking(move || workspace.operator(&ledger, org)).await??;
                let stream = 1_000 + u64::try_from(stream)?;
                let random = random(stream);
                let (calls, blocked) = (0, BTreeSet::new());
                let mut operator =
                    Operator { org, number, token, random, servers, journal, roster, calls, blocked };
                operator.give_tokens().await;
                anyhow::Ok(operator)
            }
        });
        let operators = try_join_all(operators).await.context("the operators")?;
        Ok(Self { members: members?, operators, roster })
    }

    /// Every device that there was.
    pub(crate) fn devices(&self) -> Vec<Device> {
        self.roster.devices()
    }

    /// Everybody is at work until told that it is over.
    ///
    /// # Errors
    /// When a device was answered with what is no certificate.
    pub(crate) async fn work(self, over: watch::Receiver<bool>) -> Result<Self> {
        let mut working = JoinSet::new();
        for mut member in self.members {
            let over = over.clone();
            working.spawn(async move {
                while !*over.borrow() {
                    member.turn().await?;
                }
                Ok::<_, anyhow::Error>(member)
            });
        }
        let operators = self.operators.into_iter().map(|operator| operator.work(over.clone()));
        let (members, operators) = tokio::join!(working.join_all(), join_all(operators));
        let members: Result<_> = members.into_iter().collect();
        Ok(Self { members: members?, operators, roster: self.roster })
    }

    /// Operators lift their blocks and decide about what waits, and each device asks until the question that
    /// it has open is answered. The questions that never were.
    ///
    /// # Errors
    /// When a device was answered with what is no certificate.
    pub(crate) async fn settle(mut self) -> Result<Vec<String>> {
        let (tell, over) = watch::channel(false);
        let operators = self.operators.into_iter().map(|operator| operator.settle(over.clone()));
        let members = async {
            let settled = join_all(self.members.iter_mut().map(SimulatedDevice::settle)).await;
            tell.send_replace(true);
            settled
        };
        let (settled, _) = tokio::join!(members, join_all(operators));
        let settled: Result<Vec<_>> = settled.into_iter().collect();
        Ok(settled?.into_iter().flatten().collect())
    }
}

/// The device of this number: some have a UUID for a name, some have not. Each generation of it has another
/// name.
pub(crate) fn device(round: u32, number: u64, generation: u64) -> Device {
    let org = if number.is_multiple_of(3) { EAST } else { HERE };
    let name = if number.is_multiple_of(2) {
        format!("gateway-{round}-{number}-{generation}")
    } else {
        let mut octets = [0x5a; 16];
        octets[..4].copy_from_slice(&round.to_be_bytes());
        octets[8..].copy_from_slice(&(generation << 16 | number).to_be_bytes());
        Builder::from_random_bytes(octets).into_uuid().to_string()
    };
    Device { org, name }
}

/// The serial number of the certificate of the former authority that a device has.
pub(crate) fn expired_serial(number: u64, generation: u64) -> Vec<u8> {
    let mut serial = vec![1];
    serial.extend((generation << 16 | number).to_be_bytes());
    serial
}

/// The organisation that is not this one.
pub(crate) fn other_organisation(device: &Device) -> Device {
    let org = if device.org == HERE { EAST } else { HERE };
    Device { org, name: device.name.clone() }
}

/// Where requests of an organisation go.
pub(crate) fn path(device: &Device, operation: &str) -> String {
    if device.org == EAST { format!("east/{operation}") } else { operation.to_owned() }
}

/// The name of another device of any organisation.
pub(crate) fn somebody_else(device: &Device) -> String {
    format!("{:.50}-impostor", device.name)
}
