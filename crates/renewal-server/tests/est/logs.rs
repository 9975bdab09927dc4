//! What is logged about a request, and what never is.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Trial;
use serde_json::Value;
use tracing_subscriber::prelude::*;

use crate::client::Client;
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{ORG, TOKEN, World};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static JSON: Mutex<Vec<u8>> = Mutex::new(Vec::new());

pub(crate) fn trials() -> Vec<Trial> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(|| Into(&LOG))
        .finish()
        .with(tracing_subscriber::fmt::layer().json().with_writer(|| Into(&JSON)))
        .init();
    trials!([
        a_line_tells_of_a_request_by_its_id,
        a_line_in_json_tells_of_a_request_in_fields,
        no_secret_is_logged,
        a_failure_is_logged_and_not_answered,
        a_slow_answer_is_a_warning,
    ])
}

/// Writes into [`LOG`] or [`JSON`].
struct Into(&'static Mutex<Vec<u8>>);

impl Write for Into {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of the log with this text.
fn lines_with(text: &str) -> String {
    lines_of(&LOG, text)
}

fn lines_of(log: &Mutex<Vec<u8>>, text: &str) -> String {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log).into_owned();
    log.lines().filter(|line| line.contains(text)).collect::<Vec<_>>().join("\n")
}

async fn a_line_tells_of_a_request_by_its_id() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    let response = client.enroll(REENROLL, &device.csr_for("gateway-2")).await;
    let told = lines_with(response.header("x-request-id").unwrap());
    for part in [
        "INFO",
        "answered",
        "method=POST",
        REENROLL,
        "status=403",
        "subject_mismatch",
        "device=\"gateway-1\"",
        "org=",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

async fn a_line_in_json_tells_of_a_request_in_fields() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    let response = client.enroll(REENROLL, &device.csr_for("gateway-2")).await;
    let id = response.header("x-request-id").unwrap();
    let told = lines_of(&JSON, id);
    let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about: Vec<_> = lines.filter(|line| line["level"] == "INFO").collect();
    let messages: Vec<_> = about.iter().map(|line| line["fields"]["message"].clone()).collect();
    assert_eq!(messages, ["refused a device", "answered"]);
    for line in &about {
        let span = &line["span"];
        assert_eq!((&span["id"], &span["device"]), (&id.into(), &"gateway-1".into()));
        assert_eq!(span["org"], ORG.to_string());
        assert_eq!(line["fields"]["reason"], "subject_mismatch");
    }
    let answered = &about[1]["fields"];
    assert_eq!((&answered["status"], &answered["method"]), (&403.into(), &"POST".into()));
    assert!(answered["elapsed_ms"].is_u64(), "{answered}");
}

async fn no_secret_is_logged() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    client.enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await.certificate();
    client
        .enroll_as(ENROLL, &csr, "gateway-1", "gu3ssed-passw0rd")
        .await
        .assert_refused(401, "credentials_wrong");
    client.get("/.well-known/est/cacerts?password=in-the-query").await.certificates();
    for secret in [TOKEN, "gu3ssed-passw0rd", "in-the-query", "Z2F0ZXdheS0xOnMzY3JldC10MGtlbg"] {
        assert_eq!(lines_with(secret) + &lines_of(&JSON, secret), "");
    }
}

async fn a_failure_is_logged_and_not_answered() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    world.store.set_down(true);
    let response = client.enroll_as(ENROLL, &Device::named("gateway-1").csr(), "gateway-1", TOKEN).await;
    response.assert_refused(503, "unavailable");
    let told = lines_with(response.header("x-request-id").unwrap());
    assert!(told.contains("ERROR") && told.contains("10.1.2.3"), "{told}");
}

async fn a_slow_answer_is_a_warning() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.store.set_slow(true);
    let response = device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
    let told = lines_with(response.header("x-request-id").unwrap());
    let line = told.lines().find(|line| line.contains("answered slowly")).unwrap();
    assert!(line.contains("WARN") && line.contains("elapsed_ms=") && line.contains("status=200"), "{line}");
}
