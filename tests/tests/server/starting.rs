//! What keeps the server from starting, beside its configuration.

use std::net::TcpListener;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;
use tests::{Backend, Backends, Context};

use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_port_in_use_is_named,
            an_unreachable_database_is_named_without_its_password,
            a_log_in_json_is_json_in_every_line,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [a_database_without_tables_is_to_be_migrated_first, a_refused_password_is_not_shown]
    ));
    trials
}

async fn a_port_in_use_is_named(cx: Context) {
    let mut site = Site::new(&cx).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    site.set("RENEWAL_EST__LISTEN", &address);
    let said = site.run(&["serve"]).failed();
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("in use"), "{said}");
}

async fn an_unreachable_database_is_named_without_its_password(cx: Context) {
    let mut site = Site::new(&cx).await;
    for scheme in ["postgres", "mysql"] {
        site.set("RENEWAL_STORE__URL", &format!("{scheme}://ledger:hunter2@127.0.0.1:1/ledger"));
        let said = site.run(&["serve"]).failed();
        assert!(said.contains("cannot be reached") && !said.contains("hunter2"), "{said}");
        assert_eq!(site.run(&["api-tokens", "bootstrap"]).failed(), said);
    }
    site.set("RENEWAL_STORE__URL", "oracle://ledger:hunter2@127.0.0.1:1/ledger");
    let said = site.run(&["serve"]).failed();
    assert!(said.contains("postgres:") && !said.contains("hunter2"), "{said}");
}

async fn a_log_in_json_is_json_in_every_line(cx: Context) {
    let mut site = Site::new(&cx).await;
    site.set("RENEWAL_LOGGING__FORMAT", "json");
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "first");
    let lines = server.stop();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |text| lines.iter().any(|line| line["fields"]["message"] == text);
    assert!(said("devices are served over EST") && said("issued a certificate") && said("stopped"));
}

async fn a_database_without_tables_is_to_be_migrated_first(cx: Context) {
    let site = Site::new(&cx).await;
    for command in [&["serve"][..], &["config", "check"], &["api-tokens", "bootstrap"]] {
        let said = site.run(command).failed();
        assert!(said.ends_with("has no tables yet: create them with `renewal migrate`"), "{said}");
    }
    site.run(&["migrate"]).done();
    Serving::start_with(&site, &["serve"]).stop();
}

async fn a_refused_password_is_not_shown(cx: Context) {
    let mut site = Site::new(&cx).await;
    let url = site.store_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (account, place) = rest.split_once('@').unwrap();
    let user = account.split(':').next().unwrap();
    site.set("RENEWAL_STORE__URL", &format!("{scheme}://{user}:hunter2@{place}"));
    let said = site.run(&["serve"]).failed();
    assert!(said.contains("password") && !said.contains("hunter2"), "{said}");
}
