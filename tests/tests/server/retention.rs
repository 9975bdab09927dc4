//! Old history is removed, by the command and by the server, while devices renew.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, CertificateOrigin, Clock, IssuanceStore, OpenRules, RenewalEvent, RenewalEventStore,
    RequestState, SupersededCertificates, SystemClock,
};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::Value;
use tests::{Backend, Backends, Context};

use crate::device::Device;
use crate::fleet;
use crate::ledger::{Ledger, ORG, by};
use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            what_is_old_goes_and_what_must_stay_stays,
            a_revoked_certificate_goes_when_it_has_left_the_list,
            a_run_that_was_killed_is_run_again_while_devices_renew,
            the_server_removes_old_history_by_itself,
        ]
    );
    trials.extend(tests::trials!(backends, [Backend::Sqlite], [what_makes_no_sense_is_refused]));
    trials
}

/// A site with tables.
async fn site(cx: &Context) -> (Site, Ledger) {
    let site = Site::new(cx).await;
    site.run(&["migrate"]).done();
    let ledger = Ledger::of(&site).await;
    (site, ledger)
}

/// Samples that begin so many days ago.
fn samples(days_ago: i64) -> Samples {
    let samples = Samples::of(0);
    assert_eq!(samples.org, ORG);
    samples.clock.set(SystemClock.now() - TimeDelta::days(days_ago));
    samples
}

/// Rules by which a device may present any certificate that it had from elsewhere.
fn rules(samples: &Samples) -> OpenRules {
    OpenRules { superseded: SupersededCertificates::Allow, ..samples.rules() }
}

/// What `renewal prune -o json` with these arguments says of the one organisation.
#[track_caller]
fn prune(site: &Site, arguments: &[&str]) -> Value {
    let run = site.run(&[&["prune", "-o", "json"], arguments].concat()).done();
    let said: Value = serde_json::from_str(&run.out).unwrap();
    let [summary] = &said.as_array().unwrap()[..] else { panic!("{said}") };
    assert_eq!(summary["whole"], true);
    summary.clone()
}

/// Attempts, events and certificates.
fn numbers(summary: &Value) -> [u64; 3] {
    ["attempts", "events", "certificates"].map(|name| summary[name].as_u64().unwrap())
}

async fn what_is_old_goes_and_what_must_stay_stays(cx: Context) {
    let (site, ledger) = site(&cx).await;
    let samples = samples(900);
    let (store, org) = (&ledger.store, samples.org);
    // Ten devices, each with four certificates of a year ago and one of today; five failures; and an
    // attempt that waits for a person.
    let begin = samples.clock.now();
    for number in 1..=40 {
        let (device, csr) = (format!("gateway-{}", number % 10), format!("csr {number}"));
        let request = samples.trusted(&device, &csr, number, CertificateOrigin::Trusted);
        store.open(org, &request, &rules(&samples)).await.unwrap();
        let end = samples.issued_until(&request, number, begin + TimeDelta::days(90));
        store.complete(org, request.id(), &end).await.unwrap();
    }
    let mut failures = Vec::new();
    for number in 0..50 {
        let start = samples.start(&format!("gateway-{}", number % 10), AttemptKind::Renewal);
        failures.push(samples.failed(&start, "key_too_weak"));
        failures.push(start);
    }
    store.create_many(org, &failures).await.unwrap();
    let presented = samples.presented(41, CertificateOrigin::Trusted);
    let waiting = samples.presenting("gateway-0", "csr", presented, RequestState::Pending);
    store.open(org, &waiting, &rules(&samples)).await.unwrap();
    samples.clock.set(SystemClock.now() - TimeDelta::days(3));
    let young = [samples.start("gateway-3", AttemptKind::Renewal)];
    let young = [young[0].clone(), samples.failed(&young[0], "denied")];
    store.create_many(org, &young).await.unwrap();

    let all = ledger.events(ORG).await;
    let dry = prune(&site, &["--older-than", "400d", "--dry-run"]);
    assert_eq!(dry["dry_run"], true);
    assert_eq!(ledger.events(ORG).await, all);
    let real = prune(&site, &["--older-than", "400d"]);
    // Of each device the last success and the last attempt stay, and the current certificate.
    // What is open is the last attempt of the first, and what is young that of the fourth.
    assert_eq!(numbers(&real), [30 + 42, 60 + 84, 30]);
    assert_eq!(numbers(&dry), numbers(&real));
    let left = ledger.events(ORG).await;
    assert_eq!(left.len(), all.len() - 144);
    let start = waiting.start_event().unwrap();
    assert!([&young[..], &[start]].concat().iter().all(|event| left.contains(event)));
    let successes = |events: &[RenewalEvent]| {
        events.iter().filter(|event| event.event_type().as_str() == "renewal_success").count()
    };
    assert_eq!((successes(&all), successes(&left)), (40, 10));
    for number in 0..10 {
        assert_eq!(ledger.certificates(&format!("gateway-{number}")).await.len(), 1);
    }
    assert_eq!(ledger.open_requests().await, 1);
    assert_eq!(numbers(&prune(&site, &["--older-than", "400d"])), [0, 0, 0]);
    // The newest attempts of each device were kept: without that only those that must stay are left.
    let rest = prune(&site, &["--older-than", "400d", "--keep-last", "0"]);
    assert_eq!(numbers(&rest), [8, 16, 0]);
    let told = site.run(&["prune", "--older-than", "400d", "--dry-run"]).done();
    assert!(told.out.contains("Certificates") && told.out.contains(&ORG.to_string()), "{}", told.out);
    assert_eq!(told.err, "Nothing was removed: this is what would be.\n");
}

