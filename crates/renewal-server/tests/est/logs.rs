//! What is logged about a request, and what never is.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Trial;
use tracing_subscriber::fmt::MakeWriter;

use crate::client::Client;
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{TOKEN, World};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

pub(crate) fn trials() -> Vec<Trial> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(ToLog)
        .init();
    trials!([a_line_tells_of_a_request_by_its_id, no_secret_is_logged, a_failure_is_logged_and_not_answered])
}

/// Writes into [`LOG`].
struct ToLog;

impl Write for ToLog {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for ToLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// The lines of the log with this text.
fn lines_with(text: &str) -> String {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
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
        assert_eq!(lines_with(secret), "");
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
