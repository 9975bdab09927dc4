//! Requests that are refused: exit status 2, the reason on standard error, nothing issued; nothing
//! recorded for an unauthenticated requester, the failure recorded for a device.

use std::sync::Arc;

use csr_service::Reason;
use libtest_mimic::Trial;
use tests::{Backends, Context};

use crate::desk::Desk;
use crate::workshop::{P256, P521, RSA_1024, RSA_2048, SECP256K1};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_bad_request_is_refused_whoever_sends_it,
            an_impostor_is_refused,
            an_unauthenticated_requester_leaves_no_trace,
            an_organisation_sees_nothing_of_another,
        ]
    )
}

/// Puts a request into the file `bad.csr`.
type Make = fn(&Desk);

/// Bad requests, and why they are refused.
const BAD: [(Reason, Make); 10] = [
    (Reason::KeyTooWeak, |desk| with_key(desk, RSA_1024, "")),
    (Reason::KeyTypeNotAllowed, |desk| with_key(desk, SECP256K1, "")),
    (Reason::KeyTypeNotAllowed, |desk| with_key(desk, P521, "")),
    (Reason::SignatureAlgorithmNotAllowed, |desk| with_key(desk, RSA_2048, "-sha1")),
    (Reason::CaRequested, |desk| desk.request("bad", "-addext basicConstraints=critical,CA:TRUE")),
    (Reason::SubjectWithSeveralCns, |desk| desk.request("bad", "-subj /CN=gateway-1/CN=gateway-2")),
    (Reason::SubjectWithoutCn, |desk| desk.request("bad", "-subj /O=Works")),
    (Reason::SignatureInvalid, |desk| {
        edited(desk, |der| {
            let place = der.len() - 16;
            der[place] ^= 1;
        });
    }),
    (Reason::CsrMalformed, |desk| edited(desk, |der| der.push(0))),
    (Reason::CsrTooLarge, |desk| desk.workshop.write("bad.csr", vec![0; 1024 * 1024])),
];

fn with_key(desk: &Desk, kind: &'static str, options: &str) {
    desk.workshop.key("other.key", kind);
    desk.workshop.openssl(&format!("req -new -key other.key -out bad.csr {options}"));
}

fn edited(desk: &Desk, edit: impl FnOnce(&mut Vec<u8>)) {
    desk.request("bad", "-outform DER");
    let mut der = desk.workshop.read("bad.csr");
    edit(&mut der);
    desk.workshop.write("bad.csr", der);
}

async fn a_bad_request_is_refused_whoever_sends_it(cx: Context) {
    let desk = Desk::new(&cx).await;
    for (reason, make) in BAD {
        make(&desk);
        desk.run("sign --csr bad.csr --out out.pem").refused(reason);
        assert!(!desk.workshop.path("out.pem").exists(), "{reason}");
    }
    assert!(desk.story().is_empty(), "an enrollment proves no identity");

    desk.certificate(-1, 90);
    let mut story = Vec::new();
    for (reason, make) in BAD {
        make(&desk);
        desk.run("sign --csr bad.csr --current current.pem --out out.pem").refused(reason);
        assert!(!desk.workshop.path("out.pem").exists(), "{reason}");
        story.extend(["renewal_start".to_owned(), format!("renewal_failed: {reason}")]);
        assert_eq!(desk.story(), story);
    }
    for event in desk.events("--type renewal_failed") {
        let reason = Reason::from_code(event["reason"].as_str().unwrap()).unwrap();
        let sentence = reason.sentence().trim_end_matches('.');
        assert!(event["error_message"].as_str().unwrap().starts_with(sentence), "{event}");
        assert_eq!(event["new_cert_expiration"], serde_json::Value::Null);
    }
}

async fn an_impostor_is_refused(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.certificate(-1, 90);
    desk.request("theirs", "-subj /CN=gateway-2");
    let current = "--current current.pem --out out.pem";
    desk.run(&format!("sign --csr theirs.csr {current}")).refused(Reason::SubjectMismatch);
    desk.request("server", "-addext subjectAltName=DNS:bank.example");
    desk.run(&format!("sign --csr server.csr {current}")).refused(Reason::SanMismatch);
    assert!(!desk.workshop.path("out.pem").exists());
    let story = [
        "renewal_start",
        "renewal_failed: subject_mismatch",
        "renewal_start",
        "renewal_failed: san_mismatch",
    ];
    assert_eq!(desk.story(), story);
    assert_eq!(desk.events("--device gateway-1").len(), 4, "it is the history of who asked");
    assert!(desk.events("--device gateway-2").is_empty());
}

async fn an_unauthenticated_requester_leaves_no_trace(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.workshop.key("forged.key", P256);
    desk.workshop.authority("forged", "/O=Works/CN=Test CA");
    desk.workshop.openssl("x509 -req -in a.csr -CA forged.pem -CAkey forged.key -out forged-device.pem");
    let said = desk.workshop.fails("verify -CAfile ca.pem forged-device.pem");
    assert!(said.contains("forged-device.pem: verification failed"), "{said}");
    let refused = |current: &str, reason| {
        desk.run(&format!("sign --csr a.csr --current {current} --out out.pem")).refused(reason);
    };
    refused("forged-device.pem", Reason::CertificateNotFromDeviceIssuer);
    refused("ca.pem", Reason::CertificateNotADeviceCertificate);
    refused("a.csr", Reason::CertificateMalformed);
    desk.certificate(1, 90);
    refused("current.pem", Reason::CertificateNotYetValid);
    assert!(!desk.workshop.path("out.pem").exists());
    assert!(desk.story().is_empty());
}

async fn an_organisation_sees_nothing_of_another(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.run("sign --csr a.csr --out first.pem").done();
    desk.run("sign --csr a.csr --current first.pem").done();
    assert_eq!(desk.story().len(), 2);
    let other = "--org 00000000-0000-0000-0000-000000000001";
    assert!(desk.events(other).is_empty());
    assert!(desk.events(&format!("{other} --device gateway-1")).is_empty());
    let revoked = desk.run(&format!("revoke {} {other}", desk.serial("first.pem"))).failed();
    assert!(revoked.contains("was issued here"), "{revoked}");
}
