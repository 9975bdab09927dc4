//! `devices show` for people: how the device stands, and what happened to it.

use chrono::{DateTime, TimeDelta, Utc};
use comfy_table::{Cell, ContentArrangement, Table};
use renewal_domain::{ActionKind, RequestState};
use renewal_server::api::model::{Action, Block, Certificate, Device, OpenRequest};

use super::actions::who;
use super::timeline::{Entry, Outcome, What};
use crate::output::{self, Tone, cell, span, time};

/// How wide the story is where there is no terminal to fit.
const WIDTH: u16 = 100;

/// The whole story.
pub(super) fn told(device: &Device, timeline: &[Entry], complete: bool, now: DateTime<Utc>) -> String {
    let mut story = output::lines(&standing(device, now));
    if !timeline.is_empty() {
        story.push_str("\n\n");
        story.push_str(&table(timeline, now).trim_fmt());
    }
    if !complete {
        story.push_str("\n\nWhat happened before is not shown: --last N shows more of it.");
    }
    story
}

/// Whether a device gets certificates, and why not.
pub(super) fn blocked(device: &Device) -> String {
    let mut lines = vec![("Device", identity(device))];
    match &device.blocked {
        None => lines.push(("State", "gets certificates".to_owned())),
        Some(block) => add(&mut lines, "Blocked", told_block(block, &device.actions)),
    }
    output::lines(&lines)
}

fn identity(device: &Device) -> String {
    let name = device.name.clone().unwrap_or_else(|| "name not known".to_owned());
    format!("{name} ({})", device.id)
}

fn told_block(block: &Block, actions: &[Action]) -> Vec<String> {
    let action = actions.iter().find(|action| action.id == block.action_id);
    let by = action.map(|action| format!(" by {}", who(&action.actor))).unwrap_or_default();
    let mut lines = vec![format!("since {} UTC{by}", time(block.since))];
    lines.extend(Some(block.reason.clone()).filter(|reason| !reason.is_empty()));
    lines
}

/// How the device stands now: lines of 80 columns at most, but for what somebody wrote.
fn standing(device: &Device, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let failures = device.failures_since_success;
    let at_least = if failures.at_least { "at least " } else { "" };
    let failed = match failures.count {
        0 => "none since the last success".to_owned(),
        count => format!("{at_least}{count} since the last success"),
    };
    let none = || vec!["none".to_owned()];
    let mut lines = vec![("Device", identity(device))];
    if let Some(block) = &device.blocked {
        add(&mut lines, "Blocked", told_block(block, &device.actions));
    }
    add(
        &mut lines,
        "Certificate",
        device.current_certificate.as_ref().map_or_else(none, |it| current(it, now)),
    );
    add(&mut lines, "Open request", device.open_request.as_ref().map_or_else(none, |it| open(it, now)));
    lines.push(("Failures", failed));
    lines
}

/// Adds lines under one label.
fn add(lines: &mut Vec<(&'static str, String)>, label: &'static str, texts: Vec<String>) {
    lines.extend(texts.into_iter().enumerate().map(|(at, text)| (if at == 0 { label } else { "" }, text)));
}

fn current(certificate: &Certificate, now: DateTime<Utc>) -> Vec<String> {
    let until = certificate.not_after;
    let (verb, distance) = if until < now {
        ("expired", format!("{} ago", between(until, now)))
    } else {
        ("valid until", format!("in {}", between(now, until)))
    };
    vec![certificate.serial.to_string(), format!("{verb} {} UTC ({distance})", time(until))]
}

fn open(request: &OpenRequest, now: DateTime<Utc>) -> Vec<String> {
    let state = match request.state {
        RequestState::Signing => "being signed",
        RequestState::Pending => "waits for approval",
    };
    let since = between(request.opened_at, now);
    vec![
        format!("{} for {}", request.id, request.kind),
        format!("{state} since {} UTC ({since})", time(request.opened_at)),
    ]
}

fn table(timeline: &[Entry], now: DateTime<Utc>) -> Table {
    let mut table = output::table(&["Began (UTC)", "What", "How it ended"]);
    if table.width().is_none() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    }
    for entry in timeline {
        let (outcome, tone) = outcome(entry, now);
        table.add_row([Cell::new(time(entry.started_at)), Cell::new(what(entry.what)), cell(outcome, tone)]);
    }
    table
}

