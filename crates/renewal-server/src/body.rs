//! The body of a request: read up to a size, for a time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::Limits;

/// How much body is taken, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than this many octets.
    TooLarge(usize),
    /// It did not come in time.
    TooSlow,
    /// The connection broke off within it.
    Incomplete,
}

impl From<&Limits> for BodyLimits {
    fn from(limits: &Limits) -> Self {
        Self { bytes: limits.body_bytes, time: limits.body }
    }
}

/// Refuses a body whose length the header tells to be too large, before it is read.
pub(crate) fn check_length(headers: &HeaderMap, limits: BodyLimits) -> Result<(), BodyError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.bytes) {
        return Err(BodyError::TooLarge(limits.bytes));
    }
    Ok(())
}

/// Reads the whole body, up to the limits.
pub(crate) async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, BodyError> {
    let whole = Limited::new(body, limits.bytes).collect();
    let whole = timeout(limits.time, whole).await.map_err(|_| BodyError::TooSlow)?;
    let whole = whole.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => BodyError::TooLarge(limits.bytes),
        None => BodyError::Incomplete,
    })?;
    Ok(whole.to_bytes())
}
