//! A person decides: 202, then the certificate or the refusal.

use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backends, Context};

use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [a_person_approves_and_denies])
}

async fn a_person_approves_and_denies(cx: Context) {
    let mut site = Site::new(&cx).await;
    site.set("RENEWAL_PROFILE__RENEWAL", "manual");
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "first");

    let id = waits(&site, &server, "device");
    assert_eq!(waits(&site, &server, "device"), id, "a repeated request is the same one");
    let approved = site.ask(&server, &["requests", "approve", &id]).done().out;
    assert!(approved.starts_with("Approved: gateway-1 gets certificate "), "{approved}");
    site.keep(&site.renew(&server, "device", ("first", "device")), "second");
    let serial = site.x509("second", "serial").trim_start_matches("serial=").to_lowercase();
    assert!(approved.to_lowercase().contains(&serial), "{approved} {serial}");
    assert!(!site.ask(&server, &["requests", "list"]).done().out.contains(&id));

    site.request("other", "gateway-1");
    let id = waits(&site, &server, "other");
    site.ask(&server, &["requests", "deny", &id, "--note", "it was stolen"]).done();
    let said = site.ask(&server, &["requests", "approve", &id]).failed();
    assert!(said.contains("not_found, request "), "{said}");
    // Denied is what was asked before; who asks again asks anew.
    waits(&site, &server, "other");

    server.stop();
    let ledger = Ledger::of(&site).await;
    let story =
        ["renewal_start", "renewal_success", "renewal_start", "renewal_failed: denied", "renewal_start"];
    assert_eq!(ledger.story(ORG).await, story);
    let events = ledger.events(ORG).await;
    let message = events[3].error_message().unwrap();
    assert!(message.contains("it was stolen"), "{message}");
}

/// Asks for a renewal, which waits and is listed; the id of the request.
fn waits(site: &Site, server: &Serving, file: &str) -> String {
    let answer = site.renew(server, file, ("first", "device"));
    answer.refused(202, "pending");
    assert_eq!(answer.header("retry-after"), Some("60"));
    let (_, id) = answer.body.split_once("(request ").unwrap();
    let id = id.trim_end().trim_end_matches(").");
    let listed = site.ask(server, &["requests", "list"]).done().out;
    let row = listed.lines().find(|line| line.contains(id)).unwrap();
    assert!(row.contains("gateway-1") && row.contains("renewal"), "{listed}");
    id.to_owned()
}
