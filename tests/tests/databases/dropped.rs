//! Calls dropped at any time: in the middle of an exchange with the server, too, and not only where
//! the future happens to wait. And a runtime that ends under its store.

use crate::faults::assert_unavailable;
use crate::support::renewal;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{AttemptKind, EventFilter, IssuanceStore, PageRequest, RenewalEventStore};
use renewal_store_seaorm::{ConnectOptions, connect};
use std::sync::Arc;
use std::time::Duration;
use tests::{Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [a_pool_survives_calls_that_are_dropped_at_any_time, a_store_whose_runtime_has_ended_is_unavailable,]
    )
}

async fn a_pool_survives_calls_that_are_dropped_at_any_time(cx: Context) {
    let database = cx.fresh_database().await;
    let store = connect(database.url(), ConnectOptions::new().max_connections(2)).await.unwrap();
    let samples = Samples::of(1);
    let events: Vec<_> = (0..500).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    store.create_many(samples.org, &events).await.unwrap();
    for micros in (0..150).map(|step| step * 40) {
        let patience = Duration::from_micros(micros);
        let page = PageRequest::default();
        let filter = EventFilter::new();
        let _dropped = tokio::time::timeout(patience, store.list(samples.org, &filter, &page)).await;
        let start = samples.start("gateway", AttemptKind::Renewal);
        let _dropped = tokio::time::timeout(patience, store.create(samples.org, &start)).await;
        let request = renewal(&samples, "gateway", &format!("csr {micros}"), 1);
        let rules = samples.rules();
        let _dropped = tokio::time::timeout(patience, store.open(samples.org, &request, &rules)).await;
        let end = samples.refused(&request, "abandoned");
        let complete = store.complete(samples.org, request.id(), &end);
        let _dropped = tokio::time::timeout(patience, complete).await;

        // Both connections are needed, and both must answer.
        let first = samples.start("probe", AttemptKind::Renewal);
        let both = futures::future::try_join(
            store.create(samples.org, &first),
            store.get(samples.org, events[0].id()),
        );
        let answered = tokio::time::timeout(Duration::from_secs(8), both).await;
        assert!(matches!(answered, Ok(Ok(_))), "dropped after {micros} µs: {answered:?}");
        assert!(store.get(samples.org, first.id()).await.unwrap().is_some(), "written and lost");
    }
}

async fn a_store_whose_runtime_has_ended_is_unavailable(cx: Context) {
    let database = cx.fresh_database().await;
    let url = database.url().to_owned();
    let connecting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = runtime.block_on(connect(&url, ConnectOptions::new())).unwrap();
        let page = PageRequest::default();
        runtime.block_on(store.list(Samples::of(1).org, &EventFilter::new(), &page)).unwrap();
        store
    });
    let store = connecting.join().unwrap();
    let samples = Samples::of(1);
    let filter = EventFilter::new();
    let page = PageRequest::default();
    let listed = tokio::time::timeout(Duration::from_secs(8), store.list(samples.org, &filter, &page)).await;
    assert_unavailable(&listed.expect("a call answers in time"));
    // What is written in groups has a thread of its own, and is not lost.
    let start = samples.start("gateway", AttemptKind::Renewal);
    store.create(samples.org, &start).await.unwrap();
    let again = connect(database.url(), ConnectOptions::new()).await.unwrap();
    assert_eq!(again.get(samples.org, start.id()).await.unwrap(), Some(start));
}
