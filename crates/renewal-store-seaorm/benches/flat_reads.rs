//! Measures that a read costs the same however long the history is.
//!
//! `cargo bench -p renewal-store-seaorm --bench flat_reads -- [--events N] [--backend NAME]`
//! fills a ledger with ten thousand events and another with a million (or N), of ten
//! organisations of which one has half of all and one has fifty, on each database; reads with
//! every kind of filter, both ledgers in turn so that they see the same machine; and prints the medians
//! and the slowest hundredths, how many times longer the large ledger takes than the small one, the
//! thousandth page than the first, and, on PostgreSQL, the store than the same SQL with nothing but
//! sqlx. It fails when a median is far more.

mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use renewal_domain::{
    AttemptId, EventFilter, EventType, OrgId, Page, PageRequest, PageSize, RenewalEvent, RenewalEventStore,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::ConnectionTrait;
use sqlx::Row as _;
use sqlx::postgres::{PgPoolOptions, PgRow};
use support::Outcome;
use tests::history::{self, BIG, COMMON_REASON, QUIET, RARE_REASON};
use tests::{Backend, Backends, TestDatabase, usage};
use uuid::Uuid;

/// The size of the small ledger.
const SMALL: u64 = 10_000;

/// How many events a page has.
const PAGE: u64 = 50;

/// How deep to read with the cursor, in pages.
const DEEP: u32 = 1_000;

/// How often each page is read, after a tenth of it to warm up.
const TIMES: usize = 1_000;

/// A median may take so many times longer …
const WORST_RATIO: f64 = 1.5;

/// … or so much longer, before it counts as a failure: more than the machine's own noise.
const WORST_EXCESS: Duration = Duration::from_micros(500);

/// How many times longer than by hand a page may take.
const WORST_BY_HAND: f64 = 1.3;

fn main() -> ExitCode {
    support::run(&["events"], |backends, backend, arguments| async move {
        compare(&backends, backend, arguments.number("events", 1_000_000)).await
    })
}

/// A ledger with a history.
struct Ledger {
    database: TestDatabase,
    store: SeaOrmStore,
    events: u64,
}

/// What was measured of one filter.
struct Measured {
    name: String,
    /// Whether the first pages of both have as many events; else they are not to be compared.
    alike: bool,
    small: Took,
    large: Took,
    /// The number of the deepest page of the large ledger, and how long it takes; none when there is one
    /// page only.
    deep: Option<(u32, Took)>,
}

/// The median of many reads, and what only the slowest hundredth took longer than.
#[derive(Clone, Copy)]
struct Took {
    p50: Duration,
    p99: Duration,
}

async fn compare(backends: &Backends, backend: Backend, events: u64) -> Outcome<bool> {
    let small = Ledger::filled(backends, backend, SMALL).await?;
    let large = Ledger::filled(backends, backend, events).await?;
    let mut all = Vec::new();
    for (org, owner) in [(BIG, "big"), (QUIET, "quiet")] {
        let filters = small.filters(org).await?.into_iter().zip(large.filters(org).await?);
        for ((name, of_small), (_, of_large)) in filters {
            let name = format!("{owner}: {name}");
            all.push(one(name, org, (&small.store, &of_small), (&large.store, &of_large)).await?);
        }
    }
    println!();
    println!("{backend}: medians and slowest hundredths of {TIMES} reads of {PAGE} events, in ms");
    println!(
        "{:<30} {:>15} {:>15} {:>6} {:>6}   {:>5} {:>15} {:>6}",
        "", SMALL, events, "ratio", "ratio", "page", "deep", "ratio"
    );
    let mut flat = true;
    for Measured { name, alike, small, large, deep } in all {
        let mut ok = !alike || fine(large.p50, small.p50);
        let deep = deep.map_or_else(String::new, |(page, took)| {
            ok &= fine(took.p50, large.p50);
            format!("{page:>5} {} {:>6.2}", took.text(), ratio(took.p50, large.p50))
        });
        println!(
            "{name:<30} {} {} {:>6.2} {:>6.2}   {deep}{}",
            small.text(),
            large.text(),
            ratio(large.p50, small.p50),
            ratio(large.p99, small.p99),
            match (ok, alike) {
                (false, _) => "  NOT FLAT",
                (true, false) => "  (the small ledger has not a page of these)",
                (true, true) => "",
            },
        );
        flat &= ok;
    }
    if backend == Backend::Postgres {
        by_hand(&large.database, &large.store).await?;
    }
    small.store.close().await?;
    large.store.close().await?;
    Ok(flat)
}

impl Took {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { p50: times[times.len() / 2], p99: times[times.len() - 1 - times.len() / 100] }
    }

    fn text(self) -> String {
        format!("{:>7.3} {:>7.3}", ms(self.p50), ms(self.p99))
    }
}

