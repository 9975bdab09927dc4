//! What operators ask a running server, and what they may change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;
use tests::{Backend, Backends, Context};

use crate::ledger::{Ledger, ORG};
use crate::serving::Serving;
use crate::site::Site;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [an_operator_finds_out_what_happened, a_history_of_several_pages_is_exported_whole]
    );
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_viewer_reads_and_changes_nothing,
            a_wrong_token_and_a_server_that_is_down_are_explained,
            a_context_is_saved_for_its_owner_alone,
            a_configuration_leads_to_its_server,
            completions_and_manual_pages_are_made,
            what_is_not_understood_has_the_status_2,
        ]
    ));
    trials
}

async fn an_operator_finds_out_what_happened(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "first");
    site.keep(&site.renew(&server, "device", ("first", "device")), "second");
    site.request_with("device", "impostor", "gateway-2");
    site.renew(&server, "impostor", ("second", "device")).refused(403, "subject_mismatch");

    let said = |arguments: &[&str]| site.ask(&server, arguments).done().out;
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&said(&[arguments, &["-o", "json"]].concat())).unwrap()
    };
    let story = said(&["devices", "show", "gateway-1"]);
    for part in
        ["1 since the last success", "enrollment", "succeeded", "failed", "subject_mismatch", "To do: "]
    {
        assert!(story.contains(part), "{part}: {story}");
    }
    let device = json(&["devices", "show", "gateway-1"]);
    let outcomes: Vec<_> = device["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["created", "succeeded", "succeeded", "failed"]);

    let failures = json(&["events", "list", "--device", "gateway-1", "--type", "renewal_failed"]);
    assert_eq!(failures.as_array().unwrap().len(), 1);
    let event = failures[0]["id"].as_str().unwrap();
    assert!(said(&["events", "show", event]).contains("Reason     subject_mismatch"));
    let none = site.ask(&server, &["events", "list", "--reason", "denied"]).done();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "There are no such events.\n"));
    assert_eq!(json(&["attempts", "--older-than", "1m"]), Value::Array(Vec::new()));
    assert!(said(&["summary"]).contains("1 renewal_failed: subject_mismatch"));

    let serial = site.x509("second", "serial").trim_start_matches("serial=").to_lowercase();
    let of_device = said(&["certs", "list", "--device", "gateway-1", "-o", "csv"]);
    assert!(of_device.starts_with("serial,device_id,device_name,"), "{of_device}");
    assert_eq!(of_device.lines().count(), 3, "{of_device}");
    let pem = String::from_utf8(site.workshop.read("second.pem")).unwrap();
    assert!(pem.contains(said(&["certs", "show", &serial, "--pem"]).trim_end()));
    let revoked = said(&["certs", "revoke", &serial, "--reason", "key_compromise"]);
    let (certificate, rest) = revoked.split_once('\n').unwrap();
    assert_eq!(certificate, format!("Certificate {serial} of gateway-1 is revoked (key_compromise)."));
    assert!(rest.contains("Revoked with it, as they have its key:"), "{rest}");
    assert!(rest.contains("Its key is barred"), "{rest}");
    site.request_with("device", "again", "gateway-1");
    site.renew(&server, "again", ("second", "device")).refused(403, "certificate_revoked");
    assert_eq!(json(&["certs", "list", "--revoked"])[0]["serial"], serial);
    assert!(said(&["devices", "show", "gateway-1"]).contains("revoked: key_compromise"));
    server.stop();
}

async fn a_history_of_several_pages_is_exported_whole(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    let ledger = Ledger::of(&site).await;
    let events = history(1_200);
    renewal_domain::RenewalEventStore::create_many(&*ledger.store, ORG, &events).await.unwrap();

    let lines = site.ask(&server, &["history", "export"]).done();
    let ids: Vec<String> = lines
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = events.iter().rev().map(|event| event.id().to_string()).collect();
    assert_eq!(ids, expected);
    let said = site.ask(&server, &["history", "export", "history.csv"]).done().err;
    assert_eq!(said, "Wrote 1200 events to history.csv.\n");
    let csv = String::from_utf8(site.workshop.read("history.csv")).unwrap();
    assert_eq!(csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(), expected);
    let said = site.ask(&server, &["history", "export", "history.csv"]).failed();
    assert_eq!(said, "history.csv exists already and is not replaced");
    let some = site.ask(&server, &["events", "list", "-o", "csv", "--limit", "1001"]).done();
    assert_eq!(some.out.lines().count(), 1_002);
    assert!(some.err.contains("There are more"), "{}", some.err);
    server.stop();
}

