//! The history: its filters, its pages, its JSON, its table.

use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;
use tests::{Backend, Backends, Context};

use crate::desk::Desk;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            every_line_of_json_is_an_event_with_the_names_of_the_model,
            a_device_is_found_by_its_name_and_by_its_uuid,
            types_reasons_and_attempts_filter,
            pages_follow_one_another_without_a_gap,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_cursor_belongs_to_its_filter,
            what_cannot_be_asked_for_is_a_failure,
            the_table_names_devices_and_reasons,
            a_ledger_that_is_not_there_is_not_made,
        ]
    ));
    trials
}

/// A history of two devices: `gateway-1` recovered, renewed, and was refused; a UUID renewed.
async fn desk(cx: &Context) -> Desk {
    let desk = Desk::new(cx).await;
    desk.certificate(-60, -1);
    desk.request("a", "");
    desk.run("sign --csr a.csr --current current.pem --out first.pem").done();
    desk.run("sign --csr a.csr --current first.pem").done();
    desk.request("other", "-subj /CN=gateway-2");
    assert_eq!(desk.run("sign --csr other.csr --current first.pem").status, Some(2));
    desk.request_of_another("uuid", &format!("-subj /CN=device:{UUID}"));
    desk.run("sign --csr uuid.csr --out uuid.pem").done();
    desk.run("sign --csr uuid.csr --current uuid.pem").done();
    desk
}

const UUID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().unwrap()).collect()
}

async fn every_line_of_json_is_an_event_with_the_names_of_the_model(cx: Context) {
    let desk = desk(&cx).await;
    let out = desk.run("events --json").done().out;
    assert_eq!(out.lines().count(), 8);
    for line in out.lines() {
        let event: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let names: Vec<_> = event.keys().map(String::as_str).collect();
        let mut model = [
            "id",
            "org_id",
            "device_id",
            "attempt_id",
            "event_type",
            "reason",
            "old_cert_expiration",
            "new_cert_expiration",
            "error_message",
            "created_at",
        ];
        model.sort_unstable();
        assert_eq!(names, model);
        for time in ["created_at", "old_cert_expiration"] {
            chrono::DateTime::parse_from_rfc3339(event[time].as_str().unwrap()).unwrap();
        }
    }
}

async fn a_device_is_found_by_its_name_and_by_its_uuid(cx: Context) {
    let desk = desk(&cx).await;
    let by_name = desk.events("--device gateway-1");
    assert_eq!(by_name.len(), 6);
    let id = by_name[0]["device_id"].as_str().unwrap();
    assert_eq!(desk.events(&format!("--device {id}")), by_name);
    let by_uuid = desk.events(&format!("--device {UUID}"));
    assert_eq!(types(&by_uuid), ["renewal_success", "renewal_start"]);
    assert_eq!(desk.events(&format!("--device device:{UUID}")), by_uuid);
    assert!(desk.events("--device gateway-3").is_empty());
}

async fn types_reasons_and_attempts_filter(cx: Context) {
    let desk = desk(&cx).await;
    let failed = desk.events("--type renewal_failed --type recovery_success");
    assert_eq!(types(&failed), ["renewal_failed", "recovery_success"]);
    assert_eq!(types(&desk.events("--type recovery_start")), ["recovery_start"]);
    let refused = desk.events("--reason subject_mismatch");
    assert_eq!(types(&refused), ["renewal_failed"]);
    assert_eq!(desk.events("--reason denied"), [Value::Null; 0]);
    let attempt = refused[0]["attempt_id"].as_str().unwrap();
    assert_eq!(types(&desk.events(&format!("--attempt {attempt}"))), ["renewal_failed", "renewal_start"]);
    let both = desk.events("--device gateway-1 --type renewal_success");
    assert_eq!(types(&both), ["renewal_success"]);
}

