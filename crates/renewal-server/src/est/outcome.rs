//! From what the service says to what the client gets.

use csr_service::{Outcome, ServiceError};
use renewal_domain::StoreError;
use tracing::error;

use super::answer::Answer;
use super::certs_only::certs_only;
use super::challenge::Challenge;
use super::refusal::Refusal;
use super::status::needs_another_credential;
use crate::details::details;
use crate::listener::HttpRequestId;
use crate::retry_after::{RETRY_SOON, RETRY_STORE};

/// The answer to what became of a request. With a `challenge`, one whose credential
/// permits nothing is asked for another.
pub(super) fn answer(
    outcome: Result<Outcome, ServiceError>,
    challenge: Option<&Challenge>,
    id: HttpRequestId,
) -> Result<Answer, Refusal> {
    match outcome {
        Ok(Outcome::Issued(issued)) => match certs_only(&[&issued.certificate.der]) {
            Ok(base64) => Ok(Answer::Certificate(base64)),
            Err(error) => {
                error!(%error, "a certificate was issued and cannot be given out");
                Err(Refusal::Failed(id))
            }
        },
        Ok(Outcome::Pending(pending)) => {
            Ok(Answer::Pending { request: pending.request_id, retry_after: pending.retry_after })
        }
        Ok(Outcome::Rejected(rejection)) => Err(match challenge {
            Some(challenge) if needs_another_credential(rejection.reason()) => {
                Refusal::RejectedUnless(rejection, challenge.clone())
            }
            _ => Refusal::Rejected(rejection),
        }),
        Err(error) => Err(failure(&error, id)),
    }
}

/// What the client learns of a failure of the store: nothing but whether to try again.
pub(super) fn store_failure(error: &StoreError, id: HttpRequestId) -> Refusal {
    error!(error = details(error), "the store failed");
    store_refusal(error, id)
}

/// Logs a failure of the service in full.
pub(super) fn log_failure(error: &ServiceError) {
    error!(error = details(error), "the service failed");
}

fn failure(error: &ServiceError, id: HttpRequestId) -> Refusal {
    log_failure(error);
    match error {
        ServiceError::Store(error) => store_refusal(error, id),
        ServiceError::SignerTimeout(_) => Refusal::Unavailable(RETRY_STORE),
        ServiceError::EndedMeanwhile(_) => Refusal::Unavailable(RETRY_SOON),
        // What trying again does not help; and whatever kind of failure a later version adds.
        _ => Refusal::Failed(id),
    }
}

fn store_refusal(error: &StoreError, id: HttpRequestId) -> Refusal {
    match error {
        StoreError::Unavailable(_) => Refusal::Unavailable(RETRY_STORE),
        _ => Refusal::Failed(id),
    }
}
