//! HTTP requests, counted and measured where they are answered.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use renewal_domain::ApiRole;
use tokio::time::Instant;

use super::catalogue::{API_FORBIDDEN, HTTP_DURATION, HTTP_REFUSALS, HTTP_REQUESTS};
use super::{Metrics, key};
use crate::listener::ReasonOfAnswer;
use ::metrics::Recorder;

/// The operation of a request whose path is none.
const NO_OPERATION: &str = "none";

/// Whom a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Devices, over EST. An operation is the last part of its path, as `simpleenroll`, so that
    /// labels make no difference.
    Est,
    /// Operators, over the HTTP API. An operation is its path with the names of parameters.
    Api,
}

impl Listener {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Est => "est",
            Self::Api => "api",
        }
    }

    fn operation(self, path: Option<&MatchedPath>) -> String {
        let Some(path) = path.map(MatchedPath::as_str) else { return NO_OPERATION.to_owned() };
        match self {
            Self::Est if path.starts_with("/crl") => "crl".to_owned(),
            Self::Est => path.rsplit('/').next().unwrap_or(path).to_owned(),
            Self::Api => path.to_owned(),
        }
    }
}

impl Metrics {
    /// Roles that can be too small are there from the start with zero.
    pub(super) fn begin_api(&self) {
        for role in ApiRole::ALL {
            if role != ApiRole::Administrator {
                self.counter(API_FORBIDDEN, &[("role", role.as_str())]).absolute(0);
            }
        }
    }

    /// A token of this role was used for what the role does not permit.
    pub(crate) fn api_forbidden(&self, role: ApiRole) {
        self.counter(API_FORBIDDEN, &[("role", role.as_str())]).increment(1);
    }

    /// Counts and measures what is answered by these routes.
    pub(crate) fn measure(&self, listener: Listener, routes: Router) -> Router {
        routes.layer(from_fn_with_state((self.clone(), listener), answer))
    }
}

async fn answer(
    State((metrics, listener)): State<(Metrics, Listener)>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let operation = listener.operation(request.extensions().get());
    let response = next.run(request).await;
    let status = response.status();
    let class = match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    let name = listener.as_str();
    metrics
        .histogram(HTTP_DURATION, [("listener", name.to_owned()), ("operation", operation.clone())])
        .record(begun.elapsed());
    let labels = [("listener", name.to_owned()), ("operation", operation), ("status", class.to_owned())];
    metrics.inner.recorder.register_counter(&key(HTTP_REQUESTS, labels), &super::METADATA).increment(1);
    let reason = response.extensions().get().map(|ReasonOfAnswer(code)| *code);
    if let Some(reason) = reason.filter(|_| status.is_client_error() || status.is_server_error()) {
        metrics.counter(HTTP_REFUSALS, &[("listener", name), ("reason", reason)]).increment(1);
    }
    response
}
