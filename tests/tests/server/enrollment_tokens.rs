//! `enrollment-tokens`: made, listed, revoked, and what each is good for.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tests::{Backends, Context};
use tokio::time::sleep;

use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [a_token_is_good_for_its_device_until_it_is_used_revoked_or_expired])
}

async fn a_token_is_good_for_its_device_until_it_is_used_revoked_or_expired(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    for name in ["used", "stolen", "usable"] {
        site.request(name, name);
    }
    let (used, stolen, usable) =
        (site.token(&server, "used"), site.token(&server, "stolen"), site.token(&server, "usable"));
    let short = site.ask(&server, &["enrollment-tokens", "create", "late", "--expires-in", "1s"]).done();
    assert!(short.err.contains("shown this once"), "{}", short.err);

    site.keep(&site.enroll(&server, "used", &used), "used");
    site.request("late", "late");
    sleep(Duration::from_millis(1_100)).await;
    site.enroll(&server, "late", short.out.trim()).refused(401, "enrollment_token_expired");
    site.enroll(&server, "stolen", &usable).refused(403, "enrollment_name_mismatch");

    let id = listed(&site, &server, "stolen", "usable");
    let said = site.ask(&server, &["enrollment-tokens", "revoke", &id]).done().out;
    assert_eq!(said, format!("Token {id} of stolen is revoked.\n"));
    site.enroll(&server, "stolen", &stolen).refused(401, "enrollment_token_revoked");
    let id = listed(&site, &server, "used", "used");
    let said = site.ask(&server, &["enrollment-tokens", "revoke", &id]).done().out;
    assert_eq!(said, format!("Token {id} of used is used.\n"));
    listed(&site, &server, "stolen", "revoked");
    listed(&site, &server, "late", "expired");
    listed(&site, &server, "usable", "usable");
    let everything = site.ask(&server, &["enrollment-tokens", "list"]).done().out;
    assert!([used, stolen, usable].iter().all(|secret| !everything.contains(secret)), "{everything}");

    let unknown = "019ab1f6-5c04-7000-8000-00000000000c";
    let said = site.ask(&server, &["enrollment-tokens", "revoke", unknown]).failed();
    assert!(said.contains("not_found, request "), "{said}");
    server.stop();
}

/// The id of the token of a device, which is listed in this state.
fn listed(site: &Site, server: &Serving, device: &str, state: &str) -> String {
    let list = site.ask(server, &["enrollment-tokens", "list"]).done().out;
    let rows = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row.get(1) == Some(&device)).unwrap();
    assert_eq!(row.last(), Some(&state), "{list}");
    row[0].to_owned()
}
