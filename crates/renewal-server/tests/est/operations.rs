//! What the paths offer, and to whom.

use libtest_mimic::Trial;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::{Client, request};
use crate::device::{Device, ENROLL};
use crate::trials::trials;
use crate::world::{Authority, World};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        the_ca_certificates_are_given_to_anybody,
        a_label_leads_to_the_same_operations,
        an_unknown_label_or_path_is_not_found,
        no_attributes_are_asked_for,
        a_wrong_method_is_told_the_right_one,
        head_gets_the_header_alone,
        every_answer_has_an_id_of_its_own,
    ])
}

async fn the_ca_certificates_are_given_to_anybody() {
    let world = World::new();
    let root = Authority::new("Root");
    let again = world.authority.certificate_pem().to_owned();
    let server = world.start_with(|est| est.ca_certificate(root.pem.clone()).ca_certificate(again)).await;
    let response = Client::new(&world, server.address).get("/.well-known/est/cacerts").await;
    assert_eq!(response.header("content-type"), Some("application/pkcs7-mime"));
    assert!(response.body.iter().all(u8::is_ascii_graphic), "base64 on one line");
    let mut subjects: Vec<_> = response.certificates().iter().map(|der| subject(der)).collect();
    subjects.sort();
    assert_eq!(subjects, ["CN=Device CA", "CN=Root"]);
}

async fn a_label_leads_to_the_same_operations() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let response = client.get("/.well-known/est/other/cacerts").await;
    assert_eq!(response.certificates().len(), 1);
    let device = Device::named("gateway-1");
    let path = "/.well-known/est/other/simpleenroll";
    let response = client.enroll_as(path, &device.csr(), "gateway-1", crate::world::TOKEN).await;
    assert_eq!(subject(&response.certificate()), "CN=gateway-1");
}

async fn an_unknown_label_or_path_is_not_found() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    client.get("/.well-known/est/nobody/cacerts").await.assert_refused(404, "unknown_label");
    client.get("/.well-known/est/%ff/cacerts").await.assert_refused(404, "unknown_label");
    for path in ["/", "/.well-known/est", "/.well-known/est/other", "/.well-known/est/fullcmc", "/cacerts"] {
        client.get(path).await.assert_refused(404, "unknown_path");
    }
    let csr = Device::named("gateway-1").csr();
    let response = client.enroll_as("/.well-known/est/nobody/simpleenroll", &csr, "a", "b").await;
    response.assert_refused(404, "unknown_label");
}

async fn no_attributes_are_asked_for() {
    let world = World::new();
    let server = world.start().await;
    let response = Client::new(&world, server.address).get("/.well-known/est/csrattrs").await;
    assert_eq!((response.status, response.body.len()), (204, 0));
}

async fn a_wrong_method_is_told_the_right_one() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let response = client.get(ENROLL).await;
    response.assert_refused(405, "method_not_allowed");
    assert_eq!(response.header("allow"), Some("POST"));
    let response = client.send(&request("POST", "/.well-known/est/cacerts", &[], b"x")).await;
    response.assert_refused(405, "method_not_allowed");
    assert_eq!(response.header("allow"), Some("GET,HEAD"));
}

async fn head_gets_the_header_alone() {
    let world = World::new();
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    let close = [("Connection", "close")];
    connection.write(&request("HEAD", "/.well-known/est/cacerts", &close, b"")).await;
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut connection.stream, &mut all).await.unwrap();
    let text = String::from_utf8(all).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n"), "{text}");
}

async fn every_answer_has_an_id_of_its_own() {
    let world = World::new();
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    let mut ids = Vec::new();
    for path in ["/.well-known/est/cacerts", "/nothing"] {
        connection.write(&request("GET", path, &[("x-request-id", "mine")], b"")).await;
        ids.push(connection.response().await.header("x-request-id").unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    assert!(!ids.contains(&"mine".to_owned()));
}

pub(crate) fn subject(der: &[u8]) -> String {
    X509Certificate::from_der(der).unwrap().1.subject().to_string()
}
