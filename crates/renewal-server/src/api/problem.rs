//! Every way in which a request is not answered as it wished, and what that is in HTTP: a problem
//! document (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use csr_service::ServiceError;
use renewal_domain::{ApiRole, CursorError, StoreError};
use tracing::error;

use super::model;
use crate::body::BodyError;
use crate::details::details;
use crate::listener::ReasonOfAnswer;
use crate::retry_after::{RETRY_STORE, seconds};

/// The media type of a problem document.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why there is no other answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// The path is none of the API's.
    UnknownPath,
    /// The path has other methods.
    MethodNotAllowed,
    /// There is no good token.
    Unauthenticated,
    /// The role of the token does not include the one that is needed.
    RoleRequired {
        /// The role that is needed.
        needed: ApiRole,
        /// The role that the token has.
        role: ApiRole,
    },
    /// What the path names is not there, or not the token's to see.
    NotFound,
    /// No metrics are collected.
    NoMetrics,
    /// There is no query parameter of the first name; the others are known.
    UnknownParameter(String, Vec<String>),
    /// A parameter of the path or the query has a value that it cannot have; the text says why.
    InvalidParameter(&'static str, String),
    /// Only one of these query parameters can be given.
    ConflictingParameters(&'static str),
    /// The cursor is none, or of another listing.
    Cursor(CursorError),
    /// The body has another content type than JSON.
    ContentType,
    /// The body is not the JSON that is wanted; the text says why.
    InvalidBody(String),
    /// The body did not come as it should.
    Body(BodyError),
    /// The request is being signed, and waits for nobody.
    RequestNotPending,
    /// The request is another one than the one that was looked at.
    RequestChanged,
    /// Somebody else decided at the same moment.
    RequestEnded,
    /// It cannot be done now; it is worth trying again.
    Unavailable(Duration),
    /// The server failed; the log has the details.
    Failed,
}

impl Problem {
    /// The kind of problem: status, stable code, title.
    const fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::UnknownPath => (S::NOT_FOUND, "unknown_path", "There is no such path"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "The path has other methods")
            }
            Self::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "A token is needed"),
            Self::RoleRequired { .. } => {
                (S::FORBIDDEN, "role_required", "The role of the token does not permit this")
            }
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is nothing here"),
            Self::NoMetrics => (S::NOT_FOUND, "no_metrics", "There are no metrics"),
            Self::UnknownParameter(..) => {
                (S::BAD_REQUEST, "unknown_parameter", "There is no such query parameter")
            }
            Self::InvalidParameter(..) => {
                (S::BAD_REQUEST, "invalid_parameter", "A parameter cannot have this value")
            }
            Self::ConflictingParameters(_) => {
                (S::BAD_REQUEST, "conflicting_parameters", "These parameters exclude each other")
            }
            Self::Cursor(CursorError::Malformed) => (S::BAD_REQUEST, "invalid_cursor", "This is no cursor"),
            Self::Cursor(CursorError::OtherListing) => {
                (S::BAD_REQUEST, "cursor_of_other_listing", "The cursor belongs to another listing")
            }
            Self::ContentType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "content_type_not_supported", "The body has another content type")
            }
            Self::InvalidBody(_) => (S::BAD_REQUEST, "invalid_body", "The body is not what is wanted"),
            Self::Body(BodyError::TooLarge(_)) => {
                (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large")
            }
            Self::Body(BodyError::TooSlow) => (S::REQUEST_TIMEOUT, "body_too_slow", "The body is too slow"),
            Self::Body(BodyError::Incomplete) => {
                (S::BAD_REQUEST, "body_incomplete", "The body is not complete")
            }
            Self::RequestNotPending => (S::CONFLICT, "request_not_pending", "The request waits for nobody"),
            Self::RequestChanged => (S::CONFLICT, "request_changed", "The request is another one"),
            Self::RequestEnded => (S::CONFLICT, "request_ended", "The request has ended"),
            Self::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer now"),
            Self::Failed => (S::INTERNAL_SERVER_ERROR, "failed", "The service failed"),
        }
    }

    /// What is wrong this time, and what to do about it.
    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownPath => "The API has no such path; /api/v1/openapi.json has them all.".into(),
            Self::MethodNotAllowed => {
                "The path does not have this method; the header Allow says which it has.".into()
            }
            Self::Unauthenticated => {
                "Send the header 'Authorization: Bearer TOKEN' with an API token that is \
                                      good: not expired, not revoked."
                    .into()
            }
            Self::RoleRequired { needed, role } => {
                let (needed, role) = (needed.as_str(), role.as_str());
                format!("This takes the role {needed}, and the role of the token is {role}.").into()
            }
            Self::NotFound => {
                "What the path names is not there, or not in the organisation of the token.".into()
            }
            Self::NoMetrics => "This server collects no metrics.".into(),
            Self::UnknownParameter(name, known) if known.is_empty() => {
                format!("There is no query parameter '{name}': this path has none.").into()
            }
            Self::UnknownParameter(name, known) => {
                format!("There is no query parameter '{name}': this path has {}.", known.join(", ")).into()
            }
            Self::InvalidParameter(name, why) => format!("{name}: {why}.").into(),
            Self::ConflictingParameters(names) => format!("Of {names} only one can be given.").into(),
            Self::Cursor(CursorError::Malformed) => {
                "Give back the next_cursor of the page before, unchanged.".into()
            }
            Self::Cursor(CursorError::OtherListing) => "The cursor came from another path, or the filter \
                                                        changed: keep the filter, or start without a cursor."
                .into(),
            Self::ContentType => "The body must be JSON, with the content type application/json.".into(),
            Self::InvalidBody(why) => format!("The body cannot be taken: {why}.").into(),
            Self::Body(BodyError::TooLarge(limit)) => {
                format!("The body is larger than {limit} octets.").into()
            }
            Self::Body(BodyError::TooSlow) => "The body did not come in time.".into(),
            Self::Body(BodyError::Incomplete) => "The body is not complete, or not HTTP.".into(),
            Self::RequestNotPending => "The request is being signed: there is nothing to decide.".into(),
            Self::RequestChanged => {
                "The csr_sha256 is of another request than this one: look at it again, and decide then."
                    .into()
            }
            Self::RequestEnded => "Somebody else decided about the request at the same moment.".into(),
            Self::Unavailable(_) => "Try again after the time in the header Retry-After.".into(),
            Self::Failed => "The server's log says more about the request with this request_id.".into(),
        }
    }

    /// Makes the response of a request out of what its handler gave: a problem becomes a document.
    pub(super) fn document(mut response: Response<Body>, request_id: String) -> Response<Body> {
        let Some(problem) = response.extensions_mut().remove::<Self>() else { return response };
        let (status, code, title) = problem.kind();
        let document = model::Problem {
            type_uri: format!("urn:renewal-ledger:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: problem.detail().into_owned(),
            code: code.to_owned(),
            request_id,
        };
        // Its fields are strings and a number, which JSON can hold.
        *response.body_mut() = Body::from(serde_json::to_vec(&document).unwrap_or_default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match problem {
            Self::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Unavailable(wait) => {
                headers.insert(RETRY_AFTER, seconds(wait));
            }
            _ => (),
        }
        response.extensions_mut().insert(ReasonOfAnswer(code));
        response
    }
}

impl IntoResponse for Problem {
    /// A response that the outermost layer makes a document of, as it knows the request's id.
    fn into_response(self) -> Response<Body> {
        let mut response = self.kind().0.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        error!(error = details(&error), "the store failed");
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(RETRY_STORE),
            _ => Self::Failed,
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(failure: ServiceError) -> Self {
        match failure {
            ServiceError::Store(error) => error.into(),
            ServiceError::NoSuchRequest(_) | ServiceError::NoSuchCertificate(_) => Self::NotFound,
            ServiceError::NotPending(_) => Self::RequestNotPending,
            ServiceError::EndedMeanwhile(_) => Self::RequestEnded,
            ServiceError::ApiTokenName => Self::InvalidBody(failure.to_string()),
            ServiceError::SignerTimeout(_) => {
                error!(error = details(&failure), "the service failed");
                Self::Unavailable(RETRY_STORE)
            }
            // What trying again does not help; and whatever kind of failure a later version adds.
            _ => {
                error!(error = details(&failure), "the service failed");
                Self::Failed
            }
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::Cursor(error)
    }
}
