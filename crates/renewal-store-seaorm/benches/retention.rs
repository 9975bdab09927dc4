//! Measures what those who renew notice of old history being removed.
//!
//! `cargo bench -p renewal-store-seaorm --bench retention -- [--rows N] [--backend NAME]` fills a
//! ledger with N old events (200,000 unless given; of 20 attempts each device) and N / 100 expired
//! certificates, on each database; lets devices renew at a steady pace, first undisturbed and then
//! while all of that is removed; and prints how long a renewal (to open a request, and to
//! complete it) took in both. It fails when the slowest hundredth takes far longer.

mod support;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use csr_service::{Pruned, prune};
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, CertificateOrigin, Clock, Completed, Intercepted, Interceptor, IssuanceStore, OpenRules,
    RenewalEventStore, RetentionRule, StoreError, SupersededCertificates, SystemClock,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use sea_orm::ConnectionTrait;
use support::Outcome;
use tests::{Backend, Backends, TestDatabase};
use tokio::time::{MissedTickBehavior, interval};

/// How many renew at a time.
const WORKERS: u32 = 4;

/// How long after one renewal of a worker the next begins: 100 renewals a second in all.
const PACE: Duration = Duration::from_millis(40);

/// How long the undisturbed renewals are measured.
const UNDISTURBED: Duration = Duration::from_secs(15);

/// How many events are written at once.
const BATCH: u64 = 1_000;

/// The slowest hundredth may take so many times longer …
const WORST_RATIO: f64 = 3.0;

/// … or so much longer, before it counts as a failure.
const WORST_EXCESS: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    support::run(&["rows"], |backends, backend, arguments| async move {
        measure(&backends, backend, arguments.number("rows", 200_000)).await
    })
}

async fn measure(backends: &Backends, backend: Backend, rows: u64) -> Outcome<bool> {
    let database = backends.fresh_database(backend).await;
    let store = Arc::new(connect(database.url(), ConnectOptions::new()).await?);
    let (old, devices) = (Samples::of(1), (rows / 40).max(1));
    old.clock.set(SystemClock.now() - TimeDelta::days(4_000));
    let begun = Instant::now();
    fill(&store, &old, rows, devices).await?;
    analyse(&database).await?;
    eprintln!("{backend}: {rows} events written in {:.1} s", begun.elapsed().as_secs_f64());

    let before = SystemClock.now() - TimeDelta::days(400);
    let young = Arc::new(Fleet::new(devices));
    let renewing = Renewing::begin(&store, &young);
    tokio::time::sleep(UNDISTURBED).await;
    let undisturbed = renewing.end().await?;

    let renewing = Renewing::begin(&store, &young);
    let steps = Steps::default();
    let watched = Intercepted::new(Arc::clone(&store), steps.clone());
    let begun = Instant::now();
    let removed = prune(&watched, old.org, &everything(before), &old.pruned(), |_| ()).await?;
    let took = begun.elapsed();
    let disturbed = renewing.end().await?;

    report(backend, &removed, took, &mut steps.taken());
    // What was removed may still be in the index, and in the way.
    prune(&watched, old.org, &everything(before), &old.pruned(), |_| ()).await?;
    let first = steps.taken().first().copied().unwrap_or_default();
    println!("  begun again at once, the first step takes {:.2} ms", ms(first));
    for (name, times) in [("undisturbed", &undisturbed), ("while pruning", &disturbed)] {
        println!(
            "  {name:<14} {:>6} renewals: p50 {:>7.2} ms, p99 {:>7.2} ms, longest {:>7.2} ms",
            times.len(),
            ms(share(times, 0.5)),
            ms(share(times, 0.99)),
            ms(share(times, 1.0))
        );
    }
    store.close().await?;
    let (calm, busy) = (share(&undisturbed, 0.99), share(&disturbed, 0.99));
    Ok(busy.as_secs_f64() <= calm.as_secs_f64() * WORST_RATIO || busy.saturating_sub(calm) <= WORST_EXCESS)
}

/// Rules by which a device may present any certificate that it had from elsewhere.
fn rules(samples: &Samples) -> OpenRules {
    OpenRules { superseded: SupersededCertificates::Allow, ..samples.rules() }
}

/// Everything before may go, but the last attempt of each device.
const fn everything(before: DateTime<Utc>) -> RetentionRule {
    RetentionRule {
        events_before: before,
        keep_attempts: 1,
        certificates_before: before,
        revoked_before: before,
        dry_run: false,
    }
}

