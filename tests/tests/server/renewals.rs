//! The walk-through of `docs/est.md`, from an empty directory to the history of the device.

use std::sync::Arc;

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::{Clock, RequestKind, SystemClock};
use tests::{Backends, Context};

use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [a_device_enrolls_renews_and_recovers, a_repeated_request_gets_the_same_certificate]
    )
}

async fn a_device_enrolls_renews_and_recovers(cx: Context) {
    let site = Site::new(&cx).await;
    site.run(&["migrate"]).done();
    let server = Serving::start_with(&site, &["serve"]);
    let token = site.token(&server, "gateway-1");

    site.keep_all(&site.curl(&server, "cacerts", ""), "ca");
    assert_eq!(site.x509("ca", "fingerprint"), site.x509("site/ca", "fingerprint"));

    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &token), "first");
    site.request_with("device", "again", "gateway-1");
    site.enroll(&server, "again", &token).refused(401, "enrollment_token_used");
    site.enroll(&server, "again", "rle_guessed").refused(401, "credentials_wrong");
    site.post(&server, "simplereenroll", "again", "").refused(403, "client_certificate_missing");

    site.keep(&site.renew(&server, "device", ("first", "device")), "second");
    assert_ne!(site.x509("second", "serial"), site.x509("first", "serial"));
    assert_eq!(site.x509("second", "pubkey"), site.x509("first", "pubkey"));

    site.request("other", "gateway-1");
    site.keep(&site.renew(&server, "other", ("second", "device")), "third");
    assert_ne!(site.x509("third", "pubkey"), site.x509("second", "pubkey"));

    site.request_with("other", "impostor", "gateway-2");
    let refused = site.renew(&server, "impostor", ("third", "other"));
    refused.refused(403, "subject_mismatch");
    assert!(refused.body.contains("requested CN=gateway-2, presented CN=gateway-1"), "{refused:?}");

    // The authority itself never signed anything that is not recorded.
    expired(&site, "site", "unrecorded", -3);
    site.renew(&server, "other", ("unrecorded", "other")).refused(403, "certificate_not_recorded");
    let mut log = server.stop();

    // The same of an authority of another system, which a fleet arrives with.
    site.run(&["init", "former", "--ca-name", "Former CA"]).done();
    let trusted = "[[issuer.trusted]]\ncertificate = \"../former/ca.pem\"\norganisation = \"any\"\n";
    site.configure("\n[est]", &format!("\n{trusted}\n[est]"));
    // The device has a certificate of ours by now, which takes the place of older ones.
    site.configure("superseded = \"refuse\"", "superseded = \"allow\"");
    let shown = site.run(&["ca", "show"]).done().out;
    assert!(shown.contains("trusted: CN=Former CA\n") && shown.contains("  organisation   any\n"), "{shown}");
    let server = Serving::start_with(&site, &["serve"]);
    expired(&site, "former", "expired", -3);
    site.keep(&site.renew(&server, "other", ("expired", "other")), "recovered");
    expired(&site, "former", "forgotten", -300);
    site.renew(&server, "other", ("forgotten", "other")).refused(403, "expired_too_long");

    log += &server.stop();
    assert!(!log.contains(&token) && !log.contains("ERROR"), "{log}");
    let ledger = Ledger::of(&site).await;
    let story = [
        "renewal_start",
        "renewal_success",
        "renewal_start",
        "renewal_success",
        "renewal_start",
        "renewal_failed: subject_mismatch",
        "recovery_start",
        "recovery_failed: certificate_not_recorded",
        "recovery_start",
        "recovery_success",
        "recovery_start",
        "recovery_failed: expired_too_long",
    ];
    assert_eq!(ledger.story(ORG).await, story);
    ledger.assert_sound(["gateway-1"].into_iter()).await;
    let mut kinds: Vec<_> = ledger.certificates("gateway-1").await.iter().map(|c| c.kind).collect();
    kinds.sort_by_key(ToString::to_string);
    let (enrollment, renewal) = (RequestKind::Enrollment, RequestKind::Renewal);
    assert_eq!(kinds, [enrollment, RequestKind::Recovery, renewal, renewal]);
}

async fn a_repeated_request_gets_the_same_certificate(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "first");
    let renewed = site.renew(&server, "device", ("first", "device"));
    let repeated = site.renew(&server, "device", ("first", "device"));
    site.keep(&renewed, "second");
    assert_eq!(renewed.body, repeated.body);
    server.stop();
    let ledger = Ledger::of(&site).await;
    assert_eq!(ledger.story(ORG).await, ["renewal_start", "renewal_success"]);
}

/// Puts a certificate for the request `other.csr` into a file, signed by OpenSSL with the key of the
/// authority in a directory. It expired so many days from now.
fn expired(site: &Site, authority: &str, file: &str, until: i64) {
    let workshop = &site.workshop;
    for name in ["ca.pem", "ca.key"] {
        workshop.write(name, workshop.read(&format!("{authority}/{name}")));
    }
    let day = |days| (SystemClock.now() + TimeDelta::days(days)).format("%Y%m%d%H%M%SZ").to_string();
    workshop.openssl("req -inform DER -in other.csr -out other.pem.csr");
    workshop.write(&format!("{file}.pem"), workshop.dated("other.pem.csr", &day(until - 90), &day(until)));
}
