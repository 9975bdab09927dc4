//! Requests that are good: enrolled, renewed, rekeyed, recovered, and asked for again.

use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::desk::Desk;
use crate::workshop::{P256, RSA_2048};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            a_device_enrolls_renews_rekeys_and_recovers,
            an_expired_device_recovers_within_the_grace_period_and_not_after_it,
            the_same_request_gets_the_same_certificate,
            two_at_once_get_one_certificate,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            every_key_that_is_allowed_is_signed,
            pem_and_der_are_read_and_pem_is_printed,
            a_lifetime_can_be_shortened_and_not_lengthened,
            an_authority_is_made_where_there_is_none,
        ]
    ));
    trials
}

async fn a_device_enrolls_renews_rekeys_and_recovers(cx: Context) {
    let desk = Desk::new(&cx).await;
    let names = "-subj /O=Works/CN=gateway-1 -addext subjectAltName=DNS:gw-1.example";
    desk.request("same", names);
    let enrolled = desk.run("sign --csr same.csr --any-name --out first.pem").done();
    assert_eq!(enrolled.out, "");
    assert!(enrolled.err.starts_with("enrollment of gateway-1: valid until "), "{}", enrolled.err);
    assert!(enrolled.err.contains(&desk.serial("first.pem").to_lowercase()), "{}", enrolled.err);
    assert!(desk.story().is_empty(), "an enrollment is no event");

    let renewed = desk.run("sign --csr same.csr --current first.pem --out second.pem").done();
    assert!(renewed.err.starts_with("renewal of gateway-1: "), "{}", renewed.err);
    desk.workshop.key("other.key", RSA_2048);
    desk.workshop.openssl(&format!("req -new -key other.key -out other.csr {names}"));
    desk.run("sign --csr other.csr --current second.pem --out third.pem").done();
    for file in ["first.pem", "second.pem", "third.pem"] {
        desk.assert_verifies(file);
    }
    assert_ne!(desk.serial("first.pem"), desk.serial("second.pem"));

    let renewal = ["renewal_start", "renewal_success"];
    assert_eq!(desk.story(), [renewal, renewal].concat());

    let desk = Desk::new(&cx).await;
    desk.certificate(-90, -29);
    desk.request("late", "");
    let recovered = desk.run("sign --csr late.csr --current current.pem --out fourth.pem").done();
    assert!(recovered.err.starts_with("recovery of gateway-1: "), "{}", recovered.err);
    desk.assert_verifies("fourth.pem");
    assert_eq!(desk.story(), ["recovery_start", "recovery_success"]);
}

async fn an_expired_device_recovers_within_the_grace_period_and_not_after_it(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("late", "");
    desk.certificate(-90, -31);
    desk.run("sign --csr late.csr --current current.pem").refused(csr_service::Reason::ExpiredTooLong);
    desk.certificate(-90, -29);
    desk.run("sign --csr late.csr --current current.pem").done();
    let failed = ["recovery_start", "recovery_failed: expired_too_long"];
    assert_eq!(desk.story(), [failed, ["recovery_start", "recovery_success"]].concat());
}

async fn the_same_request_gets_the_same_certificate(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let first = desk.run("sign --csr a.csr").done();
    let again = desk.run("sign --csr a.csr").done();
    assert_eq!(first.out, again.out);
    assert!(!first.err.contains("as answered before") && again.err.contains("as answered before"));
    desk.workshop.write("first.pem", &first.out);
    let renewed = desk.run("sign --csr a.csr --current first.pem").done();
    assert_ne!(renewed.out, first.out);
    assert_eq!(desk.run("sign --csr a.csr --current first.pem").done().out, renewed.out);
    assert_eq!(desk.story(), ["renewal_start", "renewal_success"], "nothing new was written");
}

async fn two_at_once_get_one_certificate(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.certificate(-1, 90);
    desk.request("a", "");
    let start = || {
        let mut command = desk.command("sign --csr a.csr --current current.pem");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    let ended: Vec<_> = running.into_iter().map(|process| process.wait_with_output().unwrap()).collect();
    let last = desk.run("sign --csr a.csr --current current.pem").done();
    for output in ended {
        let run = crate::desk::Run::of(output);
        // One that came while another was signing is told to ask again.
        if run.status == Some(0) {
            assert_eq!(run.out, last.out);
        } else {
            let sentence = run.failed();
            assert!(sentence.contains("is being signed by another process"), "{sentence}");
        }
    }
    assert_eq!(desk.story(), ["renewal_start", "renewal_success"]);
}

async fn every_key_that_is_allowed_is_signed(cx: Context) {
    let desk = Desk::new(&cx).await;
    for kind in [
        P256,
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "ED25519",
        RSA_2048,
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "RSA -pkeyopt rsa_keygen_bits:4096",
    ] {
        desk.workshop.key("other.key", kind);
        desk.workshop.openssl("req -new -key other.key -out a.csr");
        desk.run("sign --csr a.csr --out a.pem --force").done();
        desk.assert_verifies("a.pem");
    }
}

async fn pem_and_der_are_read_and_pem_is_printed(cx: Context) {
    let desk = Desk::new(&cx).await;
    for form in ["PEM", "DER"] {
        desk.request("a", &format!("-outform {form}"));
        let printed = desk.run("sign --csr a.csr").done().out;
        assert!(printed.starts_with("-----BEGIN CERTIFICATE-----\n"), "{printed}");
        assert!(printed.ends_with("-----END CERTIFICATE-----\n"), "{printed}");
        desk.workshop.write("printed.pem", &printed);
        desk.assert_verifies("printed.pem");

        desk.workshop.openssl(&format!("x509 -in printed.pem -outform {form} -out current"));
        desk.request("b", &format!("-outform {form}"));
        desk.run("sign --csr b.csr --current current --out renewed.pem --force").done();
        desk.assert_verifies("renewed.pem");
    }
}

async fn a_lifetime_can_be_shortened_and_not_lengthened(cx: Context) {
    let desk = Desk::new(&cx).await;
    for (days, lasting) in [(1, 1), (30, 30), (365, 365), (10_000, 365)] {
        desk.request_of_another("a", &format!("-subj /CN=gateway-{days}"));
        desk.run(&format!("sign --csr a.csr --out a.pem --force --days {days}")).done();
        let second_before = lasting * 24 * 60 * 60 - 60;
        desk.workshop.openssl(&format!("x509 -in a.pem -noout -checkend {second_before}"));
        let said =
            desk.workshop.fails(&format!("x509 -in a.pem -noout -checkend {}", lasting * 24 * 60 * 60));
        assert_eq!(said, "", "it says so on standard output");
    }
}

async fn an_authority_is_made_where_there_is_none(cx: Context) {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::empty(&cx).await;
    desk.request("a", "");
    desk.run("sign --csr a.csr --out a.pem").done();
    desk.assert_verifies("a.pem");
    let mode = |name| std::fs::metadata(desk.workshop.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca.key"), mode("ca.pem"), mode("a.pem")), (0o600, 0o644, 0o644));
}
