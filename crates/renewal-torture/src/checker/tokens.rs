//! Enrollment tokens.

use super::{Facts, Violation, by, rows};

const PROMISE: &str = "a token is spent once, and by whoever enrolled with it";

/// Every first certificate is of a request that spent a token of that device, every spent token has
/// its one certificate, and no request spent two.
pub(super) fn a_token_is_spent_once(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let enrolled = snapshot.certificates.iter().filter(|certificate| certificate.kind == "enrollment");
    let enrolled: Vec<_> = enrolled.collect();
    let spent: Vec<_> = snapshot.tokens.iter().filter(|token| token.spent_by.is_some()).collect();

    let without_token = enrolled.iter().filter(|certificate| {
        let by = |token: &&&crate::snapshot::Token| {
            token.spent_by == Some(certificate.request)
                && (token.org, &token.name) == (certificate.org, &certificate.name)
        };
        spent.iter().filter(by).count() != 1
    });
    let without_certificate = spent.iter().filter(|token| {
        enrolled.iter().filter(|certificate| Some(certificate.request) == token.spent_by).count() != 1
    });
    let twice = by(spent.iter(), |token| token.spent_by).into_values().filter(|tokens| tokens.len() > 1);
    without_token
        .map(|row| rows([row]))
        .chain(without_certificate.map(|row| rows([row])))
        .chain(twice.map(rows))
        .map(|row| Violation::of(PROMISE, row))
        .collect()
}
