//! Two organisations on one server: a device and a token of one are nothing in the other.

use std::sync::Arc;

use libtest_mimic::Trial;
use renewal_domain::OrgId;
use tests::{Backends, Context};
use uuid::Uuid;

use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;

/// The organisation with the label `east`.
const EAST: &str = "00000000-0000-0000-0000-00000000ea57";

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [an_organisation_knows_no_device_and_no_token_of_another])
}

async fn an_organisation_knows_no_device_and_no_token_of_another(cx: Context) {
    let site = Site::new(&cx).await;
    site.configure("[organisations.labels]\n", &format!("[organisations.labels]\neast = \"{EAST}\"\n"));
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    let operator = site.run(&["api-tokens", "bootstrap", "--org", EAST]).done().out;
    let of_east = |arguments: &[&str]| site.ask_as(operator.trim(), &server, arguments).done().out;
    let token = of_east(&["enrollment-tokens", "create", "gateway-1"]);
    let basic = format!("--user device:{}", token.trim());
    site.post(&server, "simpleenroll", "device", &basic).refused(401, "credentials_wrong");
    site.post(&server, "west/simpleenroll", "device", &basic).refused(404, "unknown_label");
    site.keep(&site.post(&server, "east/simpleenroll", "device", &basic), "first");
    let east = of_east(&["enrollment-tokens", "list"]);
    assert!(east.contains("gateway-1") && east.contains("used"), "{east}");
    let default = site.ask(&server, &["enrollment-tokens", "list"]).done().out;
    assert!(!default.contains("gateway-1"), "{default}");

    site.renew(&server, "device", ("first", "device")).refused(403, "certificate_not_recorded");
    let presented = "--cert first.pem --key device.key";
    site.keep(&site.post(&server, "east/simplereenroll", "device", presented), "second");
    site.keep_all(&site.curl(&server, "east/cacerts", ""), "ca");

    server.stop();
    let ledger = Ledger::of(&site).await;
    let refused = ["renewal_start", "renewal_failed: certificate_not_recorded"];
    assert_eq!(ledger.story(ORG).await, refused);
    let east = OrgId::new(Uuid::parse_str(EAST).unwrap());
    assert_eq!(ledger.story(east).await, ["renewal_start", "renewal_success"]);
}