async fn a_revoked_certificate_goes_when_it_has_left_the_list(cx: Context) {
    let site = Site::new(&cx).await;
    site.configure("crl_validity = \"24h\"", "crl_validity = \"72h\"");
    site.configure("grace = \"30d\"", "grace = \"1d\"");
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "device");
    let serial = site.x509("device", "serial").trim_start_matches("serial=").to_lowercase();
    site.ask(&server, &["certs", "revoke", &serial, "--reason", "key_compromise"]).done();
    // The latest certificate of a device stays, revoked or not.
    site.request("later", "gateway-1");
    site.keep(&site.enroll(&server, "later", &site.token(&server, "gateway-1")), "later");
    let ledger = Ledger::of(&site).await;

    for (days, listed, stays) in [(1, true, true), (2, true, true), (4, false, false)] {
        // As if so much time had passed.
        expire(&site, &serial, SystemClock.now() - TimeDelta::days(days)).await;
        assert_eq!(is_listed(&site, &serial), listed, "{days}");
        let removed = numbers(&prune(&site, &["--older-than", "24h"]));
        assert_eq!(removed, [0, 0, u64::from(!stays)], "{days}");
        assert_eq!(ledger.certificates("gateway-1").await.len(), 1 + usize::from(stays), "{days}");
        assert_eq!(is_listed(&site, &serial), listed, "{days}");
    }
    server.stop();
}

/// Changes when a certificate expires.
async fn expire(site: &Site, serial: &str, end: DateTime<Utc>) {
    let db = Database::connect(site.store_url()).await.unwrap();
    let end = chrono::SubsecRound::trunc_subsecs(end, 0);
    for table in ["device_certificates", "certificate_revocations"] {
        let marks = match db.get_database_backend() {
            sea_orm::DbBackend::Postgres => ["$1", "$2"],
            _ => ["?", "?"],
        };
        let sql = format!("UPDATE {table} SET not_after = {} WHERE serial = {}", marks[0], marks[1]);
        let values = [end.into(), serial.into()];
        let update = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        assert_eq!(db.execute_raw(update).await.unwrap().rows_affected(), 1, "{table}");
    }
    db.close().await.unwrap();
}

/// Whether a server that has just started, and has no list yet, lists a certificate as revoked.
fn is_listed(site: &Site, serial: &str) -> bool {
    let server = Serving::start(site);
    let mut command = Command::new("curl");
    command.current_dir(site.workshop.path("."));
    command.args(["--silent", "--fail", "--noproxy", "*", "--cacert", "site/ca.pem", "--output", "list.der"]);
    assert!(command.arg(format!("https://{}/crl", server.address())).status().unwrap().success());
    server.stop();
    let said = site.workshop.openssl("crl -inform DER -in list.der -noout -text");
    String::from_utf8(said).unwrap().to_lowercase().contains(serial)
}

/// Failed attempts of 200 devices, a year and more ago; how many events they are.
async fn old_failures(ledger: &Ledger, attempts: u32) -> u64 {
    let samples = samples(800);
    let mut events = Vec::new();
    for number in 0..attempts {
        let start = samples.start(&format!("old-{}", number % 200), AttemptKind::Renewal);
        events.push(samples.failed(&start, "key_too_weak"));
        events.push(start);
    }
    for batch in events.chunks(4_000) {
        ledger.store.create_many(ORG, batch).await.unwrap();
    }
    u64::from(attempts) * 2
}

