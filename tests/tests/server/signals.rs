//! SIGTERM and SIGHUP while devices are at work.

use std::fs;
use std::sync::Arc;

use libtest_mimic::Trial;
use rustix::process::Signal;
use tests::{Backend, Backends, Context};

use crate::device::{self, Device};
use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;
use crate::workshop::P256;

const CACERTS: &str = "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n";

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [on_sigterm_a_request_in_flight_is_answered_first]);
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [sigint_stops_too, on_sighup_a_new_server_certificate_is_shown]
    ));
    trials
}

async fn on_sigterm_a_request_in_flight_is_answered_first(cx: Context) {
    let site = Site::new(&cx).await;
    let mut server = Serving::start(&site);
    let mut device = Device::named("gateway-1", &device::roots(&site));
    device.enroll(server.address(), &site.token(&server, "gateway-1")).await;

    let (head, body) = device.renewal();
    let (first, rest) = body.split_at(20);
    let mut connection = device.connect(server.address()).await.unwrap();
    connection.send(&format!("{head}{first}")).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 100, "the server reads the body");
    server.signal(Signal::TERM);
    server.logged("told to stop by SIGTERM");
    connection.send(rest).await.unwrap();
    let answer = connection.answer().await.unwrap();
    device.take(&answer);
    drop(connection);
    assert!(device.connect(server.address()).await.is_err());
    let (status, log) = server.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.lines().last().unwrap().contains("stopped cut_off=0"), "{log}");
    let ledger = Ledger::of(&site).await;
    assert_eq!(ledger.story(ORG).await, ["renewal_start", "renewal_success"]);
}

async fn sigint_stops_too(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    server.signal(Signal::INT);
    let (status, log) = server.ended();
    assert_eq!(status, Some(0), "{log}");
}

async fn on_sighup_a_new_server_certificate_is_shown(cx: Context) {
    let site = Site::new(&cx).await;
    let mut server = Serving::start(&site);
    let client = Device::named("gateway-1", &device::roots(&site));
    let mut old = client.connect(server.address()).await.unwrap();
    let workshop = &site.workshop;
    workshop.write("new.key", workshop.openssl(&format!("genpkey -algorithm {P256}")));
    workshop.openssl("req -new -key new.key -subj /CN=localhost -out new.csr");
    workshop.write("server.ext", "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n");
    workshop.openssl(
        "x509 -req -in new.csr -CA site/ca.pem -CAkey site/ca.key -days 90 -extfile server.ext -out new.pem",
    );
    fs::rename(workshop.path("new.key"), site.file("server.key")).unwrap();
    fs::rename(workshop.path("new.pem"), site.file("server.pem")).unwrap();
    server.signal(Signal::HUP);
    server.logged("loaded the server certificate anew");
    let new = client.connect(server.address()).await.unwrap();
    assert_ne!(new.server_certificate(), old.server_certificate());
    old.send(CACERTS).await.unwrap();
    assert_eq!(old.answer().await.unwrap().status, 200, "the connection from before is served");

    workshop.write("site/server.key", "rubbish");
    server.signal(Signal::HUP);
    server.logged("kept the old server certificate");
    let still = client.connect(server.address()).await.unwrap();
    assert_eq!(still.server_certificate(), new.server_certificate());
    server.stop();
}
