//! Measures where the CPU time of a renewal over TLS goes.
//!
//! `cargo bench -p tests --bench tls -- [--renewals N]` runs `renewal serve` on a SQLite ledger and on a
//! private PostgreSQL server, lets devices renew, each on a connection of its own and then on one that
//! stays open, and reads from `/proc` what the server's threads and the database used. Besides, it
//! measures the parts by themselves on one thread: the server's side of a handshake in full and of one
//! that resumes a session (which `renewal serve` never does: see `docs/est.md`), parsing, verifying and
//! signing.

#[path = "support/mod.rs"]
mod support;

#[path = "support/handshake.rs"]
mod handshake;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use csr_service::{Csr, DeviceIssuer, Issuer, KeyPolicy, PresentedCertificate, Profile, issue};
use futures::future::try_join_all;
use renewal_domain::{Clock, SystemClock};
use support::{Device, Outcome, Site, cacerts};
use tests::{Backend, Backends, Server, ServerOptions, Serving, usage};
use x509_parser::prelude::{FromDer, X509CertificationRequest};

/// How many devices renew at the same time.
const DEVICES: usize = 16;

/// How often a part is measured by itself.
const TIMES: u32 = 2_000;

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(measure())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome<()> {
    let renewals = support::number("renewals", 4_000)? / DEVICES * DEVICES;
    println!("CPU time in microseconds");
    let site = Site::new(None)?;
    let server = site.serve()?;
    println!("\n`renewal serve` on SQLite, each of {renewals}:");
    let devices = over_tls(&site, &server, None, renewals).await?;
    parts(&site, &devices[0])?;
    drop(server);

    let backends = Backends::default();
    if let Err(absent) = backends.present(Backend::Postgres) {
        println!("\nPostgreSQL is not measured: {absent}");
        return Ok(());
    }
    let database_server = Backends::private_server(Backend::Postgres, ServerOptions { durable: true });
    let database = database_server.fresh_database().await;
    let site = Site::new(Some(&database))?;
    let server = site.serve()?;
    println!("\n`renewal serve` on PostgreSQL, each of {renewals}:");
    over_tls(&site, &server, Some(&database_server), renewals).await?;
    drop(server);
    Ok(())
}

/// What the server's threads, and the database, have used.
#[derive(Clone, Copy, Default)]
struct Used {
    store: Duration,
    others: Duration,
    database: Duration,
}

impl Used {
    fn now(server: &Serving, database: Option<&Arc<Server>>) -> Self {
        let mut used = Self { database: database.map(|it| it.cpu()).unwrap_or_default(), ..Self::default() };
        for (name, cpu) in usage::cpu_by_thread(server.id()) {
            if name.starts_with("renewal-store") || name.starts_with("sqlx-sqlite") {
                used.store += cpu;
            } else {
                used.others += cpu;
            }
        }
        used
    }
}

/// Devices that connect, ask and renew.
async fn over_tls(
    site: &Site,
    server: &Serving,
    database: Option<&Arc<Server>>,
    renewals: usize,
) -> Outcome<Vec<Device>> {
    let mut devices = site.devices(server, DEVICES).await?;
    let each = renewals / DEVICES;
    let address = server.address();
    println!("{:<52} {:>8} {:>8} {:>8} {:>8}", "", "server", "store", "database", "in all");
    let mut before = Used::now(server, database);
    let mut print = |what: &str, count: usize| {
        let now = Used::now(server, database);
        let micros = |later: Duration, earlier: Duration| per(later.saturating_sub(earlier), count);
        let (others, store) = (micros(now.others, before.others), micros(now.store, before.store));
        let database = micros(now.database, before.database);
        println!("{what:<52} {others:>8.0} {store:>8.0} {database:>8.0} {:>8.0}", others + store + database);
        before = now;
    };

    try_join_all(devices.iter().map(async |device| {
        for _ in 0..each {
            cacerts(&mut device.connect(address).await?).await?;
        }
        Outcome::Ok(())
    }))
    .await?;
    print("a connection that asks for /cacerts", renewals);

    try_join_all(devices.iter().map(async |device| {
        let mut connection = device.connect(address).await?;
        for _ in 0..each {
            cacerts(&mut connection).await?;
        }
        Outcome::Ok(())
    }))
    .await?;
    print("/cacerts on a connection that stays", renewals);

    try_join_all(devices.iter_mut().map(async |device| {
        for _ in 0..each {
            let mut connection = device.connect(address).await?;
            device.renew(&mut connection, true).await?;
        }
        Outcome::Ok(())
    }))
    .await?;
    print("a renewal, on a connection of its own", renewals);

    try_join_all(devices.iter_mut().map(async |device| {
        let mut connection = device.connect(address).await?;
        for _ in 0..each {
            device.renew(&mut connection, false).await?;
        }
        Outcome::Ok(())
    }))
    .await?;
    print("a renewal, on a connection that stays", renewals);
    Ok(devices)
}

/// The parts by themselves.
fn parts(site: &Site, device: &Device) -> Outcome<()> {
    let now = SystemClock.now();
    let certificate = std::fs::read(site.file("ca.pem"))?;
    let key = std::fs::read_to_string(site.file("ca.key"))?;
    let issuer = Issuer::from_pem(std::str::from_utf8(&certificate)?, &key, now)?;
    let issuers = [DeviceIssuer::previous(&certificate)?];
    let (profile, policy) = (Profile::builder().build()?, KeyPolicy::default());
    let request = device.request()?;
    let csr = Csr::parse(&request, &policy)?;
    let (_, parsed) = X509CertificationRequest::from_der(&request)?;

    let verify = time(|| parsed.verify_signature().is_ok());
    let read_request = time(|| Csr::parse(&request, &policy).is_ok()) - verify;
    let read_presented =
        time(|| PresentedCertificate::parse(&device.certificate, &issuers, now).is_ok()) - verify;
    let sign = time(|| issue(&issuer, &profile, &csr, None, now).is_ok()) - verify;
    let full = handshake::server_side(site, device, false, TIMES)?;
    let resumed = handshake::server_side(site, device, true, TIMES)?;
    println!("\nThe parts by themselves, on one thread:");
    for (what, took) in [
        ("TLS: a full handshake, the server's side", full),
        ("TLS: one that resumes a session", resumed),
        ("parse: the request, and the presented certificate", read_request + read_presented),
        ("verify: three signatures", 3.0 * verify),
        ("sign: build the certificate, sign, and read it back", sign),
    ] {
        println!("{what:<52} {took:>8.0}");
    }
    Ok(())
}

/// The time that something takes on average, in microseconds, after a tenth to warm up.
fn time(mut work: impl FnMut() -> bool) -> f64 {
    for _ in 0..TIMES / 10 {
        assert!(black_box(work()));
    }
    let begun = Instant::now();
    for _ in 0..TIMES {
        assert!(black_box(work()));
    }
    per(begun.elapsed(), TIMES as usize)
}

#[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
fn per(duration: Duration, count: usize) -> f64 {
    duration.as_secs_f64() * 1e6 / count as f64
}