async fn pages_follow_one_another_without_a_gap(cx: Context) {
    let desk = desk(&cx).await;
    let all = desk.events("");
    for filter in ["", "--type renewal_start --type recovery_start", "--device gateway-1"] {
        let expected = desk.events(filter);
        for size in 1..=expected.len() {
            let mut read = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = desk.run(&format!("events --json {filter} --limit {size} {cursor}")).done();
                read.extend(page.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
                let Some(next) = next_cursor(&page.err) else { break };
                cursor = format!("--cursor {next}");
            }
            assert_eq!(read, expected, "{filter} in pages of {size}");
        }
    }
    assert_eq!(all.len(), 8);
}

/// The cursor that is printed behind a page that is not the last.
fn next_cursor(printed: &str) -> Option<&str> {
    match printed {
        "" => None,
        more => Some(more.strip_prefix("There is more: repeat with --cursor ").unwrap().trim_end()),
    }
}

async fn a_cursor_belongs_to_its_filter(cx: Context) {
    let desk = desk(&cx).await;
    let page = desk.run("events --type renewal_start --limit 1").done();
    let cursor = next_cursor(&page.err).unwrap();
    desk.run(&format!("events --type renewal_start --limit 2 --cursor {cursor}")).done();
    for changed in [
        "",
        "--type renewal_success",
        "--type renewal_start --device gateway-1",
        "--type renewal_start --org 00000000-0000-0000-0000-000000000001",
    ] {
        let sentence = desk.run(&format!("events {changed} --cursor {cursor}")).failed();
        assert!(sentence.contains("another filter"), "{sentence}");
    }
    let cut = desk.run(&format!("events --type renewal_start --cursor {}", &cursor[1..]));
    assert_eq!(cut.status, Some(1));
    assert!(cut.err.contains("this is not a cursor"), "{}", cut.err);
}

async fn what_cannot_be_asked_for_is_a_failure(cx: Context) {
    let desk = desk(&cx).await;
    for (line, part) in [
        ("events --type renewal_maybe", "renewal_start, renewal_success"),
        ("events --limit 0", "1..=1000"),
        ("events --limit 1001", "1..=1000"),
        ("events --limit=-1", "--limit"),
        ("events --attempt gateway-1", "not a UUID"),
        ("events --reason Nobody!", "--reason"),
        ("events --org nobody", "--org"),
        ("sign", "--csr"),
        ("dance", "unrecognized subcommand"),
    ] {
        let run = desk.run(line);
        assert_eq!((run.status, run.out.as_str()), (Some(1), ""), "{line}: 2 is for refusals");
        assert!(run.err.contains(part), "{line}: {}", run.err);
    }
    let long = desk.run(&format!("events --device {}", "x".repeat(65))).failed();
    assert!(long.contains("1 to 64 characters"), "{long}");
}

async fn the_table_names_devices_and_reasons(cx: Context) {
    let desk = desk(&cx).await;
    let table = desk.run("events").done().out;
    let [headings, rule, newest, ..] = table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
    for heading in ["Time (UTC)", "Device", "Event", "Old expires", "New expires", "Why"] {
        assert!(headings.contains(heading), "{headings}");
    }
    assert!(rule.chars().all(|c| c == '─'), "{rule}");
    assert!(newest.contains("renewal_success") && newest.contains(&format!("device:{UUID}")), "{newest}");
    assert!(table.contains("subject_mismatch: "), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours in a pipe");
    assert_eq!(desk.run("events --device gateway-3").done().out, "No events.\n");
}

async fn a_ledger_that_is_not_there_is_not_made(cx: Context) {
    let desk = Desk::new(&cx).await;
    for line in ["events", "approve 018bcfe5-687b-7000-8000-000000000002", "revoke 01"] {
        let sentence = desk.run(line).failed();
        assert!(sentence.starts_with("there is no ledger in ."), "{sentence}");
    }
    assert_eq!(desk.files("ledger"), [""; 0]);
}
