//! Measures what the ledger costs beside the cryptography.
//!
//! `cargo bench -p renewal-store-seaorm --bench renewals -- [--clients N] [--seconds N]
//! [--backend NAME]` lets devices renew through `CsrService`, each one again and again, all at the
//! same time, over a durable database of each kind; and, before and after that, without a store:
//!
//! - checking and signing alone: the request is checked, a certificate signed and read back;
//! - the service on a store that keeps nothing: besides, the presented certificate is checked.
//!
//! It prints renewals a second, their ratio to both, and the CPU time of each by parts, and fails when
//! PostgreSQL has less than half of checking and signing alone. Everything runs on this machine, the
//! database too.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "support/durable.rs"]
mod durable;
#[path = "support/renewing.rs"]
mod renewing;
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use csr_service::{Credential, Csr, CsrService, EnrollmentGrant, KeyPolicy, ProvenCertificate, issue};
use durable::Durable;
use rcgen::KeyPair;
use renewal_domain::{Clock, DeviceName, IssuanceStore, OpenRequestFilter, PageRequest, Stores, SystemClock};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use renewing::{Authority, ORG, nothing, request_of, submit};
use support::Outcome;
use tests::{Backend, usage};

/// What PostgreSQL must have of checking and signing alone.
const FLOOR: f64 = 0.50;

fn main() -> ExitCode {
    support::run(&["clients", "seconds"], |backends, backend, arguments| async move {
        let clients = usize::try_from(arguments.number("clients", 64))?;
        let patience = Duration::from_secs(arguments.number("seconds", 10));
        let durable = Durable::new(&backends, backend).await;
        let store = Arc::new(connect(durable.database.url(), ConnectOptions::new()).await?);
        let authority = Authority::new();
        let third = patience / 3;
        let without = || async {
            (signing_alone(&authority, third), renewals(&authority, nothing(), clients, third, None).await)
        };
        let (alone, kept_nothing) = without().await;
        let written = Arc::clone(&store).into();
        let written = renewals(&authority, written, clients, patience, Some(&durable)).await;
        // The machine is not always equally fast.
        let (alone_again, kept_nothing_again) = without().await;
        let alone = f64::midpoint(alone, alone_again);
        let kept_nothing = kept_nothing.midpoint(&kept_nothing_again);
        let (of_signing, of_service) = (written.rate / alone, written.rate / kept_nothing.rate);
        let missed = backend == Backend::Postgres && of_signing < FLOOR;
        println!("{}: {clients} clients, {} s, ECDSA P-256", backend.name(), patience.as_secs());
        println!(
            "{:>8.0} renewals/s on {}: {of_signing:.2} of signing, {of_service:.2} of the service{}",
            written.rate,
            durable.says(),
            if missed { ": BELOW THE FLOOR of 0.50" } else { "" },
        );
        println!("{:>8} {}", "", written.says());
        println!("{:>8.0} the service on a store that keeps nothing", kept_nothing.rate);
        println!("{:>8} {}", "", kept_nothing.says());
        println!("{alone:>8.0} checking and signing alone");
        whole(&store).await?;
        store.close().await?;
        Ok(!missed)
    })
}

/// Requests checked, and certificates signed and read back, in a second, on every core.
fn signing_alone(authority: &Authority, patience: Duration) -> f64 {
    let request = request_of("device", &KeyPair::generate().expect("a key"));
    let policy = KeyPolicy::default();
    let begun = Instant::now();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let signed: u64 = std::thread::scope(|scope| {
        let work = || {
            let mut signed = 0;
            while begun.elapsed() < patience {
                let csr = Csr::parse(&request, &policy).expect("a good request");
                issue(&authority.issuer, &authority.profile, &csr, None, SystemClock.now())
                    .expect("a certificate");
                signed += 1;
            }
            signed
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
    });
    per_second(signed, begun.elapsed())
}

/// How many requests each device has made beforehand; it takes one after the other.
const REQUESTS: usize = 500;

/// Renewals in a second, and the CPU time of each in microseconds.
struct Measured {
    rate: f64,
    service: f64,
    store: f64,
    database: f64,
}

impl Measured {
    fn midpoint(&self, other: &Self) -> Self {
        Self {
            rate: self.rate.midpoint(other.rate),
            service: self.service.midpoint(other.service),
            store: self.store.midpoint(other.store),
            database: self.database.midpoint(other.database),
        }
    }

    fn says(&self) -> String {
        let Self { service, store, database, .. } = self;
        let all = service + store + database;
        format!(
            "each {all:.0} \u{b5}s of CPU: service {service:.0}, the store's thread {store:.0}, database {database:.0}"
        )
    }
}

/// The CPU time used up to now by this process, by the store's thread of it, and by the database, which
/// with SQLite is threads of this process.
fn used(durable: Option<&Durable>) -> [Duration; 3] {
    let me = std::process::id();
    let of = |thread: &str| {
        let threads = usage::cpu_by_thread(me).into_iter().filter(|(name, _)| name.starts_with(thread));
        threads.map(|(_, cpu)| cpu).sum::<Duration>()
    };
    let server = durable.and_then(|it| it.server.as_ref()).map(|server| server.cpu());
    let (store, sqlite) = (of("renewal-store"), of("sqlx-sqlite"));
    [usage::cpu_of_process(me).saturating_sub(store + sqlite), store, server.unwrap_or(sqlite)]
}

/// Renewals of devices that enrolled before.
async fn renewals(
    authority: &Authority,
    stores: Stores,
    clients: usize,
    patience: Duration,
    durable: Option<&Durable>,
) -> Measured {
    let service = CsrService::builder(authority.issuer.clone(), authority.profile.clone(), stores).build();
    let service = Arc::new(service);
    let (stop, renewed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = Vec::new();
    for number in 0..clients {
        let (service, stop, renewed) = (Arc::clone(&service), Arc::clone(&stop), Arc::clone(&renewed));
        let begun = Arc::clone(&begun);
        tasks.push(tokio::spawn(async move {
            let name = format!("device-{number}");
            let key = KeyPair::generate().expect("a key");
            let requests: Vec<_> = (0..REQUESTS).map(|_| request_of(&name, &key)).collect();
            let mut requests = requests.iter().cycle();
            let mut next = || requests.next().expect("they begin anew");
            let name = DeviceName::new(&name).expect("a name");
            let grant = Credential::Enrollment(EnrollmentGrant::for_device(name));
            let mut current = submit(&service, next(), grant).await;
            begun.wait().await;
            while !stop.load(Ordering::Relaxed) {
                let proven = ProvenCertificate::proven_by_tls_handshake(current);
                current = submit(&service, next(), Credential::Certificate(proven)).await;
                renewed.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    begun.wait().await;
    let (begun, before) = (Instant::now(), used(durable));
    tokio::time::sleep(patience).await;
    stop.store(true, Ordering::Relaxed);
    let (renewed, after) = (renewed.load(Ordering::Relaxed), used(durable));
    let took = begun.elapsed();
    for task in tasks {
        task.await.expect("every renewal succeeds");
    }
    let [service, store, database] = [0, 1, 2].map(|part: usize| {
        let used = after[part].saturating_sub(before[part]);
        1e6 / per_second(renewed, used)
    });
    Measured { rate: per_second(renewed, took), service, store, database }
}

/// Every start has an end, and nothing is open.
async fn whole(store: &SeaOrmStore) -> Outcome<()> {
    let (filter, page) = (OpenRequestFilter::default(), PageRequest::default());
    assert!(store.open_requests(ORG, &filter, &page).await?.items.is_empty());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
