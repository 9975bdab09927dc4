//! What happened to a device, in the order in which it began: its attempts, each with its end if it
//! has one, its enrollments, the revocations of its certificates, and who decided what about them.

mod decisions;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use csr_service::Reason;
use renewal_domain::{AttemptId, ReasonCode, RequestKind, RequestState, Serial, Stage};
use renewal_server::api::model::{Action, Certificate, Event, OpenRequest};
use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended, of an attempt that has.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// How long it took, in seconds.
    pub(crate) seconds: Option<f64>,
    pub(crate) what: What,
    pub(crate) outcome: Outcome,
    /// The request, where `outcome` says that it waits, or is being signed.
    pub(crate) request_id: Option<String>,
    pub(crate) attempt_id: Option<AttemptId>,
    /// When the certificate that the device presented expires or expired.
    pub(crate) old_cert_expiration: Option<DateTime<Utc>>,
    /// The certificate that it got, or that was revoked.
    pub(crate) serial: Option<Serial>,
    /// When that certificate expires.
    pub(crate) new_cert_expiration: Option<DateTime<Utc>>,
    pub(crate) reason: Option<ReasonCode>,
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) advice: Option<String>,
    /// What was decided about it, and who it was, oldest first.
    pub(crate) decisions: Vec<Action>,
    /// The request, open or not.
    #[serde(skip)]
    request: Option<String>,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Enrollment,
    Renewal,
    Recovery,
    Revocation,
    /// The device was blocked, or a block was lifted.
    Block,
    /// A token with which it enrolls.
    Token,
}

/// How it ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    /// It was begun and never finished, and ended long after.
    Abandoned,
    /// It has not ended: it is being signed.
    Signing,
    /// It has not ended: it waits for a person.
    Pending,
    /// It has not ended, as far as is known.
    Open,
    /// A certificate, or a token, was revoked.
    Revoked,
    /// The device was blocked.
    Blocked,
    /// The device may get certificates again.
    Unblocked,
    /// A token was made.
    Created,
}

/// The timeline of a device, oldest first. An end whose start is not among the events is left out.
pub(crate) fn timeline(
    events: &[Event],
    certificates: &[Certificate],
    open: Option<&OpenRequest>,
    actions: &[Action],
) -> Vec<Entry> {
    let ends: HashMap<_, _> =
        events.iter().filter(|event| is(event) != Stage::Start).map(|end| (end.attempt_id, end)).collect();
    let issued: HashMap<_, _> =
        certificates.iter().filter_map(|issued| Some((issued.attempt_id?, issued))).collect();
    let starts = events.iter().filter(|event| is(event) == Stage::Start);
    let mut entries: Vec<_> = starts
        .map(|start| {
            let attempt = start.attempt_id;
            let open = open.filter(|open| open.attempt_id == Some(attempt));
            attempted(start, ends.get(&attempt).copied(), issued.get(&attempt).copied(), open)
        })
        .collect();
    let enrolled = certificates.iter().filter(|certificate| certificate.kind == RequestKind::Enrollment);
    entries.extend(enrolled.map(enrollment));
    entries.extend(certificates.iter().filter_map(revocation));
    entries.extend(open.filter(|open| open.kind == RequestKind::Enrollment).map(open_enrollment));
    decisions::add(&mut entries, actions);
    entries.sort_by_key(|entry| entry.started_at);
    entries
}

/// What to do about a reason.
fn advice(reason: Option<&ReasonCode>) -> Option<String> {
    let known = reason.and_then(|reason| Reason::from_code(reason.as_str()));
    known.map(|reason| reason.advice().to_owned())
}

fn attempted(
    start: &Event,
    end: Option<&Event>,
    certificate: Option<&Certificate>,
    open: Option<&OpenRequest>,
) -> Entry {
    let what = match start.event_type.kind() {
        renewal_domain::AttemptKind::Renewal => What::Renewal,
        renewal_domain::AttemptKind::Recovery => What::Recovery,
    };
    let mut entry = Entry::new(start.created_at, what, open.map_or(Outcome::Open, waiting));
    entry.request_id = open.map(|open| open.id.to_string());
    entry.attempt_id = Some(start.attempt_id);
    // The id of an attempt is that of its request.
    entry.request = Some(start.attempt_id.to_string());
    entry.old_cert_expiration = Some(start.old_cert_expiration);
    let Some(end) = end else { return entry };
    entry.outcome = match (is(end), &end.reason) {
        (Stage::Success, _) => Outcome::Succeeded,
        (_, Some(reason)) if reason.as_str() == Reason::Abandoned.code() => Outcome::Abandoned,
        _ => Outcome::Failed,
    };
    entry.ended_at = Some(end.created_at);
    entry.seconds = (end.created_at - start.created_at).to_std().ok().map(|took| took.as_secs_f64());
    entry.serial = certificate.map(|certificate| certificate.serial.clone());
    entry.new_cert_expiration = end.new_cert_expiration;
    entry.reason.clone_from(&end.reason);
    entry.message.clone_from(&end.error_message);
    entry.advice = advice(end.reason.as_ref());
    entry
}

fn enrollment(certificate: &Certificate) -> Entry {
    let mut entry = Entry::new(certificate.request_id.created_at(), What::Enrollment, Outcome::Succeeded);
    entry.request = Some(certificate.request_id.to_string());
    entry.serial = Some(certificate.serial.clone());
    entry.new_cert_expiration = Some(certificate.not_after);
    entry
}

fn open_enrollment(open: &OpenRequest) -> Entry {
    let mut entry = Entry::new(open.opened_at, What::Enrollment, waiting(open));
    entry.request_id = Some(open.id.to_string());
    entry.request.clone_from(&entry.request_id);
    entry
}

fn revocation(certificate: &Certificate) -> Option<Entry> {
    let revocation = certificate.revocation?;
    let mut entry = Entry::new(revocation.at, What::Revocation, Outcome::Revoked);
    entry.serial = Some(certificate.serial.clone());
    entry.new_cert_expiration = Some(certificate.not_after);
    entry.reason = ReasonCode::new(revocation.reason.as_str()).ok();
    Some(entry)
}

fn waiting(open: &OpenRequest) -> Outcome {
    match open.state {
        RequestState::Signing => Outcome::Signing,
        RequestState::Pending => Outcome::Pending,
    }
}

const fn is(event: &Event) -> Stage {
    event.event_type.stage()
}

impl Entry {
    fn new(started_at: DateTime<Utc>, what: What, outcome: Outcome) -> Self {
        Self {
            started_at,
            ended_at: None,
            seconds: None,
            what,
            outcome,
            request_id: None,
            attempt_id: None,
            old_cert_expiration: None,
            serial: None,
            new_cert_expiration: None,
            reason: None,
            message: None,
            advice: None,
            decisions: Vec::new(),
            request: None,
        }
    }
}
