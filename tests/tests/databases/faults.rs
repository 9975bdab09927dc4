//! Databases that end, fall silent or are held by others: the store says that it is not
//! available, writes nothing by halves, and is well again by itself.

use crate::support::{opens, renewal};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, Completed, EventFilter, IssuanceStore, OpenRequestFilter, OrgId, PageRequest, RenewalEvent,
    RenewalEventStore, StoreError,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::{Backend, Backends, Context, Server, ServerOptions, TestDatabase};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [a_pool_without_a_free_connection_is_unavailable]);
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [
            a_server_killed_in_mid_flow_loses_nothing_that_was_acknowledged,
            connections_that_are_cut_are_replaced,
            a_server_that_falls_silent_is_unavailable_in_time,
        ]
    ));
    trials
}

/// Short limits, so that a test need not wait.
pub(crate) fn impatient() -> ConnectOptions {
    ConnectOptions::new()
        .acquire_timeout(Duration::from_millis(500))
        .statement_timeout(Duration::from_millis(500))
}

/// The longest that a call may take with these limits, and a little for a busy machine.
const IN_TIME: Duration = Duration::from_secs(5);

async fn in_time<T>(call: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(IN_TIME, call).await;
    answer.expect("a call answers in time")
}

pub(crate) fn assert_unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
}

/// Waits until the store answers again.
async fn well_again(store: &SeaOrmStore, org: OrgId) {
    let begun = Instant::now();
    while let Err(error) = store.list(org, &EventFilter::new(), &PageRequest::default()).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come back: {error:?}");
    }
}

async fn a_server_killed_in_mid_flow_loses_nothing_that_was_acknowledged(context: Context) {
    let server = Backends::private_server(context.backend(), ServerOptions { durable: true });
    let database = server.fresh_database().await;
    let store = connect(database.url(), impatient()).await.unwrap();
    let org = Samples::of(1).org;
    for (round, end) in [Server::kill as fn(&Server), Server::stop].into_iter().enumerate() {
        let workers = (0..8).map(|worker| {
            let store = store.clone();
            tokio::spawn(async move { renew_until_it_fails(&store, worker + 100 * round).await })
        });
        let workers: Vec<_> = workers.collect();
        tokio::time::sleep(Duration::from_millis(700)).await;
        tokio::task::spawn_blocking({
            let server = Arc::clone(&server);
            move || end(&server)
        })
        .await
        .unwrap();
        let done: Vec<_> = join_all(workers).await.into_iter().map(Result::unwrap).collect();
        assert_unavailable(&in_time(store.get(org, done[0].0[0].id())).await);

        tokio::task::spawn_blocking({
            let server = Arc::clone(&server);
            move || server.restart()
        })
        .await
        .unwrap();
        well_again(&store, org).await;
        for (acknowledged, error) in &done {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            assert!(!acknowledged.is_empty(), "the server was killed too early");
            for event in acknowledged {
                assert_eq!(store.get(org, event.id()).await.unwrap().as_ref(), Some(event));
            }
        }
        assert_whole(&database, &store).await;
    }
    store.close().await.unwrap();
}

/// Renews again and again; gives what was acknowledged, and the error that ended it.
async fn renew_until_it_fails(store: &SeaOrmStore, worker: usize) -> (Vec<RenewalEvent>, StoreError) {
    let samples = Samples::of(1);
    let mut acknowledged = Vec::new();
    for number in 1..=u32::MAX {
        let csr = format!("csr {worker} {number}");
        let request = renewal(&samples, "gateway", &csr, 1);
        match store.open(samples.org, &request, &samples.rules()).await {
            Ok(_) => acknowledged.extend(request.start_event()),
            Err(error) => return (acknowledged, error),
        }
        let serial = u32::try_from(worker).unwrap() << 20 | number;
        let end = samples.issued(&request, serial);
        match store.complete(samples.org, request.id(), &end).await {
            Ok(done) => {
                assert_eq!(done, Completed::Recorded);
                acknowledged.extend(end.event().cloned());
            }
            Err(error) => return (acknowledged, error),
        }
    }
    unreachable!("the server is killed before")
}

/// Every start has an end or an open request, not both, and every success its certificate.
pub(crate) async fn assert_whole(database: &TestDatabase, store: &SeaOrmStore) {
    let db = database.connect().await;
    let starts = count(&db, "certificate_renewal_events WHERE stage = 0").await;
    let ends = count(&db, "certificate_renewal_events WHERE stage = 1").await;
    let successes = count(&db, "certificate_renewal_events WHERE event_type = 'renewal_success'").await;
    let open = count(&db, "open_requests").await;
    let certificates = count(&db, "device_certificates").await;
    assert_eq!(starts, ends + open, "{ends} ends, {open} open");
    assert_eq!(successes, certificates);
    let (filter, first) = (OpenRequestFilter::default(), PageRequest::default());
    let page = store.open_requests(Samples::of(1).org, &filter, &first).await.unwrap();
    assert_eq!(i64::try_from(page.items.len()).unwrap(), open.min(100));
    db.close().await.unwrap();
}