/// The newest page of the big organisation by the store, and by the same SQL with sqlx.
async fn by_hand(database: &TestDatabase, store: &SeaOrmStore) -> Outcome<()> {
    type Row = (
        (Uuid, Uuid, Uuid, Uuid, i16, String, Option<String>),
        (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<String>, DateTime<Utc>),
    );
    let pool = PgPoolOptions::new().test_before_acquire(false).connect(database.url()).await?;
    let sql = "SELECT org_id, id, device_id, attempt_id, stage, event_type, reason, old_cert_expiration, \
               new_cert_expiration, error_message, created_at FROM certificate_renewal_events \
               WHERE org_id = $1 ORDER BY id DESC LIMIT $2";
    let limit = i64::try_from(PAGE + 1)?;
    let (page, filter) = (PageRequest::first(PageSize::nearest(PAGE)), EventFilter::new());
    let (mut with_store, mut with_sqlx) = (Vec::new(), Vec::new());
    // In turn, so that both see the same machine.
    for _ in 0..TIMES * 2 {
        let begun = Instant::now();
        store.list(BIG, &filter, &page).await?;
        with_store.push(begun.elapsed());
        let begun = Instant::now();
        let rows = sqlx::query(sql).bind(BIG.as_uuid()).bind(limit).fetch_all(&pool).await?;
        let read = |row: &PgRow| -> Result<Row, sqlx::Error> {
            let first = (
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
                row.try_get(5)?,
                row.try_get(6)?,
            );
            Ok((first, (row.try_get(7)?, row.try_get(8)?, row.try_get(9)?, row.try_get(10)?)))
        };
        let rows: Vec<Row> = rows.iter().map(read).collect::<Result<_, _>>()?;
        std::hint::black_box(rows);
        with_sqlx.push(begun.elapsed());
    }
    pool.close().await;
    with_store.sort_unstable();
    with_sqlx.sort_unstable();
    let (store, sqlx) = (with_store[TIMES], with_sqlx[TIMES]);
    let times = ratio(store, sqlx);
    let more = if times > WORST_BY_HAND { format!(", more than {WORST_BY_HAND}") } else { String::new() };
    println!(
        "postgres: the newest page takes {:.3} ms, by hand with sqlx {:.3} ms: {times:.2} times{more}",
        ms(store),
        ms(sqlx)
    );
    Ok(())
}

/// Lets the database gather statistics, as it would by itself after a while.
async fn analyse(database: &TestDatabase) -> Outcome<()> {
    let db = database.connect().await;
    let statement = match database.backend() {
        Backend::Sqlite => "ANALYZE",
        Backend::Postgres => "VACUUM ANALYZE",
        Backend::MariaDb => "ANALYZE TABLE certificate_renewal_events",
    };
    db.execute_unprepared(statement).await?;
    Ok(db.close().await?)
}

impl Ledger {
    async fn filled(backends: &Backends, backend: Backend, events: u64) -> Outcome<Self> {
        let database = backends.fresh_database(backend).await;
        let store = connect(database.url(), ConnectOptions::new()).await?;
        let (begun, mut written, mut early) = (Instant::now(), 0, None);
        for (org, batch) in history::batches(events) {
            store.create_many(org, &batch).await?;
            written += batch.len() as u64;
            if written >= events / 10 {
                early = early.or_else(resident);
            }
        }
        eprintln!(
            "{backend}: {events} events written in {:.1} s; this process has {} MiB, and had {} after a tenth",
            begun.elapsed().as_secs_f64(),
            resident().unwrap_or_default(),
            early.unwrap_or_default(),
        );
        analyse(&database).await?;
        Ok(Self { database, store, events })
    }

