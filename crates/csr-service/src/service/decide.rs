//! A person decides about a pending request.

use std::sync::Arc;

use renewal_domain::{
    ActionContext, ActionKind, NewAction, OpenRequest, OrgId, RequestId, RequestState, Target,
};
use tracing::Instrument;

use super::authorise::rejection;
use super::finish::{interrupted, refused};
use super::{CsrService, Parts};
use crate::credential::EnrollmentGrant;
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
    pub async fn approve(
        &self,
        org: OrgId,
        id: RequestId,
        by: &ActionContext,
    ) -> Result<Outcome, ServiceError> {
        let (parts, by) = (Arc::clone(&self.parts), by.clone());
        let work = async move { parts.approve(org, id, &by).await };
        tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(interrupted(error)))
    }

    /// Denies a pending request. The note is for the ledger and for the device's technician;
    /// without one, the ledger has the reason's own sentence.
    ///
    /// # Errors
    /// As for [`approve`](Self::approve).
    pub async fn deny(
        &self,
        org: OrgId,
        id: RequestId,
        note: &str,
        by: &ActionContext,
    ) -> Result<(), ServiceError> {
        let request = self.parts.pending(org, id).await?;
        let message = if note.is_empty() { Reason::Denied.sentence() } else { note };
        let new = decision(ActionKind::RequestDenied, &request).note(note);
        let action = self.parts.action(org, by, new);
        let recorded =
            self.parts.end_without_certificate(&request, Reason::Denied, message, Some(action)).await?;
        if recorded { Ok(()) } else { Err(ServiceError::EndedMeanwhile(id)) }
    }
}

impl Parts {
    async fn approve(&self, org: OrgId, id: RequestId, by: &ActionContext) -> Result<Outcome, ServiceError> {
        let request = self.pending(org, id).await?;
        let action = self.action(org, by, decision(ActionKind::RequestApproved, &request));
        match self.check_again(&request).await? {
            Ok(csr) => self.sign_and_record(&request, csr, Some(action)).await,
            Err(rejection) => {
                let (reason, message) = (rejection.reason(), rejection.message());
                let action = refused(action, &rejection);
                let recorded = self.end_without_certificate(&request, reason, &message, Some(action)).await?;
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

    /// Checks what is about to be signed as it was checked when it came: the request itself, its names, its
    /// token, and what the ledger knows.
    async fn check_again(&self, request: &OpenRequest) -> Result<Result<Csr, Rejection>, ServiceError> {
        let csr = match self.read_csr(request.csr_der()) {
            Ok(csr) => csr,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let name = csr.subject().common_name();
        if name != request.device_name() || self.device(request.org_id(), name) != request.device_id() {
            let detail = format!("requested {name}, recorded {}", request.device_name());
            return Ok(Err(Rejection::new(Reason::EnrollmentNameMismatch, detail)));
        }
        if let Some(token) = request.purpose().token() {
            let token = self.stores.enrollment_tokens.enrollment_token(request.org_id(), token).await?;
            let grant = token.map(|token| EnrollmentGrant::by_token(&token, self.clock.now()));
            let Some(grant) = grant else { return Ok(Err(Reason::EnrollmentTokenRevoked.into())) };
            // The token was good when the request came; that it has expired since is no matter.
            match grant.unusable() {
                Some(reason @ (Reason::EnrollmentTokenUsed | Reason::EnrollmentTokenRevoked)) => {
                    return Ok(Err(reason.into()));
                }
                _ if !grant.permits(name) => return Ok(Err(Reason::EnrollmentNameMismatch.into())),
                _ => {}
            }
        }
        let rules = self.rules(self.clock.now());
        let refusal = self.stores.issuance.refusal(request.org_id(), request, &rules).await?;
        Ok(refusal.map_or(Ok(csr), |refusal| Err(rejection(refusal, request))))
    }
}

/// A decision about a pending request.
fn decision(kind: ActionKind, request: &OpenRequest) -> NewAction {
    NewAction::new(kind, Target::Request(request.id())).device(request.device_id())
}
