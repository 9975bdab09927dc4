//! What somebody who watches the service is told, to count and to measure it.

use std::time::Duration;

use renewal_domain::{CertificateRecord, OrgId, RenewalEvent};

use crate::Reason;

/// Somebody who watches a [`CsrService`](crate::CsrService).
///
/// The methods are called in the course of a request, so they must be quick and must not block.
/// Each does nothing unless it is overridden. What the ledger tells is told here too, but only once
/// the store has committed it: a write whose answer was lost may be in the ledger and not be told.
pub trait Observer: Send + Sync {
    /// The event is in the ledger now, written by this service.
    fn recorded(&self, event: &RenewalEvent) {
        let _ = event;
    }

    /// The certificate is in the ledger now, and is about to be released for the first time.
    fn issued(&self, certificate: &CertificateRecord) {
        let _ = certificate;
    }

    /// A requester who proved no identity was refused, which the ledger does not tell.
    fn unauthenticated(&self, org: OrgId, reason: Reason) {
        let _ = (org, reason);
    }

    /// An enrollment of somebody who proved who he is was refused: an action of the server says so.
    fn enrollment_refused(&self, org: OrgId, reason: Reason) {
        let _ = (org, reason);
    }

    /// The issuer's key was asked for a certificate, and after this time there was one, or there
    /// was none. The time includes the wait for a free thread.
    fn signed(&self, took: Duration, successful: bool) {
        let _ = (took, successful);
    }

    /// A reconciliation ended a request that was left open: as [`Reason::Abandoned`] or as
    /// [`Reason::ApprovalExpired`].
    fn reconciled(&self, org: OrgId, reason: Reason) {
        let _ = (org, reason);
    }
}

/// Nobody watches.
pub(crate) struct Nobody;

impl Observer for Nobody {}
