//! JSON in and out.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use renewal_domain::text::clean;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Parts;
use super::problem::Problem;
use crate::body::{self, BodyLimits};

/// The media type of JSON.
const JSON: &str = "application/json";

/// A JSON body, in a request or an answer.
pub(super) struct Json<T>(pub(super) T);

/// A JSON body that may be left out, or null.
pub(super) struct OptionalJson<T>(pub(super) T);

/// The answer to what made something new.
pub(super) struct Created<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Parts>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _parts: &Arc<Parts>) -> Result<Self, Problem> {
        let (headers, octets) = read(request).await?;
        check_type(&headers)?;
        Ok(Self(parse(&octets)?))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Arc<Parts>> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _parts: &Arc<Parts>) -> Result<Self, Problem> {
        let (headers, octets) = read(request).await?;
        if octets.is_empty() {
            return Ok(Self(T::default()));
        }
        check_type(&headers)?;
        Ok(Self(parse::<Option<T>>(&octets)?.unwrap_or_default()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response<Body> {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response<Body> {
        json(StatusCode::CREATED, &self.0)
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer is no JSON");
            Problem::Failed.into_response()
        }
    }
}

async fn read(request: Request) -> Result<(HeaderMap, Bytes), Problem> {
    let (head, body) = request.into_parts();
    let limits = *head.extensions.get::<BodyLimits>().ok_or(Problem::Failed)?;
    body::check_length(&head.headers, limits)?;
    Ok((head.headers, body::read(body, limits).await?))
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(JSON) { Ok(()) } else { Err(Problem::ContentType) }
}

fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
    // Serde would take an array for the fields of an object, one after the other.
    if octets.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::InvalidBody("it is an array, where an object is wanted".to_owned()));
    }
    serde_json::from_slice(octets).map_err(|error| Problem::InvalidBody(clean(&error.to_string(), 300)))
}
