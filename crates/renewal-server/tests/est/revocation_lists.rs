//! `/crl`: what is on the lists, how fresh they are, and what OpenSSL makes of them.

use std::fs;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use csr_service::{CrlIssuer, Issuer, IssuerKey, NewIssuer};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::{Clock, OrgId, RevocationReason, Serial};
use tokio::process::Command;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::client::{Client, Response, request};
use crate::device::Device;
use crate::trials::trials;
use crate::world::{ORG, OTHER_ORG, Server, TOKEN, World, root};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials!([
        a_list_is_given_to_anybody_with_what_caches_need,
        an_unknown_issuer_or_method_is_refused,
        all_organisations_are_on_a_list_unless_it_is_said_which,
        a_revoked_certificate_is_listed_as_soon_as_the_kept_list_is_old,
        of_a_crowd_one_makes_the_list,
        without_its_store_a_list_is_served_for_as_long_as_it_is_valid,
        an_issuer_that_may_not_sign_lists_has_none,
    ]);
    trials.extend(trials!(
        &["openssl"],
        [openssl_verifies_with_the_list_of_every_kind_of_issuer, openssl_verifies_after_a_change_of_issuer]
    ));
    trials
}

/// The serial numbers on the list in an answer.
#[track_caller]
fn listed(response: &Response) -> Vec<Serial> {
    assert_eq!(response.status, 200, "{}", response.text());
    let (rest, list) = CertificateRevocationList::from_der(&response.body).unwrap();
    assert!(rest.is_empty());
    let serial = |octets: &[u8]| Serial::from_be_bytes(octets).unwrap();
    list.iter_revoked_certificates().map(|entry| serial(entry.raw_serial())).collect()
}

/// Revokes a certificate (DER).
async fn revoke(server: &Server, org: OrgId, certificate: &[u8]) -> Serial {
    let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
    let serial = Serial::from_be_bytes(certificate.raw_serial()).unwrap();
    server.service.revoke(org, &serial, RevocationReason::KeyCompromise, "", &root()).await.unwrap();
    serial
}

async fn a_list_is_given_to_anybody_with_what_caches_need() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let response = client.get("/crl").await;
    assert!(listed(&response).is_empty());
    assert_eq!(response.header("content-type"), Some("application/pkix-crl"));
    let age = response.header("cache-control").unwrap().strip_prefix("max-age=").unwrap();
    assert!((50..=60).contains(&age.parse::<u32>().unwrap()), "{age}");
    let made = DateTime::parse_from_rfc2822(response.header("last-modified").unwrap()).unwrap();
    let (_, list) = CertificateRevocationList::from_der(&response.body).unwrap();
    assert_eq!(made.timestamp(), list.last_update().timestamp());
    assert_eq!(list.next_update().unwrap().timestamp() - made.timestamp(), 24 * 60 * 60);
    let key_id = server.service.issuer().key_id();
    for id in [key_id.to_uppercase(), key_id] {
        assert_eq!(client.get(&format!("/crl/{id}")).await.body, response.body);
    }
    let mut connection = client.connect().await;
    connection.write(&request("HEAD", "/crl", &[("Connection", "close")], b"")).await;
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut connection.stream, &mut all).await.unwrap();
    let head = String::from_utf8(all).unwrap();
    let length = format!("content-length: {}\r\n", response.body.len());
    assert!(head.contains(&length) && head.ends_with("\r\n\r\n"), "{head}");
}

async fn an_unknown_issuer_or_method_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    for id in ["00", "%ff", "x", &"0".repeat(10_000)] {
        client.get(&format!("/crl/{id}")).await.assert_refused(404, "unknown_issuer");
    }
    for path in ["/crl", "/crl/00"] {
        client.send(&request("POST", path, &[], b"x")).await.assert_refused(405, "method_not_allowed");
    }
}

async fn all_organisations_are_on_a_list_unless_it_is_said_which() {
    let world = World::new();
    let server = world.start().await;
    let ours = Device::named("gateway-1").enroll(&world, &server).await;
    let device = Device::named("gateway-2");
    let path = "/.well-known/est/other/simpleenroll";
    let client = Client::new(&world, server.address);
    let theirs = client.enroll_as(path, &device.csr(), "gateway-2", TOKEN).await.certificate();
    let mut all = [revoke(&server, ORG, &ours).await, revoke(&server, OTHER_ORG, &theirs).await];
    let [ours, _] = all.clone();
    all.sort();
    assert_eq!(listed(&client.get("/crl").await), all);
    let one = world.start_with(|est| est.crl_organisations([ORG])).await;
    assert_eq!(listed(&Client::new(&world, one.address).get("/crl").await), [ours]);
}

async fn a_revoked_certificate_is_listed_as_soon_as_the_kept_list_is_old() {
    let world = World::new();
    let kept_for = Duration::from_secs(1);
    let server = world.start_with(|est| est.crl_kept_for(kept_for)).await;
    let certificate = Device::named("gateway-1").enroll(&world, &server).await;
    let client = Client::new(&world, server.address);
    let first = client.get("/crl").await;
    let serial = revoke(&server, ORG, &certificate).await;
    world.clock.advance(TimeDelta::seconds(5));
    tokio::time::sleep(kept_for).await;
    let second = client.get("/crl").await;
    assert_eq!((listed(&first), listed(&second)), (vec![], vec![serial]));
    let number = |response: &Response| {
        let (_, list) = CertificateRevocationList::from_der(&response.body).unwrap();
        u64::try_from(list.crl_number().unwrap()).unwrap()
    };
    assert_eq!(number(&second), number(&first) + 5);
}