const fn what(what: What) -> &'static str {
    match what {
        What::Enrollment => "enrollment",
        What::Renewal => "renewal",
        What::Recovery => "recovery",
        What::Revocation => "revocation",
        What::Block => "block",
        What::Token => "token",
    }
}

fn outcome(entry: &Entry, now: DateTime<Utc>) -> (String, Tone) {
    let since = between(entry.started_at, now);
    let (said, tone) = match entry.outcome {
        Outcome::Succeeded => (format!("succeeded{}", ended(entry)), Tone::Good),
        Outcome::Failed => (format!("failed{}", ended(entry)), Tone::Bad),
        Outcome::Abandoned => (format!("never finished; ended{}", ended(entry)), Tone::Bad),
        Outcome::Signing => (format!("open: being signed for {since}"), Tone::Waiting),
        Outcome::Open => (format!("open for {since}"), Tone::Waiting),
        Outcome::Pending => (format!("open: waits for approval for {since}"), Tone::Waiting),
        Outcome::Revoked => ("revoked".to_owned(), Tone::Bad),
        Outcome::Blocked => ("blocked".to_owned(), Tone::Bad),
        Outcome::Unblocked => ("unblocked".to_owned(), Tone::Good),
        Outcome::Created => ("made".to_owned(), Tone::Plain),
    };
    let reason = entry.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut lines = vec![format!("{said}{reason}")];
    // A denial has the note as its message.
    let denied = entry.decisions.iter().any(|action| action.kind == ActionKind::RequestDenied);
    lines.extend(entry.message.clone().filter(|_| !denied));
    lines.extend(entry.decisions.iter().map(decision));
    lines.extend(certificate(entry));
    lines.extend(entry.request_id.as_ref().map(|id| format!("request {id}")));
    let decide = "approve it with `renewal requests approve`, or deny it";
    let advice = if entry.outcome == Outcome::Pending { Some(decide) } else { entry.advice.as_deref() };
    lines.extend(advice.map(|advice| format!("To do: {advice}")));
    (lines.join("\n"), tone)
}

/// Who decided, and why: "denied by token helpdesk (1a2b3c4d…): the device was reported stolen".
fn decision(action: &Action) -> String {
    let said = match action.kind {
        ActionKind::RequestApproved => "approved",
        ActionKind::RequestDenied => "denied",
        ActionKind::RequestVouched => "vouched for",
        ActionKind::EnrollmentRefused => "refused",
        // The line before says it already.
        _ => "",
    };
    let note = if action.note.is_empty() { String::new() } else { format!(": {}", action.note) };
    format!("{said} by {}{note}", who(&action.actor)).trim_start().to_owned()
}

/// When it ended, without the date if that is the same, and how long it took.
fn ended(entry: &Entry) -> String {
    let Some(end) = entry.ended_at else { return String::new() };
    let same = entry.started_at.date_naive() == end.date_naive();
    let at = if same { end.format("%H:%M:%S").to_string() } else { time(end) };
    format!(" {at}, after {}", between(entry.started_at, end))
}

/// The certificate that it is about, if it is about one.
fn certificate(entry: &Entry) -> Option<String> {
    let until = time(entry.new_cert_expiration?);
    let serial = entry.serial.as_ref().map(|serial| format!(" {serial}")).unwrap_or_default();
    let expired = entry.old_cert_expiration.filter(|_| entry.what == What::Recovery);
    let expired =
        expired.map(|old| format!("\nThe old one had expired {} before.", between(old, entry.started_at)));
    Some(format!("certificate{serial}, valid until {until}{}", expired.unwrap_or_default()))
}

fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    span((to - from).max(TimeDelta::zero()).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use renewal_server::api::model::Event;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::super::timeline::timeline;
    use super::*;

    const DEVICE: &str = "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10";

    fn read<T: DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    /// The id of a request, which has the time in it.
    fn id(at: &str) -> String {
        let at: DateTime<Utc> = at.parse().unwrap();
        let hex = format!("{:012x}", at.timestamp_millis());
        format!("{}-{}-7000-8000-000000000001", &hex[..8], &hex[8..])
    }

    fn certificate(serial: &str, kind: &str, at: &str, until: &str, revocation: &Value) -> Certificate {
        let attempt = (kind != "enrollment").then(|| id(at));
        read(json!({
            "serial": serial, "device_id": DEVICE, "device_name": "pump-7", "request_id": id(at),
            "attempt_id": attempt, "kind": kind, "not_before": at, "not_after": until,
            "presented_serial": null, "public_key_sha256": "00", "csr_sha256": "00", "revocation": revocation,
        }))
    }

    /// What the helpdesk did; what the server refused by itself.
    fn action(at: &str, kind: &str, target: (&str, &str), reason: Option<&str>, note: &str) -> Action {
        let helpdesk = json!({
            "kind": "api_token", "token_id": id("2026-01-01T00:00:00Z"), "name": "helpdesk", "host": null,
            "display": "token helpdesk",
        });
        let server =
            json!({"kind": "server", "token_id": null, "name": null, "host": null, "display": "server"});
        read(json!({
            "id": id(at), "created_at": at, "kind": kind, "target": {"kind": target.0, "id": target.1},
            "actor": if kind == "enrollment_refused" { server } else { helpdesk }, "device_id": DEVICE,
            "reason": reason, "note": note, "source_address": null, "http_request_id": null,
        }))
    }

    fn event(
        kind: &str,
        attempt: &str,
        at: &str,
        until: Option<&str>,
        failure: Option<(&str, &str)>,
    ) -> Event {
        read(json!({
            "id": id(at), "org_id": DEVICE, "device_id": DEVICE, "attempt_id": id(attempt), "event_type": kind,
            "reason": failure.map(|(reason, _)| reason), "error_message": failure.map(|(_, message)| message),
            "old_cert_expiration": "2026-03-01T00:00:00Z", "new_cert_expiration": until, "created_at": at,
        }))
    }

    /// A device that enrolled, was denied a renewal, recovered, was abandoned, and waits.
    fn device() -> (Device, Vec<Entry>) {
        let (denied, recovered) = ("2026-02-20T10:00:00Z", "2026-03-04T08:30:00Z");
        let (abandoned, waits) = ("2026-05-20T11:00:00Z", "2026-05-21T09:00:00Z");
        let events = [
            event("renewal_start", denied, denied, None, None),
            event(
                "renewal_failed",
                denied,
                "2026-02-21T12:30:00Z",
                None,
                Some(("denied", "reported stolen")),
            ),
            event("recovery_start", recovered, recovered, None, None),
            event(
                "recovery_success",
                recovered,
                "2026-03-04T08:30:00.012Z",
                Some("2026-06-02T00:00:00Z"),
                None,
            ),
            event("renewal_start", abandoned, abandoned, None, None),
            event(
                "renewal_failed",
                abandoned,
                "2026-05-20T11:10:41Z",
                None,
                Some(("abandoned", "The attempt was begun and never finished.")),
            ),
            event("renewal_start", waits, waits, None, None),
        ];
        let revoked = json!({"at": "2026-03-05T00:00:00Z", "reason": "superseded"});
        let first = "2025-12-01T00:00:00Z";
        let certificates = [
            certificate("0a01", "enrollment", first, "2026-03-01T00:00:00Z", &revoked),
            certificate("0b02", "recovery", recovered, "2026-06-02T00:00:00Z", &Value::Null),
        ];
        let open: OpenRequest = read(json!({
            "id": id(waits), "device_id": DEVICE, "device_name": "pump-7", "kind": "renewal", "state": "pending",
            "attempt_id": id(waits), "opened_at": waits, "presented_serial": "0b02",
            "presented_not_after": "2026-06-02T00:00:00Z", "csr_sha256": "00", "requested_lifetime_seconds": null,
            "subject": "CN=pump-7", "san": [], "not_covered": {"subject": [], "san": []}, "key": "ECDSA P-256",
            "key_sha256": "00", "credential": "the certificate 0b02", "source_address": null, "problem": null,
        }));
        let blocked_at = "2026-05-21T10:00:00Z";
        let block: Block =
            read(json!({"since": blocked_at, "reason": "stolen again", "action_id": id(blocked_at)}));
        let request = id(denied);
        let (request, revoked_one) = (("request", request.as_str()), ("certificate", "0a01"));
        let itself = ("device", DEVICE);
        let actions = [
            action(blocked_at, "device_blocked", itself, None, "stolen again"),
            action(
                "2026-05-19T10:00:00Z",
                "enrollment_refused",
                itself,
                Some("san_not_allowed"),
                "By a token: asked for DNS:x.",
            ),
            action(
                "2026-03-05T00:00:00Z",
                "certificate_revoked",
                revoked_one,
                Some("superseded"),
                "cleaning up",
            ),
            action("2026-02-21T12:30:00Z", "request_denied", request, None, "reported stolen"),
        ];
        let timeline = timeline(&events, &certificates, Some(&open), &actions);
        let [_, current] = certificates;
        let failures = read(json!({"count": 1, "at_least": false}));
        let device = Device {
            id: DEVICE.parse().unwrap(),
            name: Some("pump-7".to_owned()),
            current_certificate: Some(current),
            last_outcome: None,
            open_request: Some(open),
            failures_since_success: failures,
            blocked: Some(block),
            actions: actions.to_vec(),
        };
        (device, timeline)
    }

    #[test]
    fn a_technician_reads_what_failed_recovered_was_abandoned_and_waits() {
        let (device, timeline) = device();
        let now = "2026-05-21T10:30:00Z".parse().unwrap();
        insta::assert_snapshot!(told(&device, &timeline, false, now), @r"
        Device        pump-7 (5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10)
        Blocked       since 2026-05-21 10:00:00 UTC by token helpdesk (019b76da…)
                      stolen again
        Certificate   0b02
                      valid until 2026-06-02 00:00:00 UTC (in 11 d 13 h)
        Open request  019e49c3-5a80-7000-8000-000000000001 for renewal
                      waits for approval since 2026-05-21 09:00:00 UTC (1 h 30 min)
        Failures      1 since the last success

          Began (UTC)           What         How it ended
        ────────────────────────────────────────────────────────────────────────────────────────────────────
          2025-12-01 00:00:00   enrollment   succeeded
                                             certificate 0a01, valid until 2026-03-01 00:00:00
          2026-02-20 10:00:00   renewal      failed 2026-02-21 12:30:00, after 1 d 2 h: denied
                                             denied by token helpdesk (019b76da…): reported stolen
                                             To do: Ask whoever denied it; the device may ask again.
          2026-03-04 08:30:00   recovery     succeeded 08:30:00, after 12 ms
                                             certificate 0b02, valid until 2026-06-02 00:00:00
                                             The old one had expired 3 d 8 h before.
          2026-03-05 00:00:00   revocation   revoked: superseded
                                             by token helpdesk (019b76da…): cleaning up
                                             certificate 0a01, valid until 2026-03-01 00:00:00
          2026-05-19 10:00:00   enrollment   failed: san_not_allowed
                                             refused by the server: By a token: asked for DNS:x.
                                             To do: Remove it from the request, or permit it in the
                                             profile's names or with the enrollment token.
          2026-05-20 11:00:00   renewal      never finished; ended 11:10:41, after 10 min 41 s: abandoned
                                             The attempt was begun and never finished.
                                             To do: Let the device ask again; if this repeats, look for
                                             crashes in the service's log.
          2026-05-21 09:00:00   renewal      open: waits for approval for 1 h 30 min
                                             request 019e49c3-5a80-7000-8000-000000000001
                                             To do: approve it with `renewal requests approve`, or deny it
          2026-05-21 10:00:00   block        blocked
                                             by token helpdesk (019b76da…): stolen again

        What happened before is not shown: --last N shows more of it.
        ");
    }

    #[test]
    fn an_end_without_its_start_is_left_out() {
        let success = "2026-03-04T08:30:00.012Z";
        let end = event("renewal_success", "2026-03-04T08:30:00Z", success, Some(success), None);
        assert_eq!(timeline(&[end], &[], None, &[]), []);
    }
}