async fn a_run_that_was_killed_is_run_again_while_devices_renew(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    let ledger = Ledger::of(&site).await;
    let old = old_failures(&ledger, 10_000).await;
    let devices = fleet::enrolled(&site, &ledger, server.address(), 16).await;
    let dry = numbers(&prune(&site, &["--older-than", "400d", "--dry-run"]));
    assert_eq!(dry, [9_800, 19_600, 0]);

    let done = Arc::new(AtomicBool::new(false));
    let renewing: Vec<_> = devices
        .into_iter()
        .map(|device| tokio::spawn(renew(device, server.address(), done.clone())))
        .collect();
    let mut run = begun(&site);
    let count = async || {
        let all = ledger.events(ORG).await;
        all.iter().filter(|event| event.reason().is_some()).count() as u64 * 2
    };
    let begin = Instant::now();
    while count().await == old {
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing is removed");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let left = count().await;
    assert!(left > 400, "it was over already");
    let rest = numbers(&prune(&site, &["--older-than", "400d"]));
    assert_eq!((old - left) + rest[1], dry[1], "what the two removed is what was to be removed");
    done.store(true, Ordering::SeqCst);
    let devices: Vec<_> = join_all(renewing).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(count().await, 400, "the newest attempt of each");
    let renewals: usize = devices.iter().map(|device| device.certificates.len() - 1).sum();
    assert!(renewals >= 16, "{renewals}");
    // None of these went.
    assert_eq!(fleet::assert_recorded(&ledger, &devices).await, (renewals + 200, renewals));
    let log = server.stop();
    assert!(!log.contains("ERROR"), "{log}");
}

fn begun(site: &Site) -> Child {
    let mut command = site.command(&["prune", "--older-than", "400d"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Renews until it is told that all is done.
async fn renew(mut device: Device, server: SocketAddr, done: Arc<AtomicBool>) -> Device {
    for _ in 0..10 {
        assert_eq!(device.renew(server).await.unwrap(), 200, "{}", device.name);
        if done.load(Ordering::SeqCst) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    device
}

async fn the_server_removes_old_history_by_itself(cx: Context) {
    let (mut site, ledger) = site(&cx).await;
    old_failures(&ledger, 1_000).await;
    // Something new, so that the clock is trusted.
    ledger.service.suspend_organisation(ORG, "", &by()).await.unwrap();
    ledger.service.resume_organisation(ORG, "", &by()).await.unwrap();
    site.set("RENEWAL_RETENTION__OLDER_THAN", "400d");
    site.set("RENEWAL_RETENTION__KEEP_LAST", "2");
    // The first time is within a tenth of that.
    site.set("RENEWAL_RETENTION__INTERVAL", "1m");
    // Two servers do it at once, where there can be two.
    let two = cx.backend() != Backend::Sqlite;
    let mut servers: Vec<_> = (0..=u32::from(two)).map(|_| Serving::start(&site)).collect();
    let (mut events, mut certificates) = (0, 0);
    for server in &mut servers {
        let line = server.logged("removed old history");
        assert!(line.contains("whole=true") && line.contains("certificates=0"), "{line}");
        let metrics = metrics(server);
        events += value(&metrics, "renewal_pruned_events_total");
        certificates += value(&metrics, "renewal_pruned_certificates_total");
        let ran = value(&metrics, "renewal_retention_last_run_timestamp_seconds");
        assert!((SystemClock.now().timestamp() - i64::try_from(ran).unwrap()).abs() < 60, "{ran}");
        assert!(metrics.contains("renewal_store_call_duration_seconds_count{method=\"prune_events\"}"));
    }
    assert_eq!((events, certificates), (1_200, 0));
    assert_eq!(ledger.events(ORG).await.len(), 800);
    for server in servers {
        let log = server.stop();
        assert!(!log.contains("ERROR"), "{log}");
    }
}

fn metrics(server: &Serving) -> String {
    let mut command = Command::new("curl");
    let output = command.args(["--silent", "--fail", "--noproxy", "*", &format!("{}/metrics", server.api())]);
    String::from_utf8(output.output().unwrap().stdout).unwrap()
}

fn value(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
}

async fn what_makes_no_sense_is_refused(cx: Context) {
    let (mut site, _) = site(&cx).await;
    for (arguments, expected) in [
        (&["prune"][..], "--older-than 400d"),
        (&["prune", "--older-than", "23h"], "kept for a day at least"),
        (&["prune", "--older-than", "2000y"], "a thousand years"),
        (&["prune", "--older-than", "400d", "--keep-last", "101"], "at most 100 attempts"),
    ] {
        let said = site.run(arguments).failed();
        assert!(said.contains(expected), "{said}");
    }
    site.run(&["prune", "--older-than", "soon"]).misunderstood();
    for (name, wrong, expected) in [
        ("RENEWAL_RETENTION__OLDER_THAN", "1h", "[retention]: history is kept for a day"),
        ("RENEWAL_RETENTION__KEEP_LAST", "101", "at most 100 attempts"),
        ("RENEWAL_RETENTION__INTERVAL", "1s", "interval must be a minute"),
        ("RENEWAL_RETENTION__OLDER_THN", "400d", "did you mean older_than?"),
    ] {
        site.set("RENEWAL_RETENTION__OLDER_THAN", "400d");
        site.set(name, wrong);
        for command in [&["config", "check"][..], &["serve"]] {
            let said = site.run(command).failed();
            assert!(said.contains(expected), "{said}");
        }
        site.unset(name);
    }
    site.set("RENEWAL_RETENTION__OLDER_THAN", "400d");
    site.run(&["config", "check"]).done();
    // What is configured is what the command does, too.
    site.run(&["prune", "--dry-run"]).done();
}
