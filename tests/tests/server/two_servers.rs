//! Two servers on one database, with nothing between them and the devices.

use std::sync::Arc;

use futures::future::{join, join_all};
use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::device::Device;
use crate::fleet;
use crate::ledger::Ledger;
use crate::serving::Serving;
use crate::site::Site;

/// How many devices there are.
const DEVICES: usize = 24;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, Backend::SERVERS, [two_servers_are_one])
}

async fn two_servers_are_one(cx: Context) {
    let site = Site::new(&cx).await;
    let (one, other) = (Serving::start(&site), Serving::start(&site));
    let ledger = Ledger::of(&site).await;
    let mut devices = fleet::enrolled(&site, &ledger, one.address(), DEVICES).await;
    let (first, second) = (one.address(), other.address());

    // Each renews with the one, then with the other.
    for server in [second, first] {
        let renewals = devices.iter_mut().map(|device| async move { device.renew(server).await.unwrap() });
        assert_eq!(join_all(renewals).await, [200; DEVICES]);
    }

    // Each asks both the same at once: who is not answered now is later, and all get one.
    for device in &mut devices {
        let (here, there) = join(device.ask(first), device.ask(second)).await;
        let answers = [here.unwrap(), there.unwrap()];
        assert!(answers.iter().any(|answer| answer.status == 200), "{answers:?}");
        assert!(answers.iter().all(|answer| [200, 202].contains(&answer.status)), "{answers:?}");
        let again = device.ask(second).await.unwrap();
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            assert_eq!(answer.body, again.body);
        }
        device.take(&again);
    }

    // One is killed while all ask it, and all ask the other.
    let asking = async { join_all(devices.iter_mut().map(|device| device.renew(first))).await };
    let killing = async {
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        one.kill();
    };
    let (outcomes, ()) = join(asking, killing).await;
    for (device, outcome) in devices.iter_mut().zip(outcomes) {
        if outcome.is_err() {
            assert!(matches!(device.renew(second).await, Ok(200 | 202)), "{}", device.name);
        }
    }
    ledger.reconcile_in_an_hour().await;
    let renewals =
        devices.iter_mut().map(|device: &mut Device| async { device.renew(second).await.unwrap() });
    assert_eq!(join_all(renewals).await, [200; DEVICES]);
    let (_, successes) = fleet::assert_recorded(&ledger, &devices).await;
    assert!(successes >= 4 * DEVICES);
    other.stop();
}
