//! From what the service says to what the client gets.

use std::time::Duration;

use csr_service::{Outcome, ServiceError};
use renewal_domain::StoreError;
use tracing::error;

use super::answer::Answer;
use super::certs_only::certs_only;
use super::challenge::Challenge;
use super::refusal::Refusal;
use super::status::needs_another_credential;
use crate::listener::HttpRequestId;

/// When to ask again while the store cannot be reached.
pub(super) const RETRY_STORE: Duration = Duration::from_secs(30);

/// When to ask again after somebody else decided at the same moment.
const RETRY_SOON: Duration = Duration::from_secs(2);

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

fn failure(error: &ServiceError, id: HttpRequestId) -> Refusal {
    error!(error = details(error), "the service failed");
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

/// An error with its causes, on one line.
fn details(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
