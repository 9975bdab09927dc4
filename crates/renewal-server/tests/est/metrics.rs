//! What the metrics tell of what happened, and that Prometheus takes it, with the rules and the
//! dashboard in `deploy/`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::{Clock, RequestKind};
use renewal_server::Gauges;

use crate::client::Client;
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{Authority, ORG, OTHER_ORG, Server, TOKEN, World};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials!([
        events_are_counted_by_type_and_reason,
        unauthenticated_requests_are_counted_by_reason,
        refused_enrollments_are_counted_by_reason,
        requests_are_counted_by_operation_and_status,
        failures_of_the_store_are_counted_by_kind,
        a_call_of_the_store_that_is_cancelled_is_counted,
        the_gauges_tell_how_the_ledger_stands,
        the_gauges_keep_their_values_while_the_store_is_away,
        no_metric_names_a_device_or_an_organisation,
        two_servers_in_one_program_count_apart,
        alerts_and_dashboard_use_no_metric_that_does_not_exist,
    ]);
    trials.extend(trials!(
        &["promtool"],
        [promtool_takes_the_metrics, promtool_takes_the_rules, the_rules_fire_when_they_should]
    ));
    trials
}

async fn events_are_counted_by_type_and_reason() {
    let world = World::new();
    let server = world.start().await;
    one_of_each(&world, &server).await;
    let failed = |reason| ("renewal_events_total", vec![("type", "renewal_failed"), ("reason", reason)]);
    assert_eq!(value(&world, "renewal_events_total", &[("type", "renewal_start")]), 2);
    assert_eq!(value(&world, "renewal_events_total", &[("type", "renewal_success")]), 1);
    let (name, labels) = failed("subject_mismatch");
    assert_eq!(value(&world, name, &labels), 1);
    let (name, labels) = failed("denied");
    assert_eq!(value(&world, name, &labels), 0, "what never happened is there too");
    assert_eq!(value(&world, "renewal_certificates_issued_total", &[("kind", "enrollment")]), 1);
    assert_eq!(value(&world, "renewal_signing_duration_seconds_count", &[("outcome", "signed")]), 2);
    assert_eq!(value(&world, "renewal_store_call_duration_seconds_count", &[("method", "complete")]), 2);
}

async fn unauthenticated_requests_are_counted_by_reason() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = Authority::new("Another CA").client_certificate("gateway-1", &device.key);
    let client = device.client(&world, &server, &certificate);
    client.enroll(REENROLL, &device.csr()).await.assert_refused(403, "certificate_not_from_device_issuer");
    let labels = [("reason", "certificate_not_from_device_issuer")];
    assert_eq!(value(&world, "renewal_unauthenticated_requests_total", &labels), 1);
    let client = Client::new(&world, server.address);
    client.enroll_as(ENROLL, &device.csr(), "gateway-1", "guessed").await;
    let labels = [("listener", "est"), ("reason", "credentials_wrong")];
    assert_eq!(value(&world, "renewal_http_refusals_total", &labels), 1);
}

async fn refused_enrollments_are_counted_by_reason() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    client.enroll_as(ENROLL, &Device::named("gateway-2").csr(), "gateway-1", TOKEN).await;
    let refused = |reason| value(&world, "renewal_enrollments_refused_total", &[("reason", reason)]);
    assert_eq!(refused("enrollment_name_mismatch"), 1);
    assert_eq!(refused("device_blocked"), 0, "what never happened is there too");
    let labels = [("reason", "enrollment_name_mismatch")];
    assert_eq!(value(&world, "renewal_unauthenticated_requests_total", &labels), 0);
}

async fn requests_are_counted_by_operation_and_status() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    client.get("/.well-known/est/cacerts").await.certificates();
    client.get("/.well-known/est/other/cacerts").await.certificates();
    client.get("/.well-known/est/nowhere/cacerts").await;
    client.get("/../etc/passwd").await;
    let requests = |operation, status| {
        let labels = [("listener", "est"), ("operation", operation), ("status", status)];
        value(&world, "renewal_http_requests_total", &labels)
    };
    assert_eq!(requests("cacerts", "2xx"), 2);
    assert_eq!(requests("cacerts", "4xx"), 1);
    assert_eq!(requests("none", "4xx"), 1);
    let labels = [("listener", "est"), ("operation", "cacerts")];
    assert_eq!(value(&world, "renewal_http_request_duration_seconds_count", &labels), 3);
}

