//! For fuzzers and benchmarks: requests that come without a connection.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};

use crate::listener::{Shared, answer};
use crate::tls::Peer;
use crate::{Est, Limits};

/// Where every request comes from.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// The EST operations without TLS, and without HTTP on a wire.
pub struct Directly(Arc<Shared>);

impl Directly {
    /// These operations, within these limits.
    #[must_use]
    pub fn new(est: Est, limits: Limits) -> Self {
        Self(Arc::new(Shared::plain(est.into_router(&limits), limits)))
    }

    /// The answer to a client that presents no certificate.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.answer_peer(Peer::without_connection(ADDRESS, None), request).await
    }

    /// The answer to a client that presents this certificate (DER), whose key it is taken to hold, over a
    /// connection of its own.
    pub async fn answer_to(&self, certificate: Vec<u8>, request: Request<Body>) -> Response<Body> {
        self.answer_peer(Peer::without_connection(ADDRESS, Some(certificate)), request).await
    }

    async fn answer_peer(&self, peer: Peer, request: Request<Body>) -> Response<Body> {
        let answer: Result<_, Infallible> = answer(Arc::clone(&self.0), ADDRESS, Some(peer), request).await;
        let Ok(answer) = answer;
        answer
    }
}
