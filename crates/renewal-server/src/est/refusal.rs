//! Why a request is not answered as it wished, and what that is in HTTP.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use csr_service::Rejection;

use super::answer::text;
use super::challenge::Challenge;
use super::status::status;
use crate::listener::HttpRequestId;
use crate::retry_after::seconds;

/// Why there is no other answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The service refused.
    Rejected(Rejection),
    /// The service refused, and other credentials could help.
    RejectedUnless(Rejection, Challenge),
    /// The path has a label that stands for no organisation.
    UnknownLabel,
    /// The path is no operation's.
    UnknownPath,
    /// No issuer whose lists are made here has the key that is in the path.
    UnknownIssuer,
    /// The operation has another method.
    MethodNotAllowed,
    /// The body is said to be something else than a PKCS#10 request.
    ContentType,
    /// The body is larger than this many octets.
    BodyTooLarge(usize),
    /// The body did not come in time.
    BodyTooSlow,
    /// The connection broke off within the body.
    BodyIncomplete,
    /// The body is not base64.
    BodyNotBase64,
    /// An enrollment without credentials.
    CredentialsMissing(Challenge),
    /// HTTP Basic credentials that permit nothing here.
    CredentialsWrong(Challenge),
    /// Nothing but a client certificate is taken here, and there is none.
    ClientCertificateMissing,
    /// The bootstrap certificate has expired, at the time in the text.
    BootstrapCertificateExpired(String),
    /// Too many attempts by one device or from one address.
    TooManyAttempts(Duration),
    /// It cannot be done now; it is worth trying again.
    Unavailable(Duration),
    /// The server failed; the log has the details.
    Failed(HttpRequestId),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let (status, code, sentence) = self.said();
        let mut response = text(status, code, &sentence);
        let headers = response.headers_mut();
        match self {
            Self::RejectedUnless(_, challenge)
            | Self::CredentialsMissing(challenge)
            | Self::CredentialsWrong(challenge) => {
                headers.insert(WWW_AUTHENTICATE, challenge.header());
            }
            Self::TooManyAttempts(wait) | Self::Unavailable(wait) => {
                headers.insert(RETRY_AFTER, seconds(wait));
            }
            _ => (),
        }
        response
    }
}

impl Refusal {
    /// Status, stable code, and the sentence for the technician at the device.
    fn said(&self) -> (StatusCode, &'static str, Cow<'static, str>) {
        match self {
            Self::Rejected(rejection) => {
                (status(rejection.reason()), rejection.reason().code(), rejection.message().into())
            }
            Self::RejectedUnless(rejection, _) => {
                (StatusCode::UNAUTHORIZED, rejection.reason().code(), rejection.message().into())
            }
            Self::UnknownLabel => (
                StatusCode::NOT_FOUND,
                "unknown_label",
                "No organisation has the label that is in the path.".into(),
            ),
            Self::UnknownPath => (
                StatusCode::NOT_FOUND,
                "unknown_path",
                "The path is none of /.well-known/est/[LABEL/]cacerts, simpleenroll, simplereenroll, csrattrs, \
                 and neither /crl nor /crl/KEY-ID."
                    .into(),
            ),
            Self::UnknownIssuer => (
                StatusCode::NOT_FOUND,
                "unknown_issuer",
                "No issuer whose revocation list is made here has the key identifier that is in the path."
                    .into(),
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The operation has another method.".into(),
            ),
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type_not_supported",
                "The request must have the content type application/pkcs10.".into(),
            ),
            Self::BodyTooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body of the request is larger than {limit} octets.").into(),
            ),
            Self::BodyTooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                "The body of the request did not come in time.".into(),
            ),
            Self::BodyIncomplete => (
                StatusCode::BAD_REQUEST,
                "body_incomplete",
                "The body of the request is not complete, or not HTTP.".into(),
            ),
            Self::BodyNotBase64 => (
                StatusCode::BAD_REQUEST,
                "body_not_base64",
                "The body must be a PKCS#10 request in DER, in base64 and without PEM lines.".into(),
            ),
            Self::CredentialsMissing(_) => (
                StatusCode::UNAUTHORIZED,
                "credentials_missing",
                "An enrollment needs a user name and password, or a certificate that permits it.".into(),
            ),
            Self::CredentialsWrong(_) => (
                StatusCode::UNAUTHORIZED,
                "credentials_wrong",
                "The user name and password permit no enrollment here: wrong, expired or used up.".into(),
            ),
            Self::ClientCertificateMissing => (
                StatusCode::FORBIDDEN,
                "client_certificate_missing",
                "The device's certificate must be presented in the TLS handshake, and was not.".into(),
            ),
            Self::BootstrapCertificateExpired(when) => (
                StatusCode::FORBIDDEN,
                "bootstrap_certificate_expired",
                format!("The certificate that would permit the enrollment expired ({when}).").into(),
            ),
            Self::TooManyAttempts(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "There were too many attempts in a short time; nothing was looked at.".into(),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service cannot answer now; repeat the request later.".into(),
            ),
            Self::Failed(id) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                format!("The service failed; its log says more about request {id}.").into(),
            ),
        }
    }
}
