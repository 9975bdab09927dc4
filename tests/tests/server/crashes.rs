//! The server is killed while a fleet renews.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use libtest_mimic::Trial;
use tests::{Backends, Context};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::device::Device;
use crate::fleet;
use crate::ledger::Ledger;
use crate::serving::Serving;
use crate::site::Site;

/// How many devices renew.
const DEVICES: usize = 50;

/// How often a device renews before it waits for the next server: fewer times than it may.
const RENEWALS: usize = 4;

/// How many renewals there are before the first server is killed.
const FIRST_LIFE: usize = 25;

/// How long the second lives.
const SECOND_LIFE: Duration = Duration::from_millis(150);

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [a_server_killed_while_devices_renew_loses_nothing])
}

async fn a_server_killed_while_devices_renew_loses_nothing(cx: Context) {
    let site = Site::new(&cx).await;
    let mut server = Serving::start(&site);
    let ledger = Ledger::of(&site).await;
    let devices = fleet::enrolled(&site, &ledger, server.address(), DEVICES).await;

    let (servers, seen) = watch::channel(Some(server.address()));
    let (renewed, mut renewals) = mpsc::channel(DEVICES * RENEWALS * 2);
    let renew = |device| tokio::spawn(renew(device, seen.clone(), renewed.clone()));
    let renewing: Vec<_> = devices.into_iter().map(renew).collect();
    for _ in 0..FIRST_LIFE {
        renewals.recv().await.unwrap();
    }
    server.kill();
    server = Serving::start(&site);
    servers.send_replace(Some(server.address()));
    sleep(SECOND_LIFE).await;
    server.kill();
    server = Serving::start(&site);
    servers.send_replace(None);
    let mut devices = Vec::new();
    for renewed in join_all(renewing).await {
        devices.push(renewed.unwrap());
    }

    ledger.reconcile_in_an_hour().await;
    let address = server.address();
    let last = devices.iter_mut().map(|device| async move { device.renew(address).await.unwrap() });
    let statuses = join_all(last).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    fleet::assert_recorded(&ledger, &devices).await;
    let log = server.stop();
    assert!(!log.contains("ERROR"), "{log}");
}

/// Renews, with one server after the other, until there is none.
async fn renew(
    mut device: Device,
    mut servers: watch::Receiver<Option<SocketAddr>>,
    renewed: mpsc::Sender<()>,
) -> Device {
    loop {
        let Some(server) = *servers.borrow_and_update() else { return device };
        for _ in 0..RENEWALS {
            // One that was cut off asks the next server; so does one that is told to ask later,
            // because its attempt is what the killed server had begun.
            match device.renew(server).await {
                Ok(200) => renewed.send(()).await.unwrap(),
                Ok(202) | Err(_) => break,
                Ok(status) => panic!("{} got {status}", device.name),
            }
        }
        servers.changed().await.unwrap();
    }
}
