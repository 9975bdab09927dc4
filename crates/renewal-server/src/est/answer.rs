//! What an operation answers when there is nothing against it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LAST_MODIFIED, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use renewal_domain::RequestId;

use crate::listener::ReasonOfAnswer;
use crate::retry_after::seconds;

/// RFC 8951 makes this header meaningless, for the body is always base64; clients written
/// to the examples of RFC 7030 look for it.
const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// The answer to a request that is not refused.
#[derive(Debug)]
pub(super) enum Answer {
    /// The CA certificates, in base64 (RFC 7030, section 4.1.3).
    CaCertificates(Bytes),
    /// The certificate issued, in base64 (RFC 7030, section 4.2.3).
    Certificate(Bytes),
    /// No attribute is asked of a request (RFC 7030, section 4.5.2).
    NoAttributes,
    /// A revocation list in DER, when it was made, and for how long it may be kept (RFC 2585,
    /// section 4.2).
    RevocationList { der: Bytes, this_update: DateTime<Utc>, max_age: Duration },
    /// The request waits: the client is to repeat it (RFC 7030, section 4.2.3).
    Pending { request: RequestId, retry_after: Duration },
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response<Body> {
        match self {
            Self::CaCertificates(base64) => pkcs7("application/pkcs7-mime", base64),
            Self::Certificate(base64) => pkcs7("application/pkcs7-mime; smime-type=certs-only", base64),
            Self::NoAttributes => StatusCode::NO_CONTENT.into_response(),
            Self::RevocationList { der, this_update, max_age } => {
                let last_modified = this_update.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                let headers = [
                    (CONTENT_TYPE, "application/pkix-crl".to_owned()),
                    (LAST_MODIFIED, last_modified),
                    (CACHE_CONTROL, format!("max-age={}", max_age.as_secs())),
                ];
                (headers, der).into_response()
            }
            Self::Pending { request, retry_after } => {
                let sentence =
                    format!("The request waits to be decided; repeat it later (request {request}).");
                let mut response = text(StatusCode::ACCEPTED, "pending", &sentence);
                response.headers_mut().insert(RETRY_AFTER, seconds(retry_after));
                response
            }
        }
    }
}

/// An answer in words: a stable code, and a sentence for the technician at the device.
pub(super) fn text(status: StatusCode, code: &'static str, sentence: &str) -> Response<Body> {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
    let mut response = (status, headers, format!("{code}: {sentence}\n")).into_response();
    response.extensions_mut().insert(ReasonOfAnswer(code));
    response
}

fn pkcs7(content_type: &'static str, base64: Bytes) -> Response<Body> {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (TRANSFER_ENCODING, HeaderValue::from_static("base64")),
    ];
    (headers, base64).into_response()
}
