//! Measures that a read costs the same however long the history is.
//!
//! `cargo bench -p renewal-store-seaorm --features introspect --bench flat_reads -- [--events N]
//! [--backend NAME]` fills a ledger with ten thousand events and another with a million (or N), of ten
//! organisations of which one has half of all and one has fifty, on each database; reads with
//! every kind of filter, both ledgers in turn so that they see the same machine; and prints the medians
//! and the slowest hundredths, how many times longer the large ledger takes than the small one, the
//! thousandth page than the first, and the store than the same SQL with nothing but sqlx. It fails
//! when a median is far more.

#[path = "support/by_hand.rs"]
mod by_hand;
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use by_hand::ByHand;
use renewal_domain::{
    AttemptId, EventFilter, EventType, OrgId, Page, PageRequest, PageSize, RenewalEvent, RenewalEventStore,
};
use renewal_store_seaorm::introspect::Recorder;
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::ConnectionTrait;
use support::Outcome;
use tests::history::{self, BIG, COMMON_REASON, QUIET, RARE_REASON};
use tests::{Backend, Backends, TestDatabase, usage};

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
        let events = arguments.number("events", 1_000_000);
        // Who reads is a task, as in a server.
        tokio::spawn(async move { compare(&backends, backend, events).await }).await?
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
    let good = by_hand(&large).await?;
    small.store.close().await?;
    large.store.close().await?;
    Ok(flat && good)
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

/// The newest page with each filter by the store, and by the same SQL with sqlx, in turn. Whether no
/// median is far longer.
async fn by_hand(ledger: &Ledger) -> Outcome<bool> {
    let database = &ledger.database;
    let mut recording = connect(database.url(), ConnectOptions::new()).await?;
    let recorder = Recorder::of(&mut recording);
    let by_hand = ByHand::connect(database).await?;
    let page = PageRequest::first(PageSize::nearest(PAGE));
    println!("{}: the store, the same SQL by hand, and how many times longer", database.backend());
    let mut good = true;
    for (name, filter) in ledger.filters(BIG).await? {
        recording.list(BIG, &filter, &page).await?;
        let [sent] = &recorder.take()[..] else { return Err("a listing is one statement".into()) };
        let (mut with_store, mut with_sqlx) = (Vec::new(), Vec::new());
        for round in 0..TIMES + TIMES / 10 {
            let begun = Instant::now();
            std::hint::black_box(ledger.store.list(BIG, &filter, &page).await?);
            let between = Instant::now();
            std::hint::black_box(by_hand.events(sent).await?);
            if round >= TIMES / 10 {
                with_store.push(between - begun);
                with_sqlx.push(between.elapsed());
            }
        }
        let (store, sqlx) = (Took::of(with_store), Took::of(with_sqlx));
        let times = ratio(store.p50, sqlx.p50);
        let more = if times > WORST_BY_HAND { "  MORE THAN IT SHOULD" } else { "" };
        println!("{name:<30} {} {} {times:>6.2}{more}", store.text(), sqlx.text());
        good &= times <= WORST_BY_HAND;
    }
    by_hand.close().await;
    recording.close().await?;
    Ok(good)
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
