//! Devices that ask at once for certificates with one key: one gets it.

use crate::support::open_store;
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    CertificateFilter, CertificateRecord, Completed, FleetStore, IssuanceStore, OpenRefusal, Opened,
    PageRequest, RequestState,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use std::sync::Arc;
use tests::{Backend, Backends, Context};
use tokio::task::JoinSet;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            of_many_devices_that_ask_one_store_one_gets_the_key,
            of_many_devices_that_ask_two_stores_at_most_one_of_each_gets_the_key,
        ]
    )
}

const DEVICES: u32 = 32;

/// What a device heard in the end.
#[derive(Debug)]
enum Heard {
    Certificate,
    KeyInUse,
}

/// A device enrolls with the key of the others.
async fn enrolls(store: SeaOrmStore, samples: Arc<Samples>, number: u32, csr: String) -> Heard {
    let request = samples.request(&format!("device {number}"), &csr, 0, RequestState::Signing);
    match store.open(samples.org, &request, &samples.rules()).await.unwrap() {
        Opened::New { .. } => (),
        Opened::Refused(OpenRefusal::KeyInUse(_)) => return Heard::KeyInUse,
        other => panic!("{other:?}"),
    }
    let end = samples.issued(&request, number).refusing_key_in_use(true);
    match store.complete(samples.org, request.id(), &end).await.unwrap() {
        Completed::Recorded => Heard::Certificate,
        Completed::KeyInUse(_) => {
            let end = samples.refused(&request, "key_in_use");
            assert_eq!(store.complete(samples.org, request.id(), &end).await.unwrap(), Completed::Recorded);
            Heard::KeyInUse
        }
        other => panic!("{other:?}"),
    }
}

/// All devices enroll at once, each with one of the stores; the certificates that there are then. As many
/// devices heard of one.
async fn race(stores: &[SeaOrmStore], samples: &Arc<Samples>, round: u32) -> Vec<CertificateRecord> {
    let csr = format!("shared {round}");
    let mut devices = JoinSet::new();
    for (number, store) in (1 + DEVICES * round..=DEVICES * (round + 1)).zip(stores.iter().cycle()) {
        devices.spawn(enrolls(store.clone(), Arc::clone(samples), number, csr.clone()));
    }
    let heard = devices.join_all().await;
    let filter = CertificateFilter::OfKey(samples.key(&csr));
    let page = stores[0].certificates(samples.org, &filter, &PageRequest::default()).await.unwrap();
    let certificates = heard.iter().filter(|heard| matches!(heard, Heard::Certificate)).count();
    assert_eq!(certificates, page.items.len(), "{heard:?}");
    page.items
}

async fn of_many_devices_that_ask_one_store_one_gets_the_key(context: Context) {
    let database = context.fresh_database().await;
    let stores = [open_store(database.url(), ConnectOptions::new()).await];
    let samples = Arc::new(Samples::of(1));
    for round in 0..5 {
        let certificates = race(&stores, &samples, round).await;
        assert_eq!(certificates.len(), 1, "round {round}");
    }
    stores[0].close().await.unwrap();
}

/// Two servers that record certificates at the same instant do not see each other's on PostgreSQL, MySQL
/// and MariaDB. SQLite has one writer at a time.
async fn of_many_devices_that_ask_two_stores_at_most_one_of_each_gets_the_key(context: Context) {
    let database = context.fresh_database().await;
    let open = || open_store(database.url(), ConnectOptions::new());
    let stores = [open().await, open().await];
    let samples = Arc::new(Samples::of(1));
    let most = if context.backend() == Backend::Sqlite { 1 } else { stores.len() };
    for round in 0..5 {
        let certificates = race(&stores, &samples, round).await;
        assert!((1..=most).contains(&certificates.len()), "round {round}: {}", certificates.len());
        // Whoever comes later finds the key in use.
        let request = samples.request("late", &format!("shared {round}"), 0, RequestState::Signing);
        for opened in join_all(
            stores
                .iter()
                .map(async |store| store.open(samples.org, &request, &samples.rules()).await.unwrap()),
        )
        .await
        {
            assert!(matches!(opened, Opened::Refused(OpenRefusal::KeyInUse(_))), "{opened:?}");
        }
    }
    for store in stores {
        store.close().await.unwrap();
    }
}
