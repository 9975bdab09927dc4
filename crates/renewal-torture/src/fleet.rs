//! The devices of a round.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::future::{join_all, try_join_all};
use tests::est::{self, Roots};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use uuid::Builder;

use crate::journal::{Device, Journal};
use crate::member::Member;
use crate::plan;
use crate::site::{EAST, HERE, Site};
use tests::Backend;

/// How many devices there are: two thirds in one organisation, one third in the other.
const DEVICES: u64 = 12;

/// Which round of which run it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) seed: u64,
    pub(crate) backend: Backend,
    pub(crate) round: u32,
}

/// The devices of a round.
#[derive(Debug)]
pub(crate) struct Fleet {
    members: Vec<Member>,
}

impl Fleet {
    /// Devices with a token each, and none of them enrolled.
    pub(crate) async fn new(
        site: &Arc<Site>,
        turn: Turn,
        ledger: &str,
        api: &str,
        servers: &[SocketAddr],
        journal: &Arc<Journal>,
    ) -> Result<Self> {
        let roots: Roots = est::roots(&site.authority())?;
        let mut operators = HashMap::new();
        for org in [HERE, EAST] {
            operators.insert(org, site.operator(ledger, org)?);
        }
        let members = (0..DEVICES).map(|number| {
            let random = plan::random(turn.seed, turn.backend, turn.round, number + 1);
            let (site, api, device) = (Arc::clone(site), api.to_owned(), device(turn.round, number));
            let operator = operators.get(&device.org).cloned();
            let (roots, servers, journal) = (roots.clone(), servers.to_vec(), Arc::clone(journal));
            async move {
                spawn_blocking(move || {
                    let operator = operator.context("an organisation without an operator")?;
                    let token = site.token(&api, &operator, &device)?;
                    let (expired, key) = site.expired(&device.name, number + 1)?;
                    anyhow::Ok(Member::new(device, token, (expired, key), random, roots, servers, journal))
                })
                .await?
            }
        });
        Ok(Self { members: try_join_all(members).await? })
    }

    /// Who they are.
    pub(crate) fn devices(&self) -> Vec<Device> {
        self.members.iter().map(|member| member.device().clone()).collect()
    }

    /// Asks and asks until told that it is over.
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
        let members: Result<_> = working.join_all().await.into_iter().collect();
        Ok(Self { members: members? })
    }

    /// Each asks until the question that it has open is answered. The questions that never were.
    pub(crate) async fn settle(&mut self) -> Vec<String> {
        let settled = join_all(self.members.iter_mut().map(Member::settle)).await;
        settled.into_iter().flatten().collect()
    }
}

/// The device of this number: some have a UUID for a name, some have not.
fn device(round: u32, number: u64) -> Device {
    let org = if number.is_multiple_of(3) { EAST } else { HERE };
    let name = if number.is_multiple_of(2) {
        format!("gateway-{round}-{number}")
    } else {
        let mut octets = [0x5a; 16];
        octets[..4].copy_from_slice(&round.to_be_bytes());
        octets[8..].copy_from_slice(&number.to_be_bytes());
        Builder::from_random_bytes(octets).into_uuid().to_string()
    };
    Device { org, name }
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
