//! From an open request to its end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use renewal_domain::{
    Action, ActionKind, Answer, Completed, Completion, IssuedParts, KeyReuse, NewAction, OpenRequest, Opened,
    Presented, RequestState, StoreError, Target,
};
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use super::Parts;
use super::authorise::{key_in_use, rejection};
use crate::certificate::issue;
use crate::outcome::{Issued, Outcome, Pending, ServiceError};
use crate::stored::check_stored;
use crate::{Csr, IssuedCertificate, Reason, Rejection};

/// When to ask again for a request that another call is signing right now.
const RETRY_SIGNING: Duration = Duration::from_secs(2);

/// When to ask again for a request that waits for a person.
const RETRY_PENDING: Duration = Duration::from_mins(1);

impl Parts {
    /// Opens the request and, unless it was answered before or waits for a person, ends it. It may be
    /// refused, and not opened.
    pub(super) async fn open_and_finish(
        self: Arc<Self>,
        request: OpenRequest,
        csr: Csr,
        now: DateTime<Utc>,
    ) -> Result<Result<Outcome, Rejection>, ServiceError> {
        let org = request.org_id();
        let opened = self.stores.issuance.open(org, &request, &self.rules(now)).await?;
        if let Opened::New { key_used_by } = &opened {
            if let Some(start) = request.start_event() {
                self.observer.recorded(&start);
            }
            if let Some(other) = key_used_by {
                warn!(%org, device = %request.device_id(), %other, "the key is another device's too");
            }
        }
        Ok(Ok(match opened {
            Opened::Refused(refusal) => return Ok(Err(rejection(refusal, &request))),
            Opened::Answered(answer) => self.answered(answer)?,
            Opened::New { .. } if request.state() == RequestState::Pending => {
                info!(org = %request.org_id(), device = %request.device_id(), request = %request.id(),
                    "waiting for a person to decide");
                pending(&request)
            }
            Opened::New { .. } => self.sign_or_fail(&request, csr).await?,
        }))
    }

    /// Signs and records; what fails ends the attempt.
    async fn sign_or_fail(&self, request: &OpenRequest, csr: Csr) -> Result<Outcome, ServiceError> {
        let failure = match self.sign_and_record(request, csr, None).await {
            Ok(outcome) => return Ok(outcome),
            Err(failure) => failure,
        };
        let reason = match &failure {
            ServiceError::Issue(error) => error.reason(),
            ServiceError::SignerTimeout(_) | ServiceError::SignerPanicked(_) => Reason::SignerFailed,
            ServiceError::Store(_) => Reason::StoreFailed,
            // The request has ended, or can't be ended from here; the reconciler sees to the latter.
            ServiceError::EndedMeanwhile(_)
            | ServiceError::Interrupted(_)
            | ServiceError::NoSuchRequest(_)
            | ServiceError::NotPending(_)
            | ServiceError::NoSuchCertificate(_)
            | ServiceError::ApiTokenName
            | ServiceError::RevocationList(_) => return Err(failure),
        };
        if let Err(error) = self.end_without_certificate(request, reason, reason.sentence(), None).await {
            let error: &dyn std::error::Error = &error;
            error!(org = %request.org_id(), request = %request.id(), error,
                "could not record the failure; the reconciler will end the attempt");
        }
        Err(failure)
    }

    /// Signs, and records certificate and success event; only then is the certificate released.
    pub(super) async fn sign_and_record(
        &self,
        request: &OpenRequest,
        csr: Csr,
        decided: Option<Action>,
    ) -> Result<Outcome, ServiceError> {
        let signed = self.sign(request, csr).await?;
        let parts = IssuedParts {
            serial: signed.serial().clone(),
            public_key_sha256: signed.public_key_sha256(),
            issuer_key_sha256: self.issuer.public_key_sha256(),
            not_before: signed.not_before(),
            not_after: signed.not_after(),
            der: signed.into_der(),
        };
        let end = self.ids.next_after(request.id().start_event());
        let completion =
            request.issued(end, parts).map_err(|error| ServiceError::Interrupted(error.into()))?;
        let presented = request.purpose().presented().map(Presented::public_key_sha256);
        let is_new_key = presented != Some(request.public_key_sha256());
        let completion = completion
            .refusing_key_in_use(is_new_key && self.profile.key_reuse() == KeyReuse::Refuse)
            .with_action(decided.clone());
        match (self.complete(request, &completion).await?, completion.certificate().cloned()) {
            (Completed::Recorded, Some(certificate)) => {
                info!(org = %request.org_id(), device = %request.device_id(), request = %request.id(),
                    serial = %certificate.serial, kind = %certificate.kind, "issued a certificate");
                Ok(Outcome::Issued(Box::new(Issued { certificate, repeated: false })))
            }
            (Completed::TokenUnusable, _) => {
                self.end_refused(request, Reason::EnrollmentTokenUsed.into(), decided).await
            }
            (Completed::KeyInUse(device), _) => self.end_refused(request, key_in_use(&device), decided).await,
            (Completed::Recorded | Completed::TooLate, _) => Err(ServiceError::EndedMeanwhile(request.id())),
        }
    }

