//! What was left open is ended, so that every start has an end.

use chrono::{DateTime, Utc};
use renewal_domain::{OpenRequestFilter, OrgId, PageRequest, PageSize, RequestState};

use super::{CsrService, Parts};
use crate::Reason;
use crate::outcome::ServiceError;

/// What a reconciliation ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Attempts that nobody was working on any more.
    pub abandoned: u64,
    /// Requests about which nobody decided in time.
    pub approval_expired: u64,
}

impl CsrService {
    /// Ends the organisation's requests that were left open: those being signed for longer than
    /// the profile's `abandon_after` as `abandoned`, those pending for longer than its
    /// `approval_period` as `approval_expired`. Made to be called every minute or so; several
    /// at once do no harm.
    ///
    /// # Errors
    /// The store's failures; what was ended until then stays ended.
    pub async fn reconcile(&self, org: OrgId) -> Result<Reconciled, ServiceError> {
        let parts = &self.parts;
        let now = parts.clock.now();
        let (signing, pending) = (now - parts.profile.abandon_after(), now - parts.profile.approval_period());
        Ok(Reconciled {
            abandoned: parts.end_all(org, RequestState::Signing, signing, Reason::Abandoned).await?,
            approval_expired: parts
                .end_all(org, RequestState::Pending, pending, Reason::ApprovalExpired)
                .await?,
        })
    }
}

impl Parts {
    async fn end_all(
        &self,
        org: OrgId,
        state: RequestState,
        opened_before: DateTime<Utc>,
        reason: Reason,
    ) -> Result<u64, ServiceError> {
        let filter = OpenRequestFilter {
            state: Some(state),
            opened_before: Some(opened_before),
            ..OpenRequestFilter::default()
        };
        let mut page = PageRequest::first(PageSize::default());
        let mut ended = 0;
        loop {
            let found = self.stores.issuance.open_requests(org, &filter, &page).await?;
            for request in &found.items {
                if self.end_without_certificate(request, reason, reason.sentence(), None).await? {
                    self.observer.reconciled(org, reason);
                    ended += 1;
                }
            }
            let Some(next) = found.next else { return Ok(ended) };
            page = PageRequest::resume(PageSize::default(), &filter.scope(org), next)
                .map_err(|error| ServiceError::Interrupted(error.into()))?;
        }
    }
}
