//! A person decides about a pending request.

use std::sync::Arc;

use renewal_domain::{OpenRequest, OrgId, RequestId, RequestState, Standing};
use tracing::Instrument;

use super::finish::interrupted;
use super::{CsrService, Parts};
use crate::outcome::{Outcome, ServiceError};
use crate::{Csr, Reason, Rejection};

impl CsrService {
    /// Approves a pending request: signs and records it. The device gets the certificate when
    /// it repeats its request, and so does the caller.
    ///
    /// What may have changed since the request came is checked again: the presented certificate
    /// revoked, the organisation inactive, the key policy stricter. Then the request ends with
    /// that reason and the answer is [`Outcome::Rejected`]. If signing or the store fails, the
    /// request stays pending and can be approved again.
    ///
    /// # Errors
    /// [`ServiceError::NoSuchRequest`] and [`ServiceError::NotPending`] when there is nothing to
    /// decide, [`ServiceError::EndedMeanwhile`] when another decision won, and the service's failures.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn approve(&self, org: OrgId, id: RequestId) -> Result<Outcome, ServiceError> {
        let parts = Arc::clone(&self.parts);
        let work = async move { parts.approve(org, id).await };
        tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(interrupted(error)))
    }

    /// Denies a pending request. The note is for the ledger and for the device's technician;
    /// without one, the ledger has the reason's own sentence.
    ///
    /// # Errors
    /// As for [`approve`](Self::approve).
    pub async fn deny(&self, org: OrgId, id: RequestId, note: &str) -> Result<(), ServiceError> {
        let request = self.parts.pending(org, id).await?;
        let message = if note.is_empty() { Reason::Denied.sentence() } else { note };
        let recorded = self.parts.end_without_certificate(&request, Reason::Denied, message).await?;
        if recorded { Ok(()) } else { Err(ServiceError::EndedMeanwhile(id)) }
    }
}

impl Parts {
    async fn approve(&self, org: OrgId, id: RequestId) -> Result<Outcome, ServiceError> {
        let request = self.pending(org, id).await?;
        match self.check_again(&request).await? {
            Ok(csr) => self.sign_and_record(&request, csr).await,
            Err(rejection) => {
                let message = rejection.message();
                let recorded = self.end_without_certificate(&request, rejection.reason(), &message).await?;
                if recorded {
                    Ok(Outcome::Rejected(rejection))
                } else {
                    Err(ServiceError::EndedMeanwhile(id))
                }
            }
        }
    }

    async fn pending(&self, org: OrgId, id: RequestId) -> Result<OpenRequest, ServiceError> {
        let request = self.stores.issuance.open_request(org, id).await?;
        let request = request.ok_or(ServiceError::NoSuchRequest(id))?;
        match request.state() {
            RequestState::Pending => Ok(request),
            RequestState::Signing => Err(ServiceError::NotPending(id)),
        }
    }

    async fn check_again(&self, request: &OpenRequest) -> Result<Result<Csr, Rejection>, ServiceError> {
        let csr = Csr::parse(request.csr_der(), self.profile.key_policy()).and_then(|csr| {
            self.issuer.refuse_own_key(&csr).and_then(|()| self.issuer.permits_names(&csr)).map(|()| csr)
        });
        let active = self.active(request.org_id()).await?;
        let standing = self.standing(request, Standing::NotRevoked).await?;
        Ok(csr.and_then(|csr| active.and(standing).map(|()| csr)))
    }
}
