//! One request: given its id, and its peer if TLS told who that is; answered, logged.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use renewal_domain::text::clean;
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::field::Empty;
use tracing::{Instrument, info, info_span, warn};

use super::Shared;
use crate::tls::Peer;

/// The longest path that is logged, in octets.
const MAX_LOGGED_PATH: usize = 200;

/// From when on an answer is slow, which is worth a warning.
const SLOW: Duration = Duration::from_secs(1);

/// The code of the reason for an answer, which a handler leaves in the answer's extensions for
/// the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReasonOfAnswer(pub(crate) &'static str);

/// Where a request comes from: the client, or the proxy in front of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Answers a request and logs a line about it: no header, no body, no query.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    address: SocketAddr,
    peer: Option<Peer>,
    mut request: Request<impl HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static>,
) -> Result<Response<Body>, Infallible> {
    let begun = Instant::now();
    let id = shared.ids.next();
    // Handlers fill in what they find out.
    let span = info_span!("request", %id, peer = %address, org = Empty, device = Empty, token = Empty);
    let method = request.method().clone();
    let path = clean(request.uri().path(), MAX_LOGGED_PATH);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(ClientAddress(address.ip().to_canonical()));
    async {
        let mut response = shared.app.clone().oneshot(request.map(Body::new)).await?;
        response.headers_mut().insert("x-request-id", id.header());
        let reason = response.extensions().get().map(|ReasonOfAnswer(code)| *code);
        let status = response.status().as_u16();
        let elapsed = begun.elapsed();
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if elapsed < SLOW {
            info!(%method, path, status, reason, elapsed_ms, "answered");
        } else {
            warn!(%method, path, status, reason, elapsed_ms, "answered slowly");
        }
        Ok(response)
    }
    .instrument(span)
    .await
}
