//! Measures how fast events are appended.
//!
//! `cargo bench -p renewal-store-seaorm --bench appends -- [--rounds N] [--backend NAME]` appends
//! events, each time as many and with the same indexes, in turn:
//!
//! - by `create`, with 64 callers at a time;
//! - by `create_many`, a thousand at a time, one caller;
//! - by the fastest way into the database that there is, a thousand at a time, each with a commit:
//!   `COPY` on PostgreSQL, a prepared insert of many rows on the others;
//! - by a prepared insert of one row each, which is a transaction of its own, on 64 connections.
//!
//! It prints events a second and ratios. It fails when `create_many` has less than half of the
//! fastest way, or `create` less than five times the inserts of one row.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "support/durable.rs"]
mod durable;
mod support;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::Durable;
use futures::stream::{self, StreamExt, TryStreamExt};
use renewal_domain::{
    AttemptKind, DeviceId, EventId, IdSource, Ids, OrgId, RenewalEvent, RenewalEventStore, Stage, SystemClock,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait, Value};
use support::Outcome;
use tests::Backend;
use uuid::Uuid;

/// What `create_many` must have of the fastest way.
const FLOOR_MANY: f64 = 0.5;

/// How many times the inserts of one row `create` must do.
const FLOOR_ONE: f64 = 5.0;

const CALLERS: usize = 64;
const BATCH: usize = 1_000;

/// How many events of each round are appended in batches, and how many one by one.
const IN_BATCHES: usize = 20_000;
const ONE_BY_ONE: usize = 6_400;

const ORG: OrgId = OrgId::new(Uuid::from_u128(7));
const COLUMNS: &str = "org_id, id, device_id, attempt_id, stage, event_type, reason, \
                       old_cert_expiration, new_cert_expiration, error_message, created_at";

fn main() -> ExitCode {
    support::run(&["rounds"], |backends, backend, arguments| async move {
        let rounds = arguments.number("rounds", 5);
        let durable = Durable::new(&backends, backend).await;
        let store = connect(durable.database.url(), ConnectOptions::new()).await?;
        let mut plain = sea_orm::ConnectOptions::new(durable.database.url());
        plain.max_connections(u32::try_from(CALLERS)?).sqlx_logging(false);
        let plain = Database::connect(plain).await?;
        set_up(&plain).await?;

        let events = Events(Ids::new(Arc::new(SystemClock)));
        let mut took = [Duration::ZERO; 4];
        for _ in 0..rounds {
            took[0] += create(&store, events.some(ONE_BY_ONE)).await?;
            took[1] += create_many(&store, events.some(IN_BATCHES)).await?;
            took[2] += fastest(&plain, events.some(IN_BATCHES)).await?;
            took[3] += one_by_one(&plain, events.some(ONE_BY_ONE)).await?;
        }
        store.close().await?;
        plain.close().await?;

        let rate = |count: usize, took: Duration| per_second(count, rounds, took);
        let (create, many) = (rate(ONE_BY_ONE, took[0]), rate(IN_BATCHES, took[1]));
        let (fastest, one) = (rate(IN_BATCHES, took[2]), rate(ONE_BY_ONE, took[3]));
        let way = if backend == Backend::Postgres { "COPY" } else { "one prepared insert" };
        println!("{}, {}: events a second, {rounds} rounds", backend.name(), durable.says());
        println!("  {create:>9.0}  create, {CALLERS} callers       {:>6.2} of {way}", create / fastest);
        println!("  {many:>9.0}  create_many of {BATCH}      {:>6.2} of {way}", many / fastest);
        println!("  {fastest:>9.0}  {way} of {BATCH}");
        println!(
            "  {one:>9.0}  one row each, {CALLERS} connections; create is {:.1} times that",
            create / one
        );
        let good = many / fastest >= FLOOR_MANY && create / one >= FLOOR_ONE;
        if !good {
            println!("  BELOW THE FLOOR of {FLOOR_MANY} or of {FLOOR_ONE} times");
        }
        Ok(good)
    })
}

#[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
fn per_second(count: usize, rounds: u64, took: Duration) -> f64 {
    count as f64 * rounds as f64 / took.as_secs_f64()
}

/// Where events come from: starts and successes of ten thousand devices.
struct Events(Ids);

impl Events {
    fn some(&self, count: usize) -> Vec<RenewalEvent> {
        (0..count / 2).flat_map(|attempt| self.of_attempt(attempt)).collect()
    }

    fn of_attempt(&self, attempt: usize) -> [RenewalEvent; 2] {
        let device = DeviceId::new(Uuid::new_v5(&ORG.as_uuid(), &(attempt % 10_000).to_be_bytes()));
        let id: EventId = self.0.next();
        let start = RenewalEvent::start(id, ORG, device, AttemptKind::Renewal, id.created_at());
        let end = start.success(self.0.next(), id.created_at()).expect("it is the first end");
        [start, end]
    }
}

