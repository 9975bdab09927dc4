//! What a requester gets, and what can go wrong on our side.

use std::time::Duration;

use renewal_domain::{CertificateRecord, RequestId, RequestState, Serial, StoreError};

use crate::encoding::pem_of;
use crate::{CrlError, IssueError, Rejection};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A certificate; it and its success event are in the ledger.
    Issued(Box<Issued>),
    /// Not yet: ask again, with the same request.
    Pending(Pending),
    /// Refused. For a device that proved who it is, the ledger says so too.
    Rejected(Rejection),
}

/// A certificate that may be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its row in the ledger, which has the certificate in DER.
    pub certificate: CertificateRecord,
    /// Whether it is the answer to the same request that was given before.
    pub repeated: bool,
}

impl Issued {
    /// The certificate in PEM (RFC 7468, section 5).
    #[must_use]
    pub fn pem(&self) -> String {
        pem_of("CERTIFICATE", &self.certificate.der)
    }
}

/// A request without an answer yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The request: what a person approves or denies.
    pub request_id: RequestId,
    /// What it waits for: that another call signs it, or a person's decision.
    pub state: RequestState,
    /// When it makes sense to ask again.
    pub retry_after: Duration,
}

/// Why the service could not answer. Never the requester's fault, and nothing was released;
/// an attempt that had begun is ended, now or by [`reconcile`](crate::CsrService::reconcile).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The issuer's key did not sign within the profile's deadline.
    #[error("the issuer's key did not sign within {0:?}")]
    SignerTimeout(Duration),
    /// The issuer's key panicked, or the making of the certificate did.
    #[error("signing panicked: {0}")]
    SignerPanicked(#[source] renewal_domain::BoxError),
    /// The attempt was ended otherwise while this one was at work, as by an operator's
    /// decision at the same moment. A repeated request gets whatever was decided.
    #[error("request {0} was ended otherwise meanwhile")]
    EndedMeanwhile(RequestId),
    /// There is no open request with this id.
    #[error("there is no open request {0}: it was decided already, or never made")]
    NoSuchRequest(RequestId),
    /// The request is open, but does not wait for a decision: it is being signed.
    #[error("request {0} does not wait for a decision: it is being signed")]
    NotPending(RequestId),
    /// No certificate with this serial number was issued here.
    #[error("no certificate with serial number {0} was issued here")]
    NoSuchCertificate(Serial),
    /// The name of a new API token is none.
    #[error("the name of a token has 1 to 64 characters, none of them a control or text-direction character")]
    ApiTokenName,
    /// No revocation list could be made.
    #[error(transparent)]
    RevocationList(#[from] CrlError),
    /// The task that did the work stopped: the runtime is shutting down, or it panicked.
    #[error("the work was interrupted: {0}")]
    Interrupted(#[source] renewal_domain::BoxError),
}