    /// Filters of every kind.
    async fn filters(&self, org: OrgId) -> Outcome<Vec<(&'static str, EventFilter)>> {
        let all = EventFilter::new;
        let device = history::device(org, 3);
        let newest = self.store.list(org, &all(), &PageRequest::first(PageSize::nearest(PAGE))).await?;
        let attempt = newest.items.last().map(RenewalEvent::attempt_id);
        let attempt: AttemptId = attempt.ok_or("the organisation has no events")?;
        let (begin, end) = (history::begin(), history::end(self.events));
        let (from, to) = (begin + (end - begin) / 3, end - (end - begin) / 3);
        let failed = [EventType::RenewalFailed, EventType::RecoveryFailed];
        Ok(vec![
            ("no filter", all()),
            ("device", all().device(device)),
            ("type", all().event_type(EventType::RenewalSuccess)),
            ("rare type", all().event_type(EventType::RecoveryFailed)),
            ("two types", all().event_types(failed)),
            ("five types", all().event_types(EventType::ALL.into_iter().skip(1))),
            ("reason", all().reason(COMMON_REASON)),
            ("rare reason", all().reason(RARE_REASON)),
            ("attempt", all().attempt(attempt)),
            ("from, to", all().from(from).to(to)),
            ("device and type", all().device(device).event_type(EventType::RenewalSuccess)),
            ("type and reason", all().event_type(EventType::RenewalFailed).reason(COMMON_REASON)),
            ("type, from, to", all().event_type(EventType::RenewalStart).from(from).to(to)),
        ])
    }
}

/// The first page of the small ledger, and of the large one, and the deepest one of that, in turn.
async fn one(
    name: String,
    org: OrgId,
    small: (&SeaOrmStore, &EventFilter),
    large: (&SeaOrmStore, &EventFilter),
) -> Outcome<Measured> {
    let size = PageSize::nearest(PAGE);
    let first = PageRequest::first(size);
    let (mut number, mut deepest) = (1, first);
    while number < DEEP {
        let Page { next: Some(cursor), .. } = large.0.list(org, large.1, &deepest).await? else { break };
        deepest = PageRequest::resume(size, &large.1.scope(org), cursor)?;
        number += 1;
    }
    let count = async |(store, filter): (&SeaOrmStore, &EventFilter)| {
        Outcome::Ok(store.list(org, filter, &first).await?.items.len())
    };
    let alike = count(small).await? == count(large).await?;
    let mut reads = vec![(small, &first, Vec::new()), (large, &first, Vec::new())];
    if number > 1 {
        reads.push((large, &deepest, Vec::new()));
    }
    for round in 0..TIMES + TIMES / 10 {
        for ((store, filter), page, times) in &mut reads {
            let begun = Instant::now();
            store.list(org, filter, page).await?;
            if round >= TIMES / 10 {
                times.push(begun.elapsed());
            }
        }
    }
    let mut took = reads.into_iter().map(|(_, _, times)| Took::of(times));
    let (Some(small), Some(large)) = (took.next(), took.next()) else { unreachable!("they were read") };
    Ok(Measured { name, alike, small, large, deep: took.next().map(|took| (number, took)) })
}

/// The resident memory of this process in MiB.
fn resident() -> Option<u64> {
    usage::resident(std::process::id()).map(|kib| kib / 1_024)
}

fn fine(long: Duration, short: Duration) -> bool {
    ratio(long, short) <= WORST_RATIO || long.saturating_sub(short) <= WORST_EXCESS
}

fn ratio(long: Duration, short: Duration) -> f64 {
    long.as_secs_f64() / short.as_secs_f64()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
