//! Measures that a read costs the same however long the history is.
//!
//! `cargo bench -p renewal-store-seaorm --bench flat_reads -- [--events N] [--backend NAME]`
//! fills a ledger with ten thousand events and another with a million (or N), of ten
//! organisations of which one has half of all and one has fifty, on each database; reads with
//! every kind of filter; and prints the medians, how many times longer the large ledger takes
//! than the small one, and the thousandth page than the first. It fails when either is far more.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use renewal_domain::{
    AttemptId, EventFilter, EventType, OrgId, Page, PageRequest, PageSize, RenewalEvent, RenewalEventStore,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::ConnectionTrait;
use tests::history::{self, BIG, COMMON_REASON, QUIET, RARE_REASON};
use tests::{Backend, Backends, TestDatabase};

/// The size of the small ledger.
const SMALL: u64 = 10_000;

/// How many events a page has.
const PAGE: u64 = 50;

/// How deep to read with the cursor, in pages.
const DEEP: u32 = 1_000;

/// How often each page is read, after a tenth of it to warm up.
const TIMES: usize = 200;

/// A read may take so many times longer …
const WORST_RATIO: f64 = 3.0;

/// … or so much longer, before it counts as a failure.
const WORST_EXCESS: Duration = Duration::from_millis(1);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("some reads are not flat");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let (mut events, mut chosen) = (1_000_000, Backend::ALL.to_vec());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--events" => events = arguments.next().ok_or("--events needs a number")?.parse()?,
            "--backend" => {
                let name = arguments.next().ok_or("--backend needs a name")?;
                chosen.retain(|backend| backend.name() == name);
            }
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if chosen.is_empty() {
        return Err("--backend is one of sqlite, postgres, mariadb".into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let backends = Backends::default();
    let mut flat = true;
    for backend in chosen {
        match backends.present(backend) {
            Ok(()) => flat &= runtime.block_on(compare(&backends, backend, events))?,
            Err(absent) => println!("{backend} is not measured: {absent}"),
        }
    }
    backends.stop();
    Ok(flat)
}

/// What was measured of one filter.
struct Measured {
    name: String,
    rows: usize,
    first: Duration,
    /// The number of the deepest page, and how long it takes; none when there is one page only.
    deep: Option<(u32, Duration)>,
}

async fn compare(backends: &Backends, backend: Backend, events: u64) -> Outcome<bool> {
    let small = measure(backends, backend, SMALL).await?;
    let large = measure(backends, backend, events).await?;
    println!();
    println!("{backend}: medians of {TIMES} reads of {PAGE} events, in ms");
    println!(
        "{:<34} {:>5} {:>9} {:>5} {:>9} {:>6}   {:>6} {:>9} {:>6}",
        "", "rows", SMALL, "rows", events, "ratio", "page", "deep", "ratio"
    );
    let mut flat = true;
    for (small, large) in small.iter().zip(&large) {
        let ratio = ratio(large.first, small.first);
        let mut ok = fine(large.first, small.first);
        let deep = large.deep.map_or_else(String::new, |(page, took)| {
            ok &= fine(took, large.first);
            format!("{page:>6} {:>9.3} {:>6.2}", ms(took), self::ratio(took, large.first))
        });
        println!(
            "{:<34} {:>5} {:>9.3} {:>5} {:>9.3} {ratio:>6.2}   {deep}{}",
            large.name,
            small.rows,
            ms(small.first),
            large.rows,
            ms(large.first),
            if ok { "" } else { "  NOT FLAT" },
        );
        flat &= ok;
    }
    Ok(flat)
}

async fn measure(backends: &Backends, backend: Backend, events: u64) -> Outcome<Vec<Measured>> {
    let database = backends.fresh_database(backend).await;
    let store = connect(database.url(), ConnectOptions::new()).await?;
    let begun = Instant::now();
    for (org, batch) in history::batches(events) {
        store.create_many(org, &batch).await?;
    }
    let filled = begun.elapsed();
    analyse(&database).await?;
    eprintln!("{backend}: {events} events written in {:.1} s", filled.as_secs_f64());
    let mut all = Vec::new();
    for (org, owner) in [(BIG, "big"), (QUIET, "quiet")] {
        for (name, filter) in filters(&store, org, events).await? {
            all.push(one(&store, org, format!("{owner}: {name}"), &filter).await?);
        }
    }
    store.close().await?;
    Ok(all)
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

async fn filters(store: &SeaOrmStore, org: OrgId, events: u64) -> Outcome<Vec<(&'static str, EventFilter)>> {
    let all = EventFilter::new;
    let device = history::device(org, 3);
    let newest = store.list(org, &all(), &PageRequest::first(PageSize::nearest(PAGE))).await?;
    let attempt =
        newest.items.last().map(RenewalEvent::attempt_id).ok_or("the organisation has no events")?;
    let attempt: AttemptId = attempt;
    let (begin, end) = (history::begin(), history::end(events));
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

async fn one(store: &SeaOrmStore, org: OrgId, name: String, filter: &EventFilter) -> Outcome<Measured> {
    let size = PageSize::nearest(PAGE);
    let first = PageRequest::first(size);
    let rows = store.list(org, filter, &first).await?.items.len();
    let took = median(store, org, filter, &first).await?;
    let (mut number, mut page) = (1, first);
    while number < DEEP {
        let Page { next: Some(cursor), .. } = store.list(org, filter, &page).await? else { break };
        page = PageRequest::resume(size, &filter.scope(org), cursor)?;
        number += 1;
    }
    let deep = if number == 1 { None } else { Some((number, median(store, org, filter, &page).await?)) };
    Ok(Measured { name, rows, first: took, deep })
}

async fn median(
    store: &SeaOrmStore,
    org: OrgId,
    filter: &EventFilter,
    page: &PageRequest,
) -> Outcome<Duration> {
    let mut times = Vec::with_capacity(TIMES);
    for round in 0..TIMES + TIMES / 10 {
        let begun = Instant::now();
        store.list(org, filter, page).await?;
        if round >= TIMES / 10 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
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
