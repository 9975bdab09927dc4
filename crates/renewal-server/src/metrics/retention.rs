//! What was removed as too old, and when the ledger was last walked through for that.

use chrono::{DateTime, Utc};
use csr_service::Pruned;

use super::Metrics;
use super::catalogue::{PRUNED_CERTIFICATES, PRUNED_EVENTS, PRUNED_REVOCATIONS, RETENTION_RAN};

impl Metrics {
    pub(super) fn begin_retention(&self) {
        self.counter(PRUNED_EVENTS, &[]).absolute(0);
        self.counter(PRUNED_CERTIFICATES, &[]).absolute(0);
        self.counter(PRUNED_REVOCATIONS, &[]).absolute(0);
        self.gauge(RETENTION_RAN, &[]).set(0.0);
    }

    /// This was removed.
    pub(crate) fn pruned(&self, removed: &Pruned) {
        self.counter(PRUNED_EVENTS, &[]).increment(removed.events);
        self.counter(PRUNED_CERTIFICATES, &[]).increment(removed.certificates);
        self.counter(PRUNED_REVOCATIONS, &[]).increment(removed.revocations);
    }

    /// A walk through all ledgers has come to its end.
    pub(crate) fn retention_ran(&self, now: DateTime<Utc>) {
        self.set_seconds(RETENTION_RAN, now);
    }
}
