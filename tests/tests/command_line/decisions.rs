//! What a person decides: approve, deny, revoke.

use std::sync::Arc;

use csr_service::Reason;
use libtest_mimic::Trial;
use tests::{Backends, Context};

use crate::desk::Desk;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            an_approved_request_gets_its_certificate_when_it_is_repeated,
            a_denied_request_fails_and_can_be_made_again,
            an_enrollment_can_wait_too,
            a_decision_about_nothing_is_a_failure,
            a_revoked_certificate_is_not_renewed,
        ]
    )
}

async fn an_approved_request_gets_its_certificate_when_it_is_repeated(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.certificate(-60, -1);
    desk.request("a", "");
    let line = "sign --csr a.csr --current current.pem --out a.pem --manual";
    let id = desk.run(line).pending();
    assert_eq!(desk.run(line).pending(), id, "it still waits, and is the same");
    assert_eq!(desk.story(), ["recovery_start"]);
    assert!(!desk.workshop.path("a.pem").exists());

    let approved = desk.run(&format!("approve {id}")).done();
    assert!(approved.out.starts_with("Approved: gateway-1 has a certificate until "), "{}", approved.out);
    assert_eq!(desk.story(), ["recovery_start", "recovery_success"]);
    let got = desk.run(line).done();
    assert!(got.err.contains("as answered before"), "{}", got.err);
    desk.assert_verifies("a.pem");
    assert!(approved.out.contains(&desk.serial("a.pem").to_lowercase()), "{}", approved.out);
    assert_eq!(desk.story(), ["recovery_start", "recovery_success"]);
    let again = desk.run(&format!("approve {id}")).failed();
    assert!(again.contains("decided already"), "{again}");
}

async fn a_denied_request_fails_and_can_be_made_again(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.certificate(-1, 90);
    desk.request("a", "");
    let line = "sign --csr a.csr --current current.pem --out a.pem --manual";
    let first = desk.run(line).pending();
    assert_eq!(desk.run(&format!("deny {first} --note stolen")).done().out, "Denied.\n");
    assert!(!desk.workshop.path("a.pem").exists());
    let second = desk.run(line).pending();
    assert_ne!(first, second);
    desk.run(&format!("deny {second}")).done();
    let failed = ["renewal_start", "renewal_failed: denied"];
    assert_eq!(desk.story(), [failed, failed].concat());
    let messages: Vec<_> =
        desk.events("--type renewal_failed").iter().map(|event| event["error_message"].clone()).collect();
    assert_eq!(messages, [Reason::Denied.sentence(), "stolen"]);
    let late = desk.run(&format!("approve {first}")).failed();
    assert!(late.contains("decided already"), "{late}");
}

async fn an_enrollment_can_wait_too(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let id = desk.run("sign --csr a.csr --out a.pem --manual").pending();
    desk.run(&format!("approve {id}")).done();
    desk.run("sign --csr a.csr --out a.pem --manual").done();
    desk.assert_verifies("a.pem");
    assert!(desk.story().is_empty(), "an enrollment is no event");
}

async fn a_decision_about_nothing_is_a_failure(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.run("sign --csr a.csr --out a.pem").done();
    let nobody = "018bcfe5-687b-7000-8000-000000000002";
    for command in ["approve", "deny"] {
        let sentence = desk.run(&format!("{command} {nobody}")).failed();
        assert!(sentence.contains(nobody) && sentence.contains("no open request"), "{sentence}");
        let malformed = desk.run(&format!("{command} something"));
        assert_eq!(malformed.status, Some(1), "2 is for refusals");
        assert!(malformed.err.contains("not a UUID"), "{}", malformed.err);
    }
    let unknown = desk.run("revoke 0102").failed();
    assert!(unknown.contains("no certificate with serial number 0102"), "{unknown}");
    assert_eq!(desk.run("revoke elephant").status, Some(1));
    assert_eq!(desk.run(&format!("revoke {} --reason boredom", desk.serial("a.pem"))).status, Some(1));
}

async fn a_revoked_certificate_is_not_renewed(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.run("sign --csr a.csr --out a.pem").done();
    let revoke = format!("revoke {} --reason key_compromise", desk.serial("a.pem"));
    let revoked = desk.run(&revoke).done().out;
    let (first, rest) = revoked.split_once('\n').unwrap();
    assert!(first.contains("of gateway-1 was revoked on ") && first.contains("(key_compromise)"), "{first}");
    assert_eq!(rest, "No certificate is issued for its key any more.\n");
    let again = desk.run(&revoke.replace("key_compromise", "superseded")).done().out;
    assert_eq!(again.trim_end(), first, "the first stands");
    desk.run("sign --csr a.csr --current a.pem --out b.pem").refused(Reason::CertificateRevoked);
    desk.run("sign --csr a.csr --out b.pem").refused(Reason::KeyCompromised);
    assert!(!desk.workshop.path("b.pem").exists());
    assert_eq!(desk.story(), ["renewal_start", "renewal_failed: certificate_revoked"]);
}
