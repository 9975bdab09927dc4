//! A SQLite database that is full, by its own limit or its disk's: the store says that it is not
//! available, keeps what it acknowledged, and goes on when there is room.

use crate::faults::{assert_unavailable, assert_whole, impatient};
use crate::support::{opens, renewal};
use libtest_mimic::{Failed, Trial};
use renewal_domain::testing::samples::Samples;
use renewal_domain::{AttemptKind, IssuanceStore, RenewalEventStore, StoreError};
use renewal_store_seaorm::introspect::send;
use renewal_store_seaorm::{SeaOrmStore, connect};
use std::sync::Arc;
use tests::{Backend, Backends, Context, SmallDisk};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [Backend::Sqlite], [a_database_that_is_full_is_unavailable]);
    let disk = Trial::test("sqlite::full::a_disk_that_is_full_is_unavailable", a_disk_that_is_full);
    // Only the administrator may make a small disk.
    trials.push(disk.with_ignored_flag(!rustix::process::geteuid().is_root()));
    trials
}

async fn a_database_that_is_full_is_unavailable(context: Context) {
    let database = context.fresh_database().await;
    // The limit is one of the connection.
    let store = connect(database.url(), impatient().max_connections(1)).await.unwrap();
    fill(&store, async |full| {
        let pages = if full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 1000000" };
        send(&store, pages).await.unwrap();
    })
    .await;
    assert_whole(&database, &store).await;
    store.close().await.unwrap();
}

/// Writes until there is no room, and goes on when there is some again.
async fn fill(store: &SeaOrmStore, room: impl AsyncFn(bool)) {
    let samples = Samples::of(1);
    let mut acknowledged = Vec::new();
    room(true).await;
    let mut errors = Vec::new();
    // Until not even an attempt has room, which a request needs more of.
    for attempts in [100, 10, 1] {
        errors.push(loop {
            let starts: Vec<_> =
                (0..attempts).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
            let ends: Vec<_> = starts.iter().map(|start| samples.failed(start, "denied")).collect();
            let both: Vec<_> = starts.into_iter().chain(ends).collect();
            match store.create_many(samples.org, &both).await {
                Ok(()) => acknowledged.extend(both),
                Err(error) => break error,
            }
        });
        // The store may have thrown away the connection that failed, and its limit with it.
        room(true).await;
    }
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("full"), "{error:?}");
    }
    let big = "a csr".repeat(10_000);
    let request = renewal(&samples, "gateway", &big, 1);
    for _ in 0..3 {
        assert_unavailable(&store.open(samples.org, &request, &samples.rules()).await);
        room(true).await;
        assert_eq!(store.open_request(samples.org, request.id()).await.unwrap(), None);
        assert_eq!(store.get(samples.org, request.id().start_event()).await.unwrap(), None);
    }
    room(false).await;
    opens(store, &samples, &request).await;
    let end = samples.issued(&request, 1);
    store.complete(samples.org, request.id(), &end).await.unwrap();
    for event in &acknowledged {
        assert_eq!(store.get(samples.org, event.id()).await.unwrap().as_ref(), Some(event));
    }
}

fn a_disk_that_is_full() -> Result<(), Failed> {
    let disk = SmallDisk::new("1m")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let url = format!("sqlite://{}", disk.path().join("ledger.db").display());
        let store = connect(&url, impatient().migrate(true)).await.unwrap();
        fill(&store, async |full| {
            disk.resize(if full { "1m" } else { "64m" }).unwrap();
        })
        .await;
        store.close().await.unwrap();
    });
    Ok(())
}
