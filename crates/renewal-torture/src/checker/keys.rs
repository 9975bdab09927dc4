//! Keys: whose they are, and which are barred.

use std::collections::BTreeSet;

use super::index::{keys_of, questions};
use super::{Facts, Violation, by, rows};
use crate::journal::{Answer, Reply};

/// Nothing was issued for a key, or to whoever presented a certificate with it, after an operator was told
/// that it is barred.
pub(super) fn no_barred_key_is_certified(facts: Facts<'_>) -> Vec<Violation> {
    let questions = questions(facts.entries);
    let mut violations = Vec::new();
    for call in facts.calls {
        let Reply::Done { revoked, .. } = &call.reply else { continue };
        let Some(key) = &revoked.barred_key else { continue };
        let later = questions.values().filter(|asked| {
            asked.question.device.org == call.call.org
                && asked.entries.iter().any(|entry| call.span.is_before(entry.span))
                && keys_of(asked.question).contains(key)
        });
        for entry in later.flat_map(|asked| &asked.entries) {
            if call.span.is_before(entry.span) && matches!(entry.answer, Answer::Certificate(_)) {
                violations.push(format!("{call}\n{entry}"));
            }
        }
        let issued = facts.snapshot.certificates.iter().filter(|row| {
            let asked = questions.get(&row.csr_sha256);
            (row.org, &row.key_sha256) == (call.call.org, key)
                && asked.is_some_and(|asked| call.span.answered < asked.first)
        });
        violations.extend(issued.map(|row| format!("{call}\n{}", rows([row]))));
    }
    let promise = "no key is certified after it was barred";
    violations.into_iter().map(|evidence| Violation::of(promise, evidence)).collect()
}

/// No two devices of an organisation have certificates with one key that are not revoked. None has expired
/// here: certificates live longer than any clock is wrong.
pub(super) fn no_two_devices_have_one_key(facts: Facts<'_>) -> Vec<Violation> {
    let good = facts.snapshot.certificates.iter().filter(|row| row.revoked_at.is_none());
    let keys = by(good, |row| (row.org, &row.key_sha256));
    let shared = keys.into_values().filter(|rows| {
        let devices: BTreeSet<_> = rows.iter().map(|row| row.device).collect();
        devices.len() > 1
    });
    let promise = "no two devices of an organisation have good certificates with one key";
    shared.map(|certificates| Violation::of(promise, rows(certificates))).collect()
}