/// Attempts of which one in twelve failed, and certificates.
async fn fill(store: &SeaOrmStore, samples: &Samples, rows: u64, devices: u64) -> Outcome<()> {
    let attempts = rows / 2;
    for first in (0..attempts).step_by(usize::try_from(BATCH / 2)?) {
        let mut events = Vec::new();
        for number in first..attempts.min(first + BATCH / 2) {
            let start = samples.start(&format!("gateway-{}", number % devices), AttemptKind::Renewal);
            let failed = number % 12 == 5;
            events.push(if failed { samples.failed(&start, "denied") } else { samples.success(&start) });
            events.push(start);
        }
        store.create_many(samples.org, &events).await?;
    }
    for number in 1..=u32::try_from(rows / 100)? {
        let device = format!("gateway-{}", u64::from(number) % (devices / 20).max(1));
        let request = samples.trusted(&device, &format!("old {number}"), number, CertificateOrigin::Trusted);
        store.open(samples.org, &request, &rules(samples)).await?;
        let end = samples.issued(&request, number);
        store.complete(samples.org, request.id(), &end).await?;
    }
    Ok(())
}

/// Lets the database gather statistics, as it would by itself after a while.
async fn analyse(database: &TestDatabase) -> Outcome<()> {
    let db = database.connect().await;
    let statement = match database.backend() {
        Backend::Sqlite => "ANALYZE",
        Backend::Postgres => "VACUUM ANALYZE",
        Backend::MariaDb => {
            "ANALYZE TABLE certificate_renewal_events, device_certificates, open_requests, current_certificates"
        }
    };
    db.execute_unprepared(statement).await?;
    Ok(db.close().await?)
}

/// Devices that renew today.
struct Fleet {
    samples: Samples,
    devices: u64,
    next: AtomicU32,
}

impl Fleet {
    fn new(devices: u64) -> Self {
        let samples = Samples::of(1);
        samples.clock.set(SystemClock.now());
        Self { samples, devices, next: AtomicU32::new(1 << 30) }
    }

    /// One renewal; how long it took.
    async fn renew(&self, store: &SeaOrmStore) -> Outcome<Duration> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let device = format!("gateway-{}", u64::from(number) % self.devices);
        let (csr, origin) = (format!("new {number}"), CertificateOrigin::Trusted);
        let request = self.samples.trusted(&device, &csr, number, origin);
        let end = self.samples.issued(&request, number);
        let (org, rules) = (self.samples.org, rules(&self.samples));
        let begun = Instant::now();
        store.open(org, &request, &rules).await?;
        match store.complete(org, request.id(), &end).await? {
            Completed::Recorded => Ok(begun.elapsed()),
            other => Err(format!("a renewal is {other:?}").into()),
        }
    }
}

/// Devices that are renewing.
struct Renewing {
    over: Arc<AtomicBool>,
    workers: Vec<tokio::task::JoinHandle<Outcome<Vec<Duration>>>>,
}

impl Renewing {
    fn begin(store: &Arc<SeaOrmStore>, fleet: &Arc<Fleet>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let worker = |_| {
            let (store, fleet, over) = (Arc::clone(store), Arc::clone(fleet), Arc::clone(&over));
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut pace = interval(PACE);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !over.load(Ordering::Relaxed) {
                    pace.tick().await;
                    times.push(fleet.renew(&store).await?);
                }
                Ok(times)
            })
        };
        let workers = (0..WORKERS).map(worker).collect();
        Self { over, workers }
    }

    /// How long each took, shortest first.
    async fn end(self) -> Outcome<Vec<Duration>> {
        self.over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for worker in self.workers {
            times.extend(worker.await??);
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// How long each step of the walk took.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<Duration>>>);

impl Steps {
    fn taken(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Interceptor for Steps {
    async fn call<T: Send>(
        &self,
        _method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let done = work.await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
        done
    }
}

fn report(backend: Backend, removed: &Pruned, took: Duration, steps: &mut [Duration]) {
    steps.sort_unstable();
    println!(
        "{backend}: of {} rows looked at, {} events and {} certificates removed in {:.1} s; {} steps: p50 {:.2} ms, \
         p99 {:.2} ms, longest {:.2} ms",
        removed.looked_at,
        removed.events,
        removed.certificates,
        took.as_secs_f64(),
        steps.len(),
        ms(share(steps, 0.5)),
        ms(share(steps, 0.99)),
        ms(share(steps, 1.0))
    );
}

/// The time that this share of the sorted times does not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it is a place in the list"
)]
fn share(times: &[Duration], share: f64) -> Duration {
    let place = (times.len() as f64 * share) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