async fn a_viewer_reads_and_changes_nothing(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    let made = site.ask(&server, &["api-tokens", "create", "a screen", "--role", "viewer"]).done();
    let viewer = made.out.trim_end();
    site.ask_as(viewer, &server, &["summary"]).done();
    let said = site.ask_as(viewer, &server, &["enrollment-tokens", "create", "gateway-1"]).failed();
    assert!(said.contains("role_required, request "), "{said}");

    for format in ["table", "json", "csv"] {
        let listed = site.ask(&server, &["api-tokens", "list", "-o", format]).done().out;
        assert!(listed.contains("a screen") && !listed.contains("rla_"), "{listed}");
    }
    let listed = site.ask(&server, &["api-tokens", "list", "-o", "json"]).done().out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id =
        listed.as_array().unwrap().iter().find(|token| token["name"] == "a screen").unwrap()["id"].clone();
    let said = site.ask(&server, &["api-tokens", "revoke", id.as_str().unwrap()]).done().out;
    assert!(said.ends_with("of a screen is revoked.\n"), "{said}");
    let said = site.ask_as(viewer, &server, &["summary"]).failed();
    assert!(said.contains("does not take the token"), "{said}");
    assert!(!server.stop().contains(viewer));
}

async fn a_wrong_token_and_a_server_that_is_down_are_explained(cx: Context) {
    let site = Site::new(&cx).await;
    let server = Serving::start(&site);
    let said = site.ask_as("rla_guessed", &server, &["summary"]).failed();
    assert!(said.contains("does not take the token") && said.contains("unauthenticated"), "{said}");
    assert!(!said.contains("rla_guessed"), "{said}");
    let url = server.api();
    server.stop();
    let said = site.run(&["summary", "--server", &url, "--token", "rla_x"]).failed();
    assert!(said.contains(&url) && said.contains("renewal serve"), "{said}");
    let said = site.run(&["summary", "--server", &url]).failed();
    assert!(said.contains("no token") && said.contains("--token-file"), "{said}");
}

async fn a_context_is_saved_for_its_owner_alone(cx: Context) {
    let mut site = Site::new(&cx).await;
    let server = Serving::start(&site);
    site.unset("RENEWAL_CONFIG");
    let url = server.api();
    let add = ["context", "add", "home", "--server", &url, "--token-file", "site/operator.token"];
    let said = site.run(&add).done().out;
    assert!(said.starts_with("home is the current context: administrator \"init\""), "{said}");
    let file = site.workshop.path("config/renewal/contexts.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = String::from_utf8(site.workshop.read("site/operator.token")).unwrap();
    for format in ["table", "json", "csv"] {
        let listed = site.run(&["context", "list", "-o", format]).done().out;
        assert!(listed.contains(&url) && !listed.contains(token.trim_end()), "{listed}");
    }
    site.run(&["summary", "--context", "home"]).done();
    let said = site.run(&["summary", "--context", "away"]).failed();
    assert!(said.contains("renewal context list"), "{said}");
    site.run(&["context", "remove", "home"]).done();
    assert!(!fs::read_to_string(&file).unwrap().contains(token.trim_end()));
    let wrong = ["context", "add", "home", "--server", &url, "--token-file", "site/ca.key"];
    let said = site.run(&wrong).failed();
    assert!(said.contains("has no token"), "{said}");
    server.stop();
}

async fn a_configuration_leads_to_its_server(cx: Context) {
    let mut site = Site::new(&cx).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    site.unset("RENEWAL_API__LISTEN");
    site.configure("127.0.0.1:8080", &free.to_string());
    let server = Serving::start(&site);
    site.run(&["enrollment-tokens", "create", "gateway-1", "--config", "site/renewal.toml"]).done();
    site.run(&["summary"]).done();
    server.stop();
}

async fn completions_and_manual_pages_are_made(cx: Context) {
    let site = Site::empty(&cx).await;
    for shell in ["bash", "zsh", "fish"] {
        assert!(site.run(&["completions", shell]).done().out.contains("enrollment-tokens"), "{shell}");
    }
    assert!(site.run(&["man"]).done().out.contains(".TH renewal 1"));
    fs::create_dir(site.workshop.path("man")).unwrap();
    site.run(&["man", "man"]).done();
    let page = String::from_utf8(site.workshop.read("man/renewal-devices-show.1")).unwrap();
    assert!(page.contains("what happened to it"), "{page}");
}

async fn what_is_not_understood_has_the_status_2(cx: Context) {
    let site = Site::empty(&cx).await;
    for wrong in [&["evnts"][..], &["events", "list", "--type", "renewed"], &["summary", "--window", "soon"]]
    {
        site.run(wrong).misunderstood();
    }
    let said = site.run(&["enroll-token", "create", "gateway-1"]).ended(2);
    assert!(said.contains("the command `enroll-token` is called `enrollment-tokens` now"), "{said}");
}

/// Starts of attempts, oldest first.
fn history(count: u32) -> Vec<renewal_domain::RenewalEvent> {
    use renewal_domain::{AttemptKind, Clock, DeviceId, EventId, RenewalEvent, SystemClock};
    use uuid::Uuid;

    let now = SystemClock.now();
    let begin = u128::try_from(now.timestamp_millis()).unwrap() - 10_000;
    let id = |number: u32| {
        EventId::new(Uuid::from_u128((begin + u128::from(number)) << 80 | 7 << 76 | 2 << 62 | 1)).unwrap()
    };
    let start =
        |number| RenewalEvent::start(id(number), ORG, DeviceId::new(Uuid::max()), AttemptKind::Renewal, now);
    (0..count).map(start).collect()
}
