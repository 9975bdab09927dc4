//! `devices show` for people: how the device stands, and what happened to it.

use chrono::{DateTime, TimeDelta, Utc};
use comfy_table::{Cell, ContentArrangement, Table};
use renewal_domain::RequestState;
use renewal_server::api::model::{Block, Certificate, Device, OpenRequest};

use super::actions;
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
    story.push_str(&actions::history(&device.actions));
    story
}

/// Whether a device gets certificates, and why not.
pub(super) fn blocked(device: &Device) -> String {
    let mut lines = vec![("Device", identity(device))];
    match &device.blocked {
        None => lines.push(("State", "gets certificates".to_owned())),
        Some(block) => lines.push(("Blocked", told_block(block))),
    }
    output::lines(&lines)
}

fn identity(device: &Device) -> String {
    let name = device.name.clone().unwrap_or_else(|| "name not known".to_owned());
    format!("{name} ({})", device.id)
}

fn told_block(block: &Block) -> String {
    let reason = if block.reason.is_empty() { String::new() } else { format!(": {}", block.reason) };
    format!("gets no certificates since {} UTC{reason}", time(block.since))
}

/// How the device stands now.
fn standing(device: &Device, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let failures = device.failures_since_success;
    let at_least = if failures.at_least { "at least " } else { "" };
    let mut lines = vec![("Device", identity(device))];
    lines.extend(device.blocked.as_ref().map(|block| ("Blocked", told_block(block))));
    lines.extend([
        ("Certificate", device.current_certificate.as_ref().map_or("none".to_owned(), |it| current(it, now))),
        ("Open request", device.open_request.as_ref().map_or("none".to_owned(), |it| open(it, now))),
        (
            "Failures",
            match failures.count {
                0 => "none since the last success".to_owned(),
                count => format!("{at_least}{count} since the last success"),
            },
        ),
    ]);
    lines
}

fn current(certificate: &Certificate, now: DateTime<Utc>) -> String {
    let until = certificate.not_after;
    let (verb, distance) = if until < now {
        ("expired", format!("{} ago", between(until, now)))
    } else {
        ("valid until", format!("in {}", between(now, until)))
    };
    format!("{}, {verb} {} UTC ({distance})", certificate.serial, time(until))
}

fn open(request: &OpenRequest, now: DateTime<Utc>) -> String {
    let state = match request.state {
        RequestState::Signing => "being signed",
        RequestState::Pending => "waits for approval",
    };
    let since = between(request.opened_at, now);
    format!("{} for {}, {state} since {} UTC ({since})", request.id, request.kind, time(request.opened_at))
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
    };
    let reason = entry.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut lines = vec![format!("{said}{reason}")];
    lines.extend(entry.message.clone());
    lines.extend(certificate(entry));
    lines.extend(entry.request_id.as_ref().map(|id| format!("request {id}")));
    let decide = "approve it with `renewal requests approve`, or deny it";
    let advice = if entry.outcome == Outcome::Pending { Some(decide) } else { entry.advice.as_deref() };
    lines.extend(advice.map(|advice| format!("To do: {advice}")));
    (lines.join("\n"), tone)
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
    use renewal_server::api::model::{Action, Event};
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
                Some(("denied", "A person looked at the request and denied it (reported stolen).")),
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
        let block: Block =
            read(json!({"since": "2026-05-21T10:00:00Z", "reason": "stolen", "action_id": DEVICE}));
        let action: Action = read(json!({
            "id": id("2026-05-21T10:00:00Z"), "created_at": "2026-05-21T10:00:00Z",
            "actor": {"kind": "api_token", "token_id": DEVICE, "name": "ops", "host": null,
                      "display": "API token ops"},
            "kind": "device_blocked", "target": {"kind": "device", "id": DEVICE}, "device_id": DEVICE,
            "reason": null, "note": "stolen", "source_address": "192.0.2.7", "http_request_id": null,
        }));
        let timeline = timeline(&events, &certificates, Some(&open));
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
            actions: vec![action],
        };
        (device, timeline)
    }

    #[test]
    fn a_technician_reads_what_failed_recovered_was_abandoned_and_waits() {
        let (device, timeline) = device();
        let now = "2026-05-21T10:30:00Z".parse().unwrap();
        insta::assert_snapshot!(told(&device, &timeline, false, now), @r"
        Device        pump-7 (5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10)
        Certificate   0b02, valid until 2026-06-02 00:00:00 UTC (in 11 d 13 h)
        Open request  019e49c3-5a80-7000-8000-000000000001 for renewal, waits for approval since 2026-05-21 09:00:00 UTC (1 h 30 min)
        Failures      1 since the last success

          Began (UTC)           What         How it ended
        ────────────────────────────────────────────────────────────────────────────────────────────────────
          2025-12-01 00:00:00   enrollment   succeeded
                                             certificate 0a01, valid until 2026-03-01 00:00:00
          2026-02-20 10:00:00   renewal      failed 2026-02-21 12:30:00, after 1 d 2 h: denied
                                             A person looked at the request and denied it (reported
                                             stolen).
                                             To do: Ask whoever denied it; the device may ask again.
          2026-03-04 08:30:00   recovery     succeeded 08:30:00, after 12 ms
                                             certificate 0b02, valid until 2026-06-02 00:00:00
                                             The old one had expired 3 d 8 h before.
          2026-03-05 00:00:00   revocation   revoked: superseded
                                             certificate 0a01, valid until 2026-03-01 00:00:00
          2026-05-20 11:00:00   renewal      never finished; ended 11:10:41, after 10 min 41 s: abandoned
                                             The attempt was begun and never finished.
                                             To do: Let the device ask again; if this repeats, look for
                                             crashes in the service's log.
          2026-05-21 09:00:00   renewal      open: waits for approval for 1 h 30 min
                                             request 019e49c3-5a80-7000-8000-000000000001
                                             To do: approve it with `renewal requests approve`, or deny it

        What happened before is not shown: --last N shows more of it.
        ");
    }

    #[test]
    fn an_end_without_its_start_is_left_out() {
        let success = "2026-03-04T08:30:00.012Z";
        let end = event("renewal_success", "2026-03-04T08:30:00Z", success, Some(success), None);
        assert_eq!(timeline(&[end], &[], None), []);
    }
}