/// What the column `stage` says of an event.
fn stage(event: &RenewalEvent) -> i16 {
    i16::from(event.stage() != Stage::Start)
}

async fn create(store: &SeaOrmStore, events: Vec<RenewalEvent>) -> Outcome<Duration> {
    let begun = Instant::now();
    let mut callers = Vec::new();
    for events in events.chunks(events.len().div_ceil(CALLERS)) {
        let (store, events) = (store.clone(), events.to_vec());
        callers.push(tokio::spawn(async move {
            for event in &events {
                store.create(ORG, event).await?;
            }
            Ok::<_, renewal_domain::StoreError>(())
        }));
    }
    for caller in callers {
        caller.await??;
    }
    Ok(begun.elapsed())
}

async fn create_many(store: &SeaOrmStore, events: Vec<RenewalEvent>) -> Outcome<Duration> {
    let begun = Instant::now();
    for batch in events.chunks(BATCH) {
        store.create_many(ORG, batch).await?;
    }
    Ok(begun.elapsed())
}

/// What every connection has that writes as durably as the store does.
async fn set_up(db: &DatabaseConnection) -> Outcome<()> {
    if db.get_database_backend() == DbBackend::Sqlite {
        // A setting of the connection: there is only one that writes.
        db.execute_unprepared("PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000").await?;
    }
    Ok(())
}

async fn fastest(db: &DatabaseConnection, events: Vec<RenewalEvent>) -> Outcome<Duration> {
    if db.get_database_backend() == DbBackend::Postgres {
        let batches: Vec<_> = events.chunks(BATCH).map(text).collect();
        let begun = Instant::now();
        for batch in batches {
            let mut connection = db.get_postgres_connection_pool().acquire().await?;
            let copy = format!("COPY certificate_renewal_events ({COLUMNS}) FROM STDIN");
            let mut copy = connection.copy_in_raw(&copy).await?;
            copy.send(batch.into_bytes()).await?;
            copy.finish().await?;
        }
        return Ok(begun.elapsed());
    }
    let batches: Vec<_> = events.chunks(BATCH).map(|batch| insert(db, batch)).collect();
    let begun = Instant::now();
    for batch in batches {
        let transaction = db.begin().await?;
        transaction.execute_raw(batch).await?;
        transaction.commit().await?;
    }
    Ok(begun.elapsed())
}

async fn one_by_one(db: &DatabaseConnection, events: Vec<RenewalEvent>) -> Outcome<Duration> {
    let inserts: Vec<_> = events.chunks(1).map(|event| insert(db, event)).collect();
    // One can write to SQLite at a time; more connections would only wait for one another.
    let connections = if db.get_database_backend() == DbBackend::Sqlite { 1 } else { CALLERS };
    let begun = Instant::now();
    stream::iter(inserts)
        .map(|insert| {
            let db = db.clone();
            async move { tokio::spawn(async move { db.execute_raw(insert).await }).await.expect("it ends") }
        })
        .buffer_unordered(connections)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(begun.elapsed())
}

/// The prepared statement that adds these rows.
fn insert(db: &DatabaseConnection, events: &[RenewalEvent]) -> Statement {
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = Vec::with_capacity(events.len() * 11);
    for event in events {
        values.extend([
            event.org_id().as_uuid().into(),
            event.id().as_uuid().into(),
            event.device_id().as_uuid().into(),
            event.attempt_id().as_uuid().into(),
            stage(event).into(),
            event.event_type().as_str().into(),
            Option::<String>::None.into(),
            instant(backend, Some(event.old_cert_expiration())),
            instant(backend, event.new_cert_expiration()),
            Option::<String>::None.into(),
            instant(backend, Some(event.created_at())),
        ]);
    }
    let mut sql = format!("INSERT INTO certificate_renewal_events ({COLUMNS}) VALUES ");
    for row in 0..events.len() {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..11 {
            sql.push_str(if column == 0 { "" } else { ", " });
            match backend {
                DbBackend::Postgres => write!(sql, "${}", row * 11 + column + 1).expect("text"),
                _ => sql.push('?'),
            }
        }
        sql.push(')');
    }
    Statement::from_sql_and_values(backend, sql, values)
}

fn instant(backend: DbBackend, instant: Option<chrono::DateTime<chrono::Utc>>) -> Value {
    match backend {
        DbBackend::MySql => instant.map(|instant| instant.naive_utc()).into(),
        _ => instant.into(),
    }
}

/// The rows in PostgreSQL's text format.
fn text(events: &[RenewalEvent]) -> String {
    let mut text = String::new();
    for event in events {
        let old = event.old_cert_expiration().to_rfc3339();
        let new = event.new_cert_expiration().map_or_else(|| "\\N".to_owned(), |new| new.to_rfc3339());
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t\\N\t{old}\t{new}\t\\N\t{}",
            event.org_id(),
            event.id(),
            event.device_id(),
            event.attempt_id(),
            stage(event),
            event.event_type(),
            event.created_at().to_rfc3339(),
        )
        .expect("text");
    }
    text
}
