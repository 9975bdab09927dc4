//! Measures what each index of the ledger costs those who write.
//!
//! `cargo bench -p renewal-store-seaorm --bench indexes -- [--events N] [--backend NAME]` appends
//! events by `create_many`, a thousand at a time, to fresh ledgers: with all indexes, and with one of
//! them dropped in turn, twice each. It prints events a second, and on PostgreSQL what table and
//! indexes take on the disk.

mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use renewal_domain::RenewalEventStore;
use renewal_store_seaorm::{ConnectOptions, connect};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use support::Outcome;
use tests::{Backend, Backends, history};

const TABLE: &str = "certificate_renewal_events";

const INDEXES: [&str; 4] = [
    "idx_cert_renewal_events_device_id",
    "idx_cert_renewal_events_org_id",
    "idx_cert_renewal_events_event_type",
    "idx_cert_renewal_events_created_at",
];

fn main() -> ExitCode {
    support::run(&["events"], |backends, backend, arguments| async move {
        let events = arguments.number("events", 100_000);
        println!("{}: {events} events, twice each", backend.name());
        let without = [None].into_iter().chain(INDEXES.map(Some));
        let mut took = vec![Duration::ZERO; INDEXES.len() + 1];
        for round in 0..2 {
            for (place, dropped) in without.clone().enumerate() {
                let sizes = round == 0 && dropped.is_none() && backend == Backend::Postgres;
                took[place] += append(&backends, backend, events, dropped, sizes).await?;
            }
        }
        for (dropped, some) in without.zip(&took) {
            let what = dropped.map_or("with all indexes".to_owned(), |index| format!("without {index}"));
            let share = some.as_secs_f64() / took[0].as_secs_f64();
            println!("  {:>9.0} events/s {what}: {share:.2} of the time", per_second(events * 2, *some));
        }
        Ok(true)
    })
}

/// How long it takes to append so many events.
async fn append(
    backends: &Backends,
    backend: Backend,
    events: u64,
    dropped: Option<&str>,
    sizes: bool,
) -> Outcome<Duration> {
    let database = backends.fresh_database(backend).await;
    let plain = database.connect().await;
    if let Some(index) = dropped {
        let of_table = if backend == Backend::MariaDb { format!(" ON {TABLE}") } else { String::new() };
        plain.execute_unprepared(&format!("DROP INDEX {index}{of_table}")).await?;
    }
    let store = connect(database.url(), ConnectOptions::new()).await?;
    let batches: Vec<_> = history::batches(events).collect();
    let begun = Instant::now();
    for (org, batch) in &batches {
        store.create_many(*org, batch).await?;
    }
    let took = begun.elapsed();
    if sizes {
        for name in [TABLE, "certificate_renewal_events_pkey"].iter().chain(&INDEXES) {
            println!("  {:>9} KiB  {name}", size(&plain, name).await? / 1_024);
        }
    }
    store.close().await?;
    plain.close().await?;
    Ok(took)
}

/// What PostgreSQL has on the disk of a table or an index, in bytes.
async fn size(db: &DatabaseConnection, name: &str) -> Outcome<i64> {
    let sql = format!("SELECT pg_relation_size('{name}')");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.ok_or("no size")?.try_get_by_index(0)?)
}

#[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
