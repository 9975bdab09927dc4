//! `renewal sign`: requests on files, signed without a server and recorded all the same.

use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [what_is_signed_offline_is_recorded_and_renews_online]);
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [a_file_is_replaced_only_when_that_is_said, what_is_refused_or_waits_has_its_exit_status]
    ));
    trials
}

async fn what_is_signed_offline_is_recorded_and_renews_online(cx: Context) {
    let site = Site::new(&cx).await;
    site.run(&["migrate"]).done();
    site.request("device", "gateway-1");
    let first = site.run(&["sign", "--csr", "device.csr", "--out", "first.pem"]).done();
    assert_eq!(first.out, "");
    assert!(first.err.starts_with("enrollment of gateway-1: valid until "), "{}", first.err);
    let renewal = ["sign", "--csr", "device.csr", "--current", "first.pem", "--days", "7"];
    let second = site.run(&renewal).done();
    assert!(second.err.starts_with("renewal of gateway-1: "), "{}", second.err);
    site.workshop.write("second.pem", &second.out);
    let repeated = site.run(&renewal).done();
    assert!(repeated.out == second.out && repeated.err.contains("as answered before"), "{}", repeated.err);
    site.workshop.openssl("verify -CAfile site/ca.pem first.pem second.pem");
    let server = Serving::start(&site);
    site.keep(&site.renew(&server, "device", ("second", "device")), "third");
    server.stop();
    let ledger = Ledger::of(&site).await;
    let renewed = ["renewal_start", "renewal_success"];
    assert_eq!(ledger.story(ORG).await, renewed.repeat(2));
    ledger.assert_sound(["gateway-1"].into_iter()).await;
    assert_eq!(ledger.certificates("gateway-1").await.len(), 3);
}

async fn a_file_is_replaced_only_when_that_is_said(cx: Context) {
    let site = Site::new(&cx).await;
    site.request("device", "gateway-1");
    site.workshop.write("out.pem", "precious");
    let arguments = ["sign", "--csr", "device.csr", "--out", "out.pem"];
    let said = site.run(&arguments).failed();
    assert_eq!(said, "out.pem exists already; use --force to replace it");
    assert_eq!(site.workshop.read("out.pem"), b"precious");
    assert!(Ledger::of(&site).await.certificates("gateway-1").await.is_empty());
    site.run(&[&arguments[..], &["--force"]].concat()).done();
    site.workshop.openssl("verify -CAfile site/ca.pem out.pem");
    let said = site.run(&["sign", "--csr", "nowhere.csr"]).failed();
    assert!(said.starts_with("cannot read nowhere.csr"), "{said}");
}

async fn what_is_refused_or_waits_has_its_exit_status(cx: Context) {
    let mut site = Site::new(&cx).await;
    site.request("device", "gateway-1");
    site.request("other", "gateway-2");
    site.run(&["sign", "--csr", "device.csr", "--out", "first.pem"]).done();
    let impostor = ["sign", "--csr", "other.csr", "--current", "first.pem", "--out", "never.pem"];
    let said = site.run(&impostor).ended(2);
    assert!(said.contains("refused: ") && said.contains("requested CN=gateway-2"), "{said}");
    assert!(!site.workshop.path("never.pem").exists());
    site.set("RENEWAL_PROFILE__RENEWAL", "manual");
    let renewal = ["sign", "--csr", "device.csr", "--current", "first.pem"];
    let said = site.run(&renewal).ended(3);
    let (_, id) = said.split_once("renewal requests approve ").unwrap();
    let server = Serving::start(&site);
    site.ask(&server, &["requests", "approve", id.lines().next().unwrap()]).done();
    server.stop();
    assert!(site.run(&renewal).done().out.contains("BEGIN CERTIFICATE"));
    let story = ["renewal_start", "renewal_failed: subject_mismatch", "renewal_start", "renewal_success"];
    assert_eq!(Ledger::of(&site).await.story(ORG).await, story);
}
