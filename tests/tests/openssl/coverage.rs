//! No reason is without a test.

use std::collections::HashSet;

use csr_service::Reason;

use crate::{authorisations, case};

/// The tests of tokens, which neither a request nor a certificate has.
const TOKENS: &str = include_str!("../../../crates/csr-service/tests/flow/enrollment_tokens.rs");

/// The tests of compromised keys, keys in use and superseded certificates.
const GUARDED: &str = include_str!("../../../crates/csr-service/tests/flow/guarded.rs");

/// The reasons that neither a request nor a certificate brings about, but what happens while it
/// is worked on. The tests of `csr-service` itself make that happen.
const ELSEWHERE: [(Reason, &str); 16] = [
    (Reason::Denied, include_str!("../../../crates/csr-service/tests/flow/approvals.rs")),
    (Reason::ApprovalExpired, include_str!("../../../crates/csr-service/tests/flow/reconciling.rs")),
    (Reason::Abandoned, include_str!("../../../crates/csr-service/tests/flow/reconciling.rs")),
    (Reason::IssuerExpired, include_str!("../../../crates/csr-service/tests/flow/renewals.rs")),
    (Reason::SignerFailed, include_str!("../../../crates/csr-service/tests/flow/faults.rs")),
    (Reason::StoreFailed, include_str!("../../../crates/csr-service/tests/flow/faults.rs")),
    (Reason::IssuedCertificateWrong, include_str!("../../../crates/csr-service/tests/flow/faults.rs")),
    (Reason::EnrollmentTokenUsed, TOKENS),
    (Reason::EnrollmentTokenRevoked, TOKENS),
    (Reason::EnrollmentTokenExpired, TOKENS),
    (Reason::SubjectNotAllowed, include_str!("../../../crates/csr-service/tests/flow/names.rs")),
    (Reason::SanNotAllowed, include_str!("../../../crates/csr-service/tests/flow/names.rs")),
    (Reason::DeviceBlocked, include_str!("../../../crates/csr-service/tests/flow/blocks.rs")),
    (Reason::KeyCompromised, GUARDED),
    (Reason::KeyInUse, GUARDED),
    (Reason::CertificateSuperseded, GUARDED),
];

/// Every reason is the outcome of a test here, or named by a test of the crate.
pub(crate) fn every_reason_has_a_test() {
    let here: HashSet<_> = case::all()
        .map(|(_, case, _)| case.reason)
        .chain(authorisations::TESTS.iter().filter_map(|test| test.reason))
        .collect();
    for (reason, source) in ELSEWHERE {
        assert!(!here.contains(&reason), "{reason} is tested here");
        let told = source.contains(&format!("_failed: {reason}\""));
        let outcome = format!(", Reason::{reason:?});");
        let asserted =
            source.lines().any(|line| line.contains("assert_rejected(") && line.ends_with(&outcome));
        assert!(told || asserted, "no test there expects {reason}");
    }
    let elsewhere = ELSEWHERE.map(|(reason, _)| reason);
    for reason in Reason::ALL {
        assert!(here.contains(reason) || elsewhere.contains(reason), "no test is about {reason}");
    }
}
