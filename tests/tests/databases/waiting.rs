//! Calls that wait to be written: how many may, and what becomes of them when the store is closed or
//! they are dropped.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, EventFilter, IssuanceStore, PageRequest, PageSize, RenewalEventStore, Serial,
};
use renewal_store_seaorm::{ConnectOptions, connect};
use tests::{Backend, Backends, Context};

use crate::faults::{assert_unavailable, holding_up_writers, impatient, let_writers_go};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            more_calls_than_may_wait_are_refused,
            what_waits_when_the_store_is_closed_is_written_first,
            calls_that_were_dropped_while_they_waited_are_left_out,
        ]
    )
}

async fn more_calls_than_may_wait_are_refused(context: Context) {
    let database = context.fresh_database().await;
    let options = impatient().statement_timeout(Duration::from_secs(3)).waiting_calls(3);
    let store = connect(database.url(), options).await.unwrap();
    let samples = Samples::of(1);
    // Somebody else keeps every writer waiting, for a second.
    let transaction = holding_up_writers(&database).await;
    let starts: Vec<_> = (0..10).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    let calls = join_all(starts.iter().map(|start| store.create(samples.org, start)));
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let_writers_go(transaction, context.backend()).await;
    };
    let (done, ()) = futures::join!(calls, release);
    let (waited, refused) = done.split_at(3);
    if context.backend() != Backend::Sqlite {
        // There, a writer waits for the lock no longer than for a connection.
        assert!(waited.iter().all(Result::is_ok), "{waited:?}");
    }
    for call in refused {
        assert_unavailable(call);
        let error = call.as_ref().unwrap_err();
        let reason = std::error::Error::source(error).expect("it says why").to_string();
        assert!(reason.contains("3 calls wait"), "{reason}");
    }
    store.create(samples.org, &starts[9]).await.unwrap();
    store.close().await.unwrap();
}

async fn what_waits_when_the_store_is_closed_is_written_first(context: Context) {
    let database = context.fresh_database().await;
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..100).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    let mut calls: Vec<_> = starts.iter().map(|start| Box::pin(store.create(samples.org, start))).collect();
    // Each has its place before the store is closed.
    for call in &mut calls {
        let _waits = futures::poll!(call);
    }
    store.close().await.unwrap();
    for call in calls {
        call.await.unwrap();
    }
    assert_unavailable(&store.create(samples.org, &samples.start("late", AttemptKind::Renewal)).await);
    assert_unavailable(&store.certificate(samples.org, &Serial::from_be_bytes(&[1]).unwrap()).await);

    let again = connect(database.url(), ConnectOptions::new()).await.unwrap();
    for start in &starts {
        assert!(again.get(samples.org, start.id()).await.unwrap().is_some());
    }
    again.close().await.unwrap();
}

async fn calls_that_were_dropped_while_they_waited_are_left_out(context: Context) {
    let database = context.fresh_database().await;
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..100).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    let transaction = holding_up_writers(&database).await;
    let mut calls: Vec<_> = starts.iter().map(|start| Box::pin(store.create(samples.org, start))).collect();
    // The first one is on its way, and stuck, when the others begin to wait.
    assert!(futures::poll!(&mut calls[0]).is_pending());
    tokio::time::sleep(Duration::from_millis(300)).await;
    for call in &mut calls[1..] {
        assert!(futures::poll!(call).is_pending());
    }
    let kept: Vec<_> = calls.into_iter().step_by(2).collect();
    let_writers_go(transaction, context.backend()).await;
    for call in join_all(kept).await {
        call.unwrap();
    }
    let page =
        store.list(samples.org, &EventFilter::new(), &PageRequest::first(PageSize::MAX)).await.unwrap();
    assert_eq!(page.items.len(), 50);
    for start in starts.iter().step_by(2) {
        assert!(page.items.contains(start));
    }
    store.close().await.unwrap();
}
