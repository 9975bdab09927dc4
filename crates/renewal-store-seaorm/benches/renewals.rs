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

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use csr_service::{
    Credential, Csr, CsrService, EnrollmentGrant, Issuer, IssuerKey, KeyPolicy, NewIssuer, Outcome as Signed,
    Profile, ProvenCertificate, Request, issue,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use renewal_domain::testing::MemoryStore;
use renewal_domain::{
    Answer, CertificateRecord, Clock, Completed, Completion, DeviceName, EventFilter, EventId, IssuanceStore,
    OpenRequest, OpenRequestFilter, Opened, OrgId, Page, PageRequest, RenewalEvent, RenewalEventStore,
    RequestId, Revocation, Serial, StoreError, Stores, SystemClock,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use support::{Arguments, Durable, Outcome};
use tests::Backend;
use uuid::Uuid;

/// What PostgreSQL must have of checking and signing alone.
const FLOOR: f64 = 0.50;

const ORG: OrgId = OrgId::new(Uuid::from_u128(7));

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<ExitCode> {
    let arguments = Arguments::read(&["clients", "seconds"])?;
    let clients = usize::try_from(arguments.number("clients", 64))?;
    let patience = Duration::from_secs(arguments.number("seconds", 10));
    println!("{clients} clients, {} s each, ECDSA P-256", patience.as_secs());
    println!("{:<10} {:>12} {:>14} {:>14} {:>10}", "", "renewals/s", "of signing", "of service", "");
    support::run(&arguments, move |backends, backend| async move {
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
        println!(
            "{:<10} {written:>12.0} {of_signing:>14.2} {of_service:>14.2}   {}{}",
            backend.name(),
            durable.says(),
            if missed { ": BELOW THE FLOOR of 0.50" } else { "" },
        );
        println!("{:<10} {alone:>12.0}   checking and signing alone", "");
        println!("{:<10} {kept_nothing:>12.0}   the service on a store that keeps nothing", "");
        whole(&store).await?;
        store.close().await?;
        Ok(!missed)
    })
}

/// An authority of which everything is the default.
struct Authority {
    issuer: Issuer,
    profile: Profile,
}

impl Authority {
    fn new() -> Self {
        let now = SystemClock.now();
        let made =
            NewIssuer::builder("Benchmark CA").key(IssuerKey::EcdsaP256).create(now).expect("an authority");
        let issuer = Issuer::from_pem(made.certificate_pem(), made.key_pem(), now).expect("an issuer");
        Self { issuer, profile: Profile::builder().build().expect("a profile") }
    }
}

fn request_of(name: &str, key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serialize_request(key).expect("a request").der().to_vec()
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

async fn submit(service: &CsrService, csr: &[u8], credential: Credential) -> Vec<u8> {
    match service.submit(ORG, Request { csr, credential, lifetime: None }).await {
        Ok(Signed::Issued(issued)) => issued.certificate.der,
        other => panic!("not issued: {other:?}"),
    }
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

/// Stores of which those that a renewal uses keep nothing.
fn nothing() -> Stores {
    let mut stores: Stores = Arc::new(MemoryStore::new()).into();
    stores.events = Arc::new(Nothing);
    stores.issuance = Arc::new(Nothing);
    stores
}

/// A store that keeps nothing and says that it did.
struct Nothing;

#[async_trait]
impl RenewalEventStore for Nothing {
    async fn create_many(&self, _: OrgId, _: &[RenewalEvent]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        Ok(Page::of(Vec::new(), page, &filter.scope(org), RenewalEvent::position))
    }

    async fn get(&self, _: OrgId, _: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl IssuanceStore for Nothing {
    async fn answer(
        &self,
        _: OrgId,
        _: &OpenRequest,
        _: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        Ok(None)
    }

    async fn open(&self, _: OrgId, _: &OpenRequest, _: DateTime<Utc>) -> Result<Opened, StoreError> {
        Ok(Opened::New)
    }

    async fn complete(&self, _: OrgId, _: RequestId, _: &Completion) -> Result<Completed, StoreError> {
        Ok(Completed::Recorded)
    }

    async fn open_request(&self, _: OrgId, _: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        Ok(None)
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        Ok(Page::of(Vec::new(), page, &filter.scope(org), |request| request.id().as_uuid()))
    }

    async fn certificate(&self, _: OrgId, _: &Serial) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(None)
    }

    async fn revoke(
        &self,
        _: OrgId,
        _: &Serial,
        _: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(None)
    }
}
