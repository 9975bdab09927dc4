//! What was decided about a device, put to what it was about in the timeline; decisions that are about nothing
//! else that is in it have entries of their own.

use csr_service::Reason;
use renewal_domain::ActionKind;
use renewal_server::api::model::Action;

use super::{Entry, Outcome, What};

/// Puts the decisions to the entries that they are about, and adds entries for the others.
pub(super) fn add(entries: &mut Vec<Entry>, actions: &[Action]) {
    // Oldest first, as the entries are.
    for action in actions.iter().rev() {
        match entries.iter_mut().find(|entry| is_about(action, entry)) {
            Some(entry) => entry.decisions.push(action.clone()),
            None => entries.extend(own_entry(action)),
        }
    }
}

/// Whether an action decided about what an entry tells.
fn is_about(action: &Action, entry: &Entry) -> bool {
    let (kind, id) = (action.target.kind.as_str(), action.target.id.as_str());
    match kind {
        "request" => entry.request.as_ref().is_some_and(|request| request == id),
        "certificate" if action.kind == ActionKind::CertificateRevoked => {
            entry.what == What::Revocation
                && entry.serial.as_ref().is_some_and(|serial| serial.to_string() == id)
        }
        _ => false,
    }
}

/// An entry for a decision by itself; none of one that says nothing about what happened to a device.
fn own_entry(action: &Action) -> Option<Entry> {
    let (what, outcome) = match action.kind {
        ActionKind::RequestDenied | ActionKind::EnrollmentRefused => (What::Enrollment, Outcome::Failed),
        // With a reason, the checks refused it all the same; without, its certificate tells the rest.
        ActionKind::RequestApproved if action.reason.is_some() => (What::Enrollment, Outcome::Failed),
        ActionKind::CertificateRevoked => (What::Revocation, Outcome::Revoked),
        ActionKind::DeviceBlocked => (What::Block, Outcome::Blocked),
        ActionKind::DeviceUnblocked => (What::Block, Outcome::Unblocked),
        ActionKind::TokenCreated => (What::Token, Outcome::Created),
        ActionKind::TokenRevoked => (What::Token, Outcome::Revoked),
        _ => return None,
    };
    let mut entry = Entry::new(action.created_at, what, outcome);
    entry.reason.clone_from(&action.reason);
    if action.kind == ActionKind::RequestDenied {
        entry.reason = Some(Reason::Denied.into());
    }
    entry.advice = super::advice(entry.reason.as_ref());
    if action.kind == ActionKind::CertificateRevoked {
        entry.serial = action.target.id.parse().ok();
    }
    if action.target.kind == "request" {
        entry.request = Some(action.target.id.clone());
    }
    entry.decisions.push(action.clone());
    Some(entry)
}
