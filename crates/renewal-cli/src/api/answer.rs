//! What came back, or why nothing did: in one sentence that says what to do.

use std::error::Error;

use anyhow::{Context as _, Result, anyhow};
use renewal_domain::text;
use renewal_server::api::model::Problem;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

/// The server says that what a request names is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotFound(String);

/// The longest text of a server that is repeated, in octets.
const LONGEST: usize = 2_048;

/// Sends a request; the answer, if it is what was asked for.
pub(super) async fn answer(server: &Url, request: RequestBuilder) -> Result<Response> {
    let answer = request.send().await.map_err(|error| unreachable(server, &error))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let problem = if is_of(&answer, "application/problem+json") { answer.json().await.ok() } else { None };
    Err(problem.map_or_else(|| other_program(server, status), |problem| refused(server, status, &problem)))
}

/// The JSON of an answer.
pub(super) async fn json(answer: Response) -> Result<Value> {
    let url = answer.url().clone();
    let strange = || format!("{url} does not answer as Renewal Ledger does; check the URL");
    if !is_of(&answer, "application/json") {
        return Err(anyhow!(strange()));
    }
    answer.json().await.with_context(strange)
}

/// Whether an answer is of this media type.
pub(super) fn is_of(answer: &Response, media_type: &str) -> bool {
    let named = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    named.is_some_and(|named| named.split(';').next().unwrap_or_default().trim() == media_type)
}

/// There was no answer.
fn unreachable(server: &Url, error: &reqwest::Error) -> anyhow::Error {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause = cause.to_string();
    let hint = if cause.contains("UnknownIssuer") {
        "if its certificate is of a private CA, name that with --ca"
    } else if cause.contains("certificate") {
        "look at its certificate"
    } else if error.is_timeout() {
        "is it overloaded, or something between that drops everything?"
    } else {
        "does `renewal serve` run there, and is that its URL?"
    };
    let cause = if error.is_timeout() { "no answer in time" } else { cause.as_str() };
    let server = server.as_str().trim_end_matches('/');
    anyhow!("cannot reach the server at {server} ({}); {hint}", text::clean(cause, LONGEST))
}

/// There was an answer, and it says why it is not the wanted one.
fn refused(server: &Url, status: StatusCode, problem: &Problem) -> anyhow::Error {
    let clean = |said: &str| text::clean(said, LONGEST);
    let about = format!("{}, request {}", clean(&problem.code), clean(&problem.request_id));
    let said = clean(&problem.detail);
    let said = said.trim_end_matches('.');
    if status == StatusCode::UNAUTHORIZED {
        return anyhow!("the server at {server} does not take the token: {said} ({about})");
    }
    if status == StatusCode::NOT_FOUND {
        return NotFound(format!("{said} ({about})")).into();
    }
    anyhow!("{said} ({about})")
}

/// There was an answer that is not the API's.
fn other_program(server: &Url, status: StatusCode) -> anyhow::Error {
    anyhow!("{server} answered {status}, and not as Renewal Ledger does; check the URL")
}
