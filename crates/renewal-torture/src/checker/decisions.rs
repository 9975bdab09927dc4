//! What was decided about pending requests.

use super::{Facts, Violation, by, rows};
use crate::snapshot::{Action, Event};

/// Each decision is the only one about its request, and ended it as it says: an approval with a certificate,
/// or with the failure that its reason names; a denial with the failure `denied`.
pub(super) fn every_decision_has_its_end(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let decisions = by(decisions(facts), |action| (action.org, action.target.as_str()));
    let broken = decisions.into_values().filter(|actions| {
        let [action] = actions[..] else { return true };
        let failed_with = |reason: &str| {
            let failed = |event: &&Event| {
                is_of(action, event.org, event.attempt) && event.reason.as_deref() == Some(reason)
            };
            snapshot.events.iter().filter(failed).count() == 1
        };
        !match (action.kind.as_str(), action.reason.as_deref()) {
            ("request_denied", _) => failed_with("denied"),
            (_, Some(reason)) => failed_with(reason),
            (_, None) => snapshot.certificates.iter().any(|row| is_of(action, row.org, row.request)),
        }
    });
    broken
        .map(|actions| Violation::of("every decision has its end, and is the only one", rows(actions)))
        .collect()
}

/// No failure is `denied`, and no recovery succeeded, which waits for a person here, without a decision.
pub(super) fn every_end_that_needs_a_decision_has_it(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let decided = |kind: &str, org, request| {
        let found = decisions(facts).filter(|action| action.kind == kind && is_of(action, org, request));
        found.count() == 1
    };
    let denied = snapshot.events.iter().filter(|event| {
        event.reason.as_deref() == Some("denied") && !decided("request_denied", event.org, event.attempt)
    });
    let recovered = snapshot
        .certificates
        .iter()
        .filter(|row| row.kind == "recovery" && !decided("request_approved", row.org, row.request));
    denied
        .map(|event| rows([event]))
        .chain(recovered.map(|row| rows([row])))
        .map(|row| Violation::of("no end that a person decides about is without the decision", row))
        .collect()
}

fn decisions(facts: Facts<'_>) -> impl Iterator<Item = &Action> {
    let decisions = facts.snapshot.actions.iter();
    decisions.filter(|action| matches!(action.kind.as_str(), "request_approved" | "request_denied"))
}

fn is_of(action: &Action, org: uuid::Uuid, request: uuid::Uuid) -> bool {
    action.org == org && action.target_kind == "request" && action.target == request.to_string()
}
