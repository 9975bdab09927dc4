//! `simpleenroll` and `simplereenroll`: a request becomes a certificate (RFC 7030, section 4.2).
//!
//! A `challengePassword` in a request is ignored. RFC 7030, section 3.5, would have it bind the
//! request to the TLS session by the `tls-unique` value, which TLS 1.3 does not define; here the
//! request's own signature proves possession of the key asked for, and the handshake that of the
//! certificate presented.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use csr_service::{Credential, Request};
use tokio::time::timeout;
use tracing::warn;

use super::Parts;
use super::answer::Answer;
use super::content;
use super::credential::Requester;
use super::outcome;
use super::refusal::Refusal;
use super::routes::Organisation;
use crate::Limits;
use crate::body::BodyLimits;
use crate::listener::HttpRequestId;
use crate::retry_after::RETRY_STORE;
use crate::tls::Peer;

/// What one request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestLimits {
    body: BodyLimits,
    answer: Duration,
}

impl From<&Limits> for RequestLimits {
    fn from(limits: &Limits) -> Self {
        Self { body: limits.into(), answer: limits.answer }
    }
}

/// `simpleenroll`: the first certificate of a device, or a further one on any ground that the
/// server takes.
pub(super) async fn simpleenroll(
    State(parts): State<Arc<Parts>>,
    Organisation(org): Organisation,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<HttpRequestId>,
    Extension(limits): Extension<RequestLimits>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    let work = async {
        content::check_header(&headers, limits.body)?;
        let who = Requester { org, peer: &peer, headers: &headers, id };
        let credential = parts.credential_to_enroll(&who).await?;
        let other_credentials_help = parts.authority.is_some();
        parts.submit(&who, credential, body, limits, other_credentials_help).await
    };
    in_time(limits, work).await
}

/// `simplereenroll`: the renewal or recovery of the certificate that the device presents.
pub(super) async fn simplereenroll(
    State(parts): State<Arc<Parts>>,
    Organisation(org): Organisation,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<HttpRequestId>,
    Extension(limits): Extension<RequestLimits>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    let work = async {
        content::check_header(&headers, limits.body)?;
        let who = Requester { org, peer: &peer, headers: &headers, id };
        let credential = parts.credential_to_reenroll(&who)?;
        parts.submit(&who, credential, body, limits, false).await
    };
    in_time(limits, work).await
}

impl Parts {
    async fn submit(
        &self,
        who: &Requester<'_>,
        credential: Credential,
        body: Body,
        limits: RequestLimits,
        other_credentials_help: bool,
    ) -> Result<Answer, Refusal> {
        let csr = content::read(body, limits.body).await?;
        let source_address = Some(who.source_address());
        let request = Request { csr: &csr, credential, lifetime: None, source_address };
        let outcome = self.service.submit(who.org, request).await;
        outcome::answer(outcome, other_credentials_help.then_some(&self.challenge), who.id)
    }
}

async fn in_time(
    limits: RequestLimits,
    work: impl Future<Output = Result<Answer, Refusal>>,
) -> Result<Answer, Refusal> {
    timeout(limits.answer, work).await.unwrap_or_else(|_| {
        warn!("there was no answer in time");
        Err(Refusal::Unavailable(RETRY_STORE))
    })
}
