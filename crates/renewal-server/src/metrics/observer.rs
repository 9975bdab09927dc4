//! What the service tells: events, certificates, unauthenticated requests, signatures.

use std::time::Duration;

use csr_service::{Observer, Reason};
use renewal_domain::{CertificateRecord, EventType, OrgId, RenewalEvent, RequestKind, Stage};

use super::Metrics;
use super::catalogue::{
    ENROLLMENTS_REFUSED, EVENTS, ISSUED, RECONCILED, SIGNING_DURATION, UNAUTHENTICATED_REQUESTS,
};

/// How a signature ended.
const OUTCOMES: [&str; 2] = ["failed", "signed"];

impl Metrics {
    /// Everything that can happen is there from the start with zero: a first failure that appears
    /// with one is no increase to Prometheus.
    pub(super) fn begin_events(&self) {
        for event_type in EventType::ALL {
            let of_type = ("type", event_type.as_str());
            match event_type.stage() {
                Stage::Failed => {
                    for reason in Reason::ALL {
                        self.counter(EVENTS, &[of_type, ("reason", reason.code())]).absolute(0);
                    }
                }
                Stage::Start | Stage::Success => self.counter(EVENTS, &[of_type]).absolute(0),
            }
        }
        for reason in Reason::ALL {
            self.counter(UNAUTHENTICATED_REQUESTS, &[("reason", reason.code())]).absolute(0);
            self.counter(ENROLLMENTS_REFUSED, &[("reason", reason.code())]).absolute(0);
        }
        for kind in [RequestKind::Enrollment, RequestKind::Renewal, RequestKind::Recovery] {
            self.counter(ISSUED, &[("kind", kind.as_str())]).absolute(0);
        }
        for reason in [Reason::Abandoned, Reason::ApprovalExpired] {
            self.counter(RECONCILED, &[("reason", reason.code())]).absolute(0);
        }
        for outcome in OUTCOMES {
            drop(self.histogram(SIGNING_DURATION, [("outcome", outcome)]));
        }
    }
}

impl Observer for Metrics {
    fn recorded(&self, event: &RenewalEvent) {
        let event_type = event.event_type().as_str();
        match event.reason() {
            None => self.counter(EVENTS, &[("type", event_type)]),
            Some(reason) => {
                // The service writes no other reasons; a label has no room for any text.
                let reason = Reason::from_code(reason.as_str()).map_or("other", Reason::code);
                self.counter(EVENTS, &[("type", event_type), ("reason", reason)])
            }
        }
        .increment(1);
    }

    fn issued(&self, certificate: &CertificateRecord) {
        self.counter(ISSUED, &[("kind", certificate.kind.as_str())]).increment(1);
    }

    fn unauthenticated(&self, _org: OrgId, reason: Reason) {
        self.counter(UNAUTHENTICATED_REQUESTS, &[("reason", reason.code())]).increment(1);
    }

    fn enrollment_refused(&self, _org: OrgId, reason: Reason) {
        self.counter(ENROLLMENTS_REFUSED, &[("reason", reason.code())]).increment(1);
    }

    fn signed(&self, took: Duration, successful: bool) {
        self.histogram(SIGNING_DURATION, [("outcome", OUTCOMES[usize::from(successful)])]).record(took);
    }

    fn reconciled(&self, _org: OrgId, reason: Reason) {
        self.counter(RECONCILED, &[("reason", reason.code())]).increment(1);
    }
}
