//! Paths and methods (RFC 7030, section 3.2.2).

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts as RequestParts;
use axum::routing::{get, post};
use renewal_domain::OrgId;
use tracing::{Span, field};

use super::Parts;
use super::cacerts::cacerts;
use super::crl;
use super::csrattrs::csrattrs;
use super::enroll::{RequestLimits, simpleenroll, simplereenroll};
use super::refusal::Refusal;
use crate::Limits;

/// Every operation, with a label and without.
pub(super) fn router(parts: Arc<Parts>, limits: &Limits) -> Router {
    let operations = || {
        Router::new()
            .route("/cacerts", get(cacerts).fallback(method_not_allowed))
            .route("/csrattrs", get(csrattrs).fallback(method_not_allowed))
            .route("/simpleenroll", post(simpleenroll).fallback(method_not_allowed))
            .route("/simplereenroll", post(simplereenroll).fallback(method_not_allowed))
    };
    Router::new()
        .nest("/.well-known/est", operations())
        .nest("/.well-known/est/{label}", operations())
        .route("/crl", get(crl::present).fallback(wrong_method))
        .route("/crl/{key_id}", get(crl::of_key).fallback(wrong_method))
        .fallback(unknown_path)
        .layer(Extension(RequestLimits::from(limits)))
        .with_state(parts)
}

/// The organisation that a path is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Organisation(pub(super) OrgId);

impl FromRequestParts<Arc<Parts>> for Organisation {
    type Rejection = Refusal;

    async fn from_request_parts(request: &mut RequestParts, state: &Arc<Parts>) -> Result<Self, Refusal> {
        let label = Option::<Path<String>>::from_request_parts(request, state).await;
        let label = label.map_err(|_| Refusal::UnknownLabel)?;
        let org = state.labels.organisation(label.as_ref().map(|Path(label)| label.as_str()));
        let org = org.ok_or(Refusal::UnknownLabel)?;
        Span::current().record("org", field::display(org));
        Ok(Self(org))
    }
}

async fn unknown_path() -> Refusal {
    Refusal::UnknownPath
}

async fn wrong_method() -> Refusal {
    Refusal::MethodNotAllowed
}

async fn method_not_allowed(_organisation: Organisation) -> Refusal {
    Refusal::MethodNotAllowed
}