async fn failures_of_the_store_are_counted_by_kind() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    world.store.set_down(true);
    client.enroll(REENROLL, &device.csr()).await.assert_refused(503, "unavailable");
    assert_eq!(value(&world, "renewal_store_failures_total", &[("kind", "unavailable")]), 1);
    assert_eq!(value(&world, "renewal_store_failures_total", &[("kind", "conflict")]), 0);
}

async fn a_call_of_the_store_that_is_cancelled_is_counted() {
    let world = World::new();
    world.store.set_slow(true);
    let store =
        renewal_domain::Stores::from(Arc::new(world.metrics.watch_store(world.store.switched.clone())));
    let call = store.fleet.check();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(20), call).await.is_err());
    assert_eq!(value(&world, "renewal_store_failures_total", &[("kind", "cancelled")]), 1);
}

async fn the_gauges_tell_how_the_ledger_stands() {
    let world = World::new().approving_manually(RequestKind::Recovery);
    let server = world.start().await;
    let gauges = gauges(&world, &server);
    assert_eq!(find(&world, "renewal_devices_failing", &[]), None, "nothing was read yet");
    assert_eq!(value(&world, "renewal_gauges_refreshed_timestamp_seconds", &[]), 0);

    one_of_each(&world, &server).await;
    let late = Device::named("gateway-late");
    let expiring = late.enroll(&world, &server).await;
    gauges.refresh().await.unwrap();
    assert_eq!(value(&world, "renewal_devices_failing", &[]), 1);
    assert_eq!(value(&world, "renewal_certificates_expiring", &[("within", "30d")]), 0);

    world.clock.advance(TimeDelta::days(85));
    gauges.refresh().await.unwrap();
    assert_eq!(value(&world, "renewal_devices_failing", &[]), 0, "that was long ago");
    for (within, devices) in [("1d", 0), ("7d", 2), ("30d", 2)] {
        assert_eq!(value(&world, "renewal_certificates_expiring", &[("within", within)]), devices);
    }

    world.clock.advance(TimeDelta::days(10));
    late.client(&world, &server, &expiring).enroll(REENROLL, &late.csr()).await;
    world.clock.advance(TimeDelta::minutes(90));
    gauges.refresh().await.unwrap();
    assert_eq!(value(&world, "renewal_open_requests", &[("state", "pending")]), 1);
    assert_eq!(value(&world, "renewal_open_requests", &[("state", "signing")]), 0);
    let age = find(&world, "renewal_oldest_open_request_age_seconds", &[("state", "pending")]).unwrap();
    assert!((5_400.0..5_401.0).contains(&age.parse::<f64>().unwrap()), "{age}");
    let certificate = server.certificate.not_after();
    let issuer = server.service.issuer().not_after();
    for (name, time) in [
        ("renewal_gauges_refreshed_timestamp_seconds", world.clock.now()),
        ("renewal_server_certificate_expiry_timestamp_seconds", certificate),
        ("renewal_issuer_certificate_expiry_timestamp_seconds", issuer),
    ] {
        assert_eq!(find(&world, name, &[]).unwrap(), time.timestamp().to_string(), "{name}");
    }
}

async fn the_gauges_keep_their_values_while_the_store_is_away() {
    let world = World::new();
    let server = world.start().await;
    let gauges = gauges(&world, &server);
    one_of_each(&world, &server).await;
    gauges.refresh().await.unwrap();
    let refreshed = value(&world, "renewal_gauges_refreshed_timestamp_seconds", &[]);
    world.store.set_down(true);
    world.clock.advance(TimeDelta::days(2));
    gauges.refresh().await.unwrap_err();
    assert_eq!(value(&world, "renewal_devices_failing", &[]), 1);
    assert_eq!(value(&world, "renewal_gauges_refreshed_timestamp_seconds", &[]), refreshed);
}