    /// Ends a request that was refused at the last moment.
    async fn end_refused(
        &self,
        request: &OpenRequest,
        rejection: Rejection,
        decided: Option<Action>,
    ) -> Result<Outcome, ServiceError> {
        let decided = decided.map(|action| refused(action, &rejection));
        self.end_without_certificate(request, rejection.reason(), &rejection.message(), decided).await?;
        Ok(Outcome::Rejected(rejection))
    }

    /// Signs on a thread where a slow key disturbs nobody. What a key signs after the deadline
    /// is dropped.
    async fn sign(&self, request: &OpenRequest, csr: Csr) -> Result<IssuedCertificate, ServiceError> {
        let issuer = self.issuer.clone();
        let profile = self.profile.clone();
        let lifetime = request.requested_lifetime();
        let now = self.clock.now();
        let work = move || issue(&issuer, &profile, &csr, lifetime, now);
        let deadline = self.profile.signing_deadline();
        let begun = Instant::now();
        let signed = timeout(deadline, tokio::task::spawn_blocking(work)).await;
        self.observer.signed(begun.elapsed(), matches!(signed, Ok(Ok(Ok(_)))));
        Ok(signed.map_err(|_| ServiceError::SignerTimeout(deadline))?.map_err(unsigned)??)
    }

    /// Ends a request without a certificate: as a person decided, or as the server did. Whether this end
    /// is the one that is recorded.
    pub(super) async fn end_without_certificate(
        &self,
        request: &OpenRequest,
        reason: Reason,
        message: &str,
        decided: Option<Action>,
    ) -> Result<bool, ServiceError> {
        // An enrollment has no events: its end is an action.
        let enrollment = request.purpose().presented().is_none();
        let decided = decided.or_else(|| enrollment.then(|| self.enrollment_ended(request, reason, message)));
        let end = self.ids.next_after(request.id().start_event());
        let completion = request
            .failed(end, reason.reason_code(), message)
            .map_err(|error| ServiceError::Interrupted(error.into()))?
            .with_action(decided);
        let done = self.complete(request, &completion).await?;
        if done == Completed::Recorded {
            info!(org = %request.org_id(), device = %request.device_id(), request = %request.id(),
                %reason, "ended without a certificate");
        }
        Ok(done == Completed::Recorded)
    }

    /// That the server ended an enrollment.
    fn enrollment_ended(&self, request: &OpenRequest, reason: Reason, message: &str) -> Action {
        let new = NewAction::new(ActionKind::EnrollmentRefused, Target::Request(request.id()))
            .device(request.device_id())
            .reason(reason.reason_code())
            .note(format!("{}: {message}", request.device_name()));
        self.own_action(request.org_id(), new)
    }

    /// Writes the end of a request. It is given up at the deadline, so that no end is written
    /// later than the reconciler waits for one.
    async fn complete(
        &self,
        request: &OpenRequest,
        completion: &Completion,
    ) -> Result<Completed, ServiceError> {
        let deadline = self.profile.signing_deadline();
        let work = self.stores.issuance.complete(request.org_id(), request.id(), completion);
        let done = timeout(deadline, work).await;
        let late = || StoreError::Unavailable(format!("no answer within {deadline:?}").into());
        let done = done.map_err(|_| late())??;
        if done == Completed::Recorded {
            if let Some(event) = completion.event() {
                self.observer.recorded(event);
            }
            if let Some(certificate) = completion.certificate() {
                self.observer.issued(certificate);
            }
        }
        Ok(done)
    }
}

impl Parts {
    /// The answer that the same request got before. A certificate is handed out only if it is ours, as
    /// its row says.
    pub(super) fn answered(&self, answer: Answer) -> Result<Outcome, ServiceError> {
        Ok(match answer {
            Answer::Open(request) => pending(&request),
            Answer::Issued(certificate) => {
                check_stored(&certificate, &self.device_issuers)?;
                info!(org = %certificate.org_id, device = %certificate.device_id, serial = %certificate.serial,
                    "gave the same answer again");
                Outcome::Issued(Box::new(Issued { certificate: *certificate, repeated: true }))
            }
        })
    }
}

/// An approval that came to nothing.
pub(super) fn refused(approval: Action, rejection: &Rejection) -> Action {
    Action { reason: Some(rejection.reason().reason_code()), note: rejection.message(), ..approval }
}

/// The answer for a request that is open.
fn pending(request: &OpenRequest) -> Outcome {
    let retry_after = match request.state() {
        RequestState::Signing => RETRY_SIGNING,
        RequestState::Pending => RETRY_PENDING,
    };
    Outcome::Pending(Pending { request_id: request.id(), state: request.state(), retry_after })
}

/// A signer that did not come to its end.
pub(super) fn unsigned(error: tokio::task::JoinError) -> ServiceError {
    if error.is_panic() { ServiceError::SignerPanicked(error.into()) } else { interrupted(error) }
}

/// A task that did not come to its end.
pub(super) fn interrupted(error: tokio::task::JoinError) -> ServiceError {
    ServiceError::Interrupted(error.into())
}
