//! Enrollment tokens.

use super::{Facts, Violation, by, rows};

const PROMISE: &str = "a token is used once, and by whoever enrolled with it";

/// Every first certificate is of a request that used a token of that device, every used token has
/// its one certificate, and no request used two.
pub(super) fn a_token_is_used_once(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let enrolled = snapshot.certificates.iter().filter(|certificate| certificate.kind == "enrollment");
    let enrolled: Vec<_> = enrolled.collect();
    let used: Vec<_> = snapshot.tokens.iter().filter(|token| token.used_by_request_id.is_some()).collect();

    let without_token = enrolled.iter().filter(|certificate| {
        let by = |token: &&&crate::snapshot::Token| {
            token.used_by_request_id == Some(certificate.request)
                && (token.org, &token.name) == (certificate.org, &certificate.name)
        };
        used.iter().filter(by).count() != 1
    });
    let without_certificate = used.iter().filter(|token| {
        enrolled.iter().filter(|certificate| Some(certificate.request) == token.used_by_request_id).count()
            != 1
    });
    let twice =
        by(used.iter(), |token| token.used_by_request_id).into_values().filter(|tokens| tokens.len() > 1);
    without_token
        .map(|row| rows([row]))
        .chain(without_certificate.map(|row| rows([row])))
        .chain(twice.map(rows))
        .map(|row| Violation::of(PROMISE, row))
        .collect()
}
