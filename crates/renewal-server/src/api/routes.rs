//! Paths and methods, and what is around every handler.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use tokio::time::timeout;
use tracing::warn;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::openapi::Document;
use super::problem::Problem;
use super::{
    Parts, actions, api_tokens, certificates, devices, enrollment_tokens, events, health, openapi,
    organisations, requests, revocations, summary,
};
use crate::Limits;
use crate::body::BodyLimits;
use crate::listener::HttpRequestId;
use crate::retry_after::RETRY_STORE;

/// Every path, and the description of them all.
pub(super) fn described() -> (Router<Arc<Parts>>, OpenApi) {
    let v1 = OpenApiRouter::new()
        .routes(routes!(openapi::openapi))
        .routes(routes!(api_tokens::whoami))
        .routes(routes!(organisations::show))
        .routes(routes!(organisations::suspend))
        .routes(routes!(organisations::resume))
        .routes(routes!(actions::list))
        .routes(routes!(events::list))
        .routes(routes!(events::show))
        .routes(routes!(devices::show))
        .routes(routes!(devices::block))
        .routes(routes!(devices::unblock))
        .routes(routes!(devices::revoke_certificates))
        .routes(routes!(events::of_device))
        .routes(routes!(requests::attempts))
        .routes(routes!(requests::list))
        .routes(routes!(requests::show))
        .routes(routes!(requests::approve))
        .routes(routes!(requests::deny))
        .routes(routes!(certificates::list))
        .routes(routes!(certificates::show))
        .routes(routes!(certificates::revoke))
        .routes(routes!(revocations::list, revocations::create))
        .routes(routes!(summary::show))
        .routes(routes!(enrollment_tokens::list, enrollment_tokens::create))
        .routes(routes!(enrollment_tokens::revoke))
        .routes(routes!(api_tokens::list, api_tokens::create))
        .routes(routes!(api_tokens::revoke));
    let (router, mut openapi) = OpenApiRouter::with_openapi(openapi::beginning())
        .nest("/api/v1", v1)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .split_for_parts();
    openapi::add_problems(&mut openapi);
    (router, openapi)
}

/// What the listener serves.
pub(super) fn router(parts: Arc<Parts>, limits: &Limits) -> Router {
    let (router, openapi) = described();
    // Its keys are strings and its values JSON's own, so that it can be written.
    let document = Document(Bytes::from(serde_json::to_vec(&openapi).unwrap_or_default()));
    let answer = limits.answer;
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(document))
        .layer(Extension(BodyLimits::from(limits)))
        .layer(from_fn(move |request, next| finished(answer, request, next)))
        .with_state(parts)
}

/// Around every handler: a limit of time, and problems as documents. Answers are not to be kept by
/// anything on the way, for some have secrets and all grow old.
async fn finished(limit: Duration, request: Request, next: Next) -> Response<Body> {
    let id = request.extensions().get::<HttpRequestId>().map(ToString::to_string).unwrap_or_default();
    let response = timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        warn!("there was no answer in time");
        Problem::Unavailable(RETRY_STORE).into_response()
    });
    let mut response = Problem::document(response, id);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn unknown_path() -> Problem {
    Problem::UnknownPath
}

async fn method_not_allowed() -> Problem {
    Problem::MethodNotAllowed
}