async fn count(db: &DatabaseConnection, what: &str) -> i64 {
    crate::schema::column::<i64>(db, &format!("SELECT count(*) FROM {what}")).await[0]
}

async fn connections_that_are_cut_are_replaced(context: Context) {
    let database = context.fresh_database().await;
    let store = connect(database.url(), impatient().max_connections(4)).await.unwrap();
    let samples = Samples::of(1);
    let reads = || (0..16).map(|_| store.get(samples.org, renewal(&samples, "a", "b", 1).id().start_event()));
    for round in 0..3 {
        for result in join_all(reads()).await {
            result.unwrap();
        }
        renew(&store, &samples, 2 * round + 1).await;
        cut_connections(&database).await;
        // Nobody notices: what is read, and what begins a transaction, goes over another one.
        renew(&store, &samples, 2 * round + 2).await;
        for result in join_all(reads()).await {
            result.unwrap();
        }
    }
    assert_whole(&database, &store).await;
    store.close().await.unwrap();
}

/// Renews, which nothing gets in the way of.
async fn renew(store: &SeaOrmStore, samples: &Samples, number: u32) {
    let request = renewal(samples, "gateway", &format!("csr {number}"), 1);
    opens(store, samples, &request).await;
    let end = samples.issued(&request, number);
    assert_eq!(store.complete(samples.org, request.id(), &end).await.unwrap(), Completed::Recorded);
}

/// Cuts all other connections to the database.
async fn cut_connections(database: &TestDatabase) {
    let db = database.connect().await;
    match database.backend() {
        Backend::Postgres | Backend::Sqlite => {
            let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            crate::schema::column::<i64>(&db, others).await;
        }
        Backend::MariaDb => {
            let others = "SELECT id FROM information_schema.processlist \
                          WHERE db = DATABASE() AND id <> CONNECTION_ID()";
            for id in crate::schema::column::<i64>(&db, others).await {
                // It may have ended by itself.
                let _ = db.execute_unprepared(&format!("KILL {id}")).await;
            }
        }
    }
    db.close().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn a_server_that_falls_silent_is_unavailable_in_time(context: Context) {
    let server = Backends::private_server(context.backend(), ServerOptions::default());
    let database = server.fresh_database().await;
    let store = connect(database.url(), impatient().max_connections(2)).await.unwrap();
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    store.create(samples.org, &start).await.unwrap();
    server.freeze();
    for _ in 0..3 {
        assert_unavailable(&in_time(store.get(samples.org, start.id())).await);
        let request = renewal(&samples, "gateway", "csr", 1);
        assert_unavailable(&in_time(store.open(samples.org, &request, &samples.rules())).await);
    }
    server.thaw();
    well_again(&store, samples.org).await;
    assert_eq!(store.get(samples.org, start.id()).await.unwrap(), Some(start));
    store.close().await.unwrap();
}

/// A transaction that keeps everybody waiting who writes an event.
pub(crate) async fn holding_up_writers(database: &TestDatabase) -> DatabaseTransaction {
    let transaction = database.connect().await.begin().await.unwrap();
    let lock = match database.backend() {
        Backend::Postgres => "LOCK TABLE certificate_renewal_events IN ACCESS EXCLUSIVE MODE",
        Backend::MariaDb => "LOCK TABLES certificate_renewal_events WRITE",
        Backend::Sqlite => "DELETE FROM open_requests",
    };
    transaction.execute_unprepared(lock).await.unwrap();
    transaction
}

pub(crate) async fn let_writers_go(transaction: DatabaseTransaction, backend: Backend) {
    if backend == Backend::MariaDb {
        transaction.execute_unprepared("UNLOCK TABLES").await.unwrap();
    }
    transaction.rollback().await.unwrap();
}

async fn a_pool_without_a_free_connection_is_unavailable(context: Context) {
    let database = context.fresh_database().await;
    let store = connect(database.url(), impatient().max_connections(1)).await.unwrap();
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);

    // Somebody else keeps the store's only connection waiting.
    let transaction = holding_up_writers(&database).await;
    let calls = (0..8).map(|_| store.create(samples.org, &start));
    for result in in_time(join_all(calls)).await {
        assert_unavailable(&result);
    }
    let_writers_go(transaction, context.backend()).await;

    store.create(samples.org, &start).await.unwrap();
    assert_eq!(store.get(samples.org, start.id()).await.unwrap(), Some(start));
    store.close().await.unwrap();
}
