//! For whoever watches the server: whether it lives, whether it can work, what it measured.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use tokio::time::timeout;
use tracing::warn;

use super::Parts;
use super::content::json;
use super::model::{Check, Checks, Readiness};
use super::problem::Problem;
use crate::details::details;

/// How long the store may take to answer.
const STORE: Duration = Duration::from_secs(2);

/// The text format of Prometheus.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Tell that the server lives.
#[utoipa::path(
    get, path = "/healthz", tag = "Health", security(()),
    responses((status = 200, description = "The server answers", body = String, content_type = "text/plain"))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Tell whether the server can do its work now.
#[utoipa::path(
    get, path = "/readyz", tag = "Health", security(()),
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot", body = Readiness),
    )
)]
pub(super) async fn readyz(State(parts): State<Arc<Parts>>) -> Response<Body> {
    let checks = Checks { store: check(store(&parts).await), issuer: check(issuer(&parts)) };
    let ready = checks.store.ok && checks.issuer.ok;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &Readiness { ready, checks })
}

/// Show the metrics, in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", security(()),
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        (status = 404, description = "None are collected"),
    )
)]
pub(super) async fn metrics(State(parts): State<Arc<Parts>>) -> Result<Response<Body>, Problem> {
    let metrics = parts.metrics.as_ref().ok_or(Problem::NoMetrics)?;
    Ok(([(CONTENT_TYPE, METRICS)], metrics.render()).into_response())
}

async fn store(parts: &Parts) -> Result<(), String> {
    match timeout(STORE, parts.service.stores().fleet.check()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            warn!(error = details(&error), "the store cannot be used");
            Err("the store cannot be used; the server's log says why".to_owned())
        }
        Err(_) => Err(format!("the store did not answer within {} seconds", STORE.as_secs())),
    }
}

fn issuer(parts: &Parts) -> Result<(), String> {
    let (issuer, now) = (parts.service.issuer(), parts.service.clock().now());
    if now < issuer.not_before() {
        Err("the issuer's certificate is not valid yet".to_owned())
    } else if now > issuer.not_after() {
        Err("the issuer's certificate has expired".to_owned())
    } else {
        Ok(())
    }
}

fn check(outcome: Result<(), String>) -> Check {
    Check { ok: outcome.is_ok(), problem: outcome.err() }
}