async fn no_metric_names_a_device_or_an_organisation() {
    let world = World::new();
    let text = told_by_everything(&world).await;
    for name in ["gateway", &ORG.to_string(), &OTHER_ORG.to_string(), "127.0.0.1"] {
        assert!(!text.contains(name), "{name}");
    }
}

async fn two_servers_in_one_program_count_apart() {
    let (one, other) = (World::new(), World::new());
    let server = one.start().await;
    one_of_each(&one, &server).await;
    assert_eq!(value(&one, "renewal_events_total", &[("type", "renewal_success")]), 1);
    assert_eq!(value(&other, "renewal_events_total", &[("type", "renewal_success")]), 0);
}

async fn alerts_and_dashboard_use_no_metric_that_does_not_exist() {
    let world = World::new();
    let text = told_by_everything(&world).await;
    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in text.lines() {
        match line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            Some((name, "histogram")) => {
                known.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
            }
            Some((name, _)) => drop(known.insert(name.to_owned())),
            None => (),
        }
    }
    for file in ["prometheus/alerts.yml", "prometheus/alerts.test.yml", "grafana/renewal-ledger.json"] {
        let used = metric_names(&fs::read_to_string(deploy(file)).unwrap());
        assert!(used.len() > 5, "{file}: {used:?}");
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}");
    }
    let table = fs::read_to_string(deploy("../docs/monitoring.md")).unwrap();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(table.contains(&format!("`{name}`")), "docs/monitoring.md lacks {name}");
    }
}

async fn promtool_takes_the_metrics() {
    let world = World::new();
    let text = told_by_everything(&world).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

async fn promtool_takes_the_rules() {
    promtool(&["check", "rules", "alerts.yml"]);
    promtool(&["check", "config", "prometheus.yml"]);
}

async fn the_rules_fire_when_they_should() {
    promtool(&["test", "rules", "alerts.test.yml"]);
}

fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(deploy("prometheus")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// An enrollment, a renewal, and a renewal that is refused.
async fn one_of_each(world: &World, server: &Server) {
    let device = Device::named("gateway-1");
    let first = device.enroll(world, server).await;
    let client = device.client(world, server, &first);
    client.enroll(REENROLL, &device.csr()).await.certificate();
    client.enroll(REENROLL, &device.csr_for("gateway-2")).await.assert_refused(403, "subject_mismatch");
}

/// The metrics once everything that is counted has happened.
async fn told_by_everything(world: &World) -> String {
    let server = world.start().await;
    one_of_each(world, &server).await;
    gauges(world, &server).refresh().await.unwrap();
    world.metrics.render()
}

fn gauges(world: &World, server: &Server) -> Gauges {
    Gauges::new(
        world.metrics.clone(),
        world.store.switched.clone(),
        vec![ORG, OTHER_ORG],
        &server.service,
        server.certificate.clone(),
        Arc::new(world.clock.clone()),
    )
}

/// The value of the series with exactly these labels.
fn value(world: &World, name: &str, labels: &[(&str, &str)]) -> u64 {
    let found = find(world, name, labels);
    found
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name} {labels:?}: {}", world.metrics.render()))
}

fn find(world: &World, name: &str, labels: &[(&str, &str)]) -> Option<String> {
    let wanted: BTreeSet<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let text = world.metrics.render();
    let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    let mut found = series.filter(|(series, _)| {
        let (there, rest) = series.split_once('{').unwrap_or((series, ""));
        let labels = rest.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        there == name && labels.map(str::to_owned).collect::<BTreeSet<_>>() == wanted
    });
    found.next().map(|(_, value)| value.to_owned())
}

/// The words of a text that have the form of our metrics' names.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("renewal_"))
        .filter(|word| !is_event_type(word))
        .map(str::to_owned)
        .collect()
}

fn is_event_type(word: &str) -> bool {
    renewal_domain::EventType::ALL.iter().any(|event_type| event_type.as_str() == word)
}

/// A file in `deploy/`.
fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}
