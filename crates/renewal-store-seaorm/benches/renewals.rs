//! Measures what the ledger costs beside the cryptography.
//!
//! `cargo bench -p renewal-store-seaorm --bench renewals -- [--clients N] [--seconds N]
//! [--backend NAME]` lets devices renew through `CsrService`, each one again and again, all at the
//! same time, over a durable database of each kind; and, before and after that, without a store:
//!
//! - checking and signing alone: the request is checked, a certificate signed and read back;
//! - the service on a store that keeps nothing: besides, the presented certificate is checked.
//!
//! It prints renewals a second and their ratio to both, and fails when PostgreSQL has less than
//! half of checking and signing alone. Everything runs on this machine, the database too.

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
use tests::Backend;

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
        let mut alone = signing_alone(&authority, third);
        let nothing = nothing();
        let mut kept_nothing = renewals(&authority, nothing.clone(), clients, third).await;
        let written = renewals(&authority, Arc::clone(&store).into(), clients, patience).await;
        // The machine is not always equally fast.
        kept_nothing = f64::midpoint(kept_nothing, renewals(&authority, nothing, clients, third).await);
        alone = f64::midpoint(alone, signing_alone(&authority, third));
        let (of_signing, of_service) = (written / alone, written / kept_nothing);
        let missed = backend == Backend::Postgres && of_signing < FLOOR;
        println!("{}: {clients} clients, {} s, ECDSA P-256", backend.name(), patience.as_secs());
        println!(
            "{written:>8.0} renewals/s on {}: {of_signing:.2} of signing, {of_service:.2} of the service{}",
            durable.says(),
            if missed { ": BELOW THE FLOOR of 0.50" } else { "" },
        );
        println!("{alone:>8.0} checking and signing alone");
        println!("{kept_nothing:>8.0} the service on a store that keeps nothing");
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

/// Renewals in a second, of devices that enrolled before.
async fn renewals(authority: &Authority, stores: Stores, clients: usize, patience: Duration) -> f64 {
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
    let begun = Instant::now();
    tokio::time::sleep(patience).await;
    stop.store(true, Ordering::Relaxed);
    let rate = per_second(renewed.load(Ordering::Relaxed), begun.elapsed());
    for task in tasks {
        task.await.expect("every renewal succeeds");
    }
    rate
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
