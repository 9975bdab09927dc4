//! A fleet that renews for a minute: no error, a whole history, and a server that does not grow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};
use tokio::time::{Instant, sleep, sleep_until};

use crate::device::Device;
use crate::fleet;
use crate::ledger::Ledger;
use crate::serving::Serving;
use crate::site::Site;

/// How many devices renew.
const DEVICES: u32 = 200;

/// How often each does.
const RENEWALS: u32 = 24;

/// How long it waits between two renewals.
const PAUSE: Duration = Duration::from_millis(2_500);

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [Backend::Postgres], [two_hundred_devices_renew_in_constant_memory])
}

async fn two_hundred_devices_renew_in_constant_memory(cx: Context) {
    let mut site = Site::new(&cx).await;
    site.set("RENEWAL_EST__ATTEMPTS_PER_DEVICE", "60");
    let server = Serving::start(&site);
    let ledger = Ledger::of(&site).await;
    let devices = fleet::enrolled(&site, &ledger, server.address(), 200).await;

    let begin = Instant::now();
    let renewing = (0..DEVICES).zip(devices).map(|(number, device)| {
        let first = begin + PAUSE * number / DEVICES;
        tokio::spawn(renew(device, server.address(), first))
    });
    let renewing: Vec<_> = renewing.collect();
    sleep(Duration::from_secs(10)).await;
    let early = server.resident().unwrap();
    let devices: Vec<_> = join_all(renewing).await.into_iter().map(Result::unwrap).collect();
    let late = server.resident().unwrap();
    assert!(late * 2 <= early * 3, "{early} KiB after ten seconds, {late} KiB in the end");

    let all = usize::try_from(DEVICES * RENEWALS).unwrap();
    assert_eq!(fleet::assert_recorded(&ledger, &devices).await, (all, all));
    let log = server.stop();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

/// Renews again and again, from this moment on.
async fn renew(mut device: Device, server: SocketAddr, first: Instant) -> Device {
    for number in 0..RENEWALS {
        sleep_until(first + PAUSE * number).await;
        let status = device.renew(server).await.unwrap();
        assert_eq!(status, 200, "{}", device.name);
    }
    device
}