async fn of_a_crowd_one_makes_the_list() {
    let world = World::new();
    let server = world.start().await;
    world.store.set_slow(true);
    let before = world.store.calls();
    let client = Client::new(&world, server.address);
    let answers = join_all((0..20).map(|_| client.get("/crl"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(world.store.calls() - before, 2, "a page of each organisation");
}

async fn without_its_store_a_list_is_served_for_as_long_as_it_is_valid() {
    let world = World::new();
    let server = world.start_with(|est| est.crl_kept_for(Duration::ZERO)).await;
    let client = Client::new(&world, server.address);
    let first = client.get("/crl").await;
    assert_eq!(first.status, 200);
    world.store.set_down(true);
    world.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(client.get("/crl").await.body, first.body);
    world.clock.advance(TimeDelta::seconds(2));
    let response = client.get("/crl").await;
    response.assert_refused(503, "unavailable");
    assert_eq!(response.header("retry-after"), Some("30"));
    world.store.set_down(false);
    while client.get("/crl").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn an_issuer_that_may_not_sign_lists_has_none() {
    let mut world = World::new();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = crate::world::cn("Certificates only");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    world.issuer = Some(Issuer::from_pem(certificate, key.serialize_pem(), world.clock.now()).unwrap());
    let server = world.start().await;
    Client::new(&world, server.address).get("/crl").await.assert_refused(404, "unknown_issuer");
}

/// Puts an answer's list, in PEM, into a file.
fn keep(world: &World, response: &Response, name: &str) {
    assert_eq!(response.status, 200, "{}", response.text());
    let list = pem(&response.body, "X509 CRL");
    fs::write(world.path(name), list).unwrap();
}

fn pem(der: &[u8], label: &str) -> String {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Runs OpenSSL; whether it succeeds, and what it says.
async fn openssl(world: &World, line: &str) -> (bool, String) {
    let mut command = Command::new("openssl");
    let output = command.args(line.split(' ')).current_dir(world.directory.path()).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
fn assert_good((good, said): (bool, String)) {
    assert!(good, "{said}");
}

#[track_caller]
fn assert_revoked((good, said): (bool, String)) {
    assert!(!good && said.contains("certificate revoked"), "{said}");
}

async fn openssl_verifies_with_the_list_of_every_kind_of_issuer() {
    for kind in [IssuerKey::EcdsaP256, IssuerKey::EcdsaP384, IssuerKey::Ed25519, IssuerKey::Rsa2048] {
        let mut world = World::new();
        world.authority = NewIssuer::builder("Device CA").key(kind).create(world.clock.now()).unwrap();
        let url = "http://pki.example/{issuer}".parse().unwrap();
        world.profile = world.profile.crl_url(Some(url));
        let server = world.start().await;
        fs::write(world.path("ca.pem"), world.authority.certificate_pem()).unwrap();
        for name in ["good", "bad"] {
            let certificate = Device::named(name).enroll(&world, &server).await;
            fs::write(world.path(&format!("{name}.pem")), pem(&certificate, "CERTIFICATE")).unwrap();
            if name == "bad" {
                revoke(&server, ORG, &certificate).await;
            }
        }
        keep(&world, &Client::new(&world, server.address).get("/crl").await, "crl.pem");
        let (good, said) = openssl(&world, "crl -in crl.pem -CAfile ca.pem -verify -text -noout").await;
        assert!(good && said.contains("verify OK") && said.contains("Key Compromise"), "{kind:?}: {said}");
        let verify = "verify -x509_strict -crl_check -CAfile ca.pem -CRLfile crl.pem";
        assert_good(openssl(&world, &format!("{verify} good.pem")).await);
        assert_revoked(openssl(&world, &format!("{verify} bad.pem")).await);
        let (_, said) = openssl(&world, "x509 -in good.pem -noout -ext crlDistributionPoints").await;
        let named = format!("URI:http://pki.example/{}", server.service.issuer().key_id());
        assert!(said.contains(&named), "{said}");
    }
}

async fn openssl_verifies_after_a_change_of_issuer() {
    let mut world = World::new();
    let server = world.start().await;
    let old = Device::named("old").enroll(&world, &server).await;
    server.stop().await;
    let previous = CrlIssuer::from_pem(world.authority.certificate_pem(), world.authority.key_pem()).unwrap();
    let previous_id = previous.key_id();
    fs::write(world.path("old-ca.pem"), world.authority.certificate_pem()).unwrap();
    world.authority = NewIssuer::builder("Device CA 2").create(world.clock.now()).unwrap();
    fs::write(world.path("new-ca.pem"), world.authority.certificate_pem()).unwrap();
    let server = world.start_with(|est| est.crl_issuer(previous)).await;
    let new = Device::named("new").enroll(&world, &server).await;
    for (name, certificate) in [("old", &old), ("new", &new)] {
        fs::write(world.path(&format!("{name}.pem")), pem(certificate, "CERTIFICATE")).unwrap();
        revoke(&server, ORG, certificate).await;
    }
    let client = Client::new(&world, server.address);
    keep(&world, &client.get(&format!("/crl/{previous_id}")).await, "old-crl.pem");
    keep(&world, &client.get("/crl").await, "new-crl.pem");
    for name in ["old", "new"] {
        let line = format!("verify -crl_check -CAfile {name}-ca.pem -CRLfile {name}-crl.pem {name}.pem");
        assert_revoked(openssl(&world, &line).await);
    }
}
