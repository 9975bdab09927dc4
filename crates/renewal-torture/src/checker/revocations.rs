//! Revocations.

use super::index::{questions, serial_of};
use super::{Facts, Violation, rows};
use crate::journal::{Answer, Entry, Reply};
use crate::snapshot::{Action, Certificate, Revocation};

/// A certificate that was revoked says so in its row, in a revocation and in an action, each of them once and
/// all alike.
pub(super) fn a_revocation_is_told_three_times_alike(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let promise = "a revocation is told three times, alike";
    let revoked = snapshot.certificates.iter().filter(|row| row.revoked_at.is_some());
    let certificates = revoked.filter(|row| {
        let of = snapshot.revocations.iter().filter(|it| is_of(it, row));
        let [revocation] = of.collect::<Vec<_>>()[..] else { return true };
        Some(revocation.revoked_at) != row.revoked_at
            || Some(&revocation.reason) != row.revocation_reason.as_ref()
            || revocation.certificate_sha256.as_ref() != Some(&row.sha256)
            || revocation.device != Some(row.device)
    });
    let revocations = snapshot.revocations.iter().filter(|revocation| {
        let by = snapshot.actions.iter().filter(|action| is_by(action, revocation));
        let row = snapshot.certificates.iter().find(|row| is_of(revocation, row));
        by.count() != 1 || row.is_some_and(|row| row.revoked_at.is_none())
    });
    let of_revocations = snapshot.actions.iter().filter(|action| action.kind == "certificate_revoked");
    let actions = of_revocations.filter(|action| {
        snapshot.revocations.iter().filter(|revocation| is_by(action, revocation)).count() != 1
    });
    certificates
        .map(|row| rows([row]))
        .chain(revocations.map(|row| rows([row])))
        .chain(actions.map(|row| rows([row])))
        .map(|row| Violation::of(promise, row))
        .collect()
}

/// Nothing was issued for a certificate that was presented after an operator was told that it is revoked.
pub(super) fn no_revoked_certificate_gets_another(facts: Facts<'_>) -> Vec<Violation> {
    let promise = "no certificate gets another after its acknowledged revocation";
    let questions = questions(facts.entries);
    let mut violations = Vec::new();
    for call in facts.calls {
        let Reply::Done { revoked, .. } = &call.reply else { continue };
        let serials =
            call.call.deed.revoked_serial().into_iter().chain(revoked.also.iter().map(String::as_str));
        for serial in serials {
            let presents = |entry: &&Entry| {
                let presented = entry.question.presented.as_deref().and_then(serial_of);
                presented.as_deref() == Some(serial)
            };
            let answered = facts.entries.iter().filter(presents).filter(|entry| {
                call.span.is_before(entry.span) && matches!(entry.answer, Answer::Certificate(_))
            });
            violations.extend(answered.map(|entry| format!("{call}\n{entry}")));
            let issued = facts.snapshot.certificates.iter().filter(|row| {
                let asked = questions.get(&row.csr_sha256);
                row.presented_serial.as_deref() == Some(serial)
                    && asked.is_some_and(|asked| call.span.answered < asked.first)
            });
            violations.extend(issued.map(|row| format!("{call}\n{}", rows([row]))));
        }
    }
    violations.into_iter().map(|evidence| Violation::of(promise, evidence)).collect()
}

fn is_of(revocation: &Revocation, row: &Certificate) -> bool {
    (revocation.org, &revocation.serial) == (row.org, &row.serial)
        && revocation.issuer_key_sha256 == row.issuer_key_sha256
}

fn is_by(action: &Action, revocation: &Revocation) -> bool {
    (action.org, action.id) == (revocation.org, revocation.action)
        && action.kind == "certificate_revoked"
        && (action.target_kind.as_str(), &action.target) == ("certificate", &revocation.serial)
        && action.reason.as_ref() == Some(&revocation.reason)
        && action.device == revocation.device
}
