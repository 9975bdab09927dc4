//! For the fuzzers: requests that come without a connection.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};

use crate::listener::{Shared, answer};
use crate::tls::Peer;
use crate::{Est, Limits};

/// The EST operations as a client finds them that presents no certificate, without TLS, and without
/// HTTP on a wire.
pub struct Directly(Arc<Shared>);

impl Directly {
    /// These operations, within these limits.
    #[must_use]
    pub fn new(est: Est, limits: Limits) -> Self {
        Self(Arc::new(Shared::plain(est.into_router(&limits), limits)))
    }

    /// The answer to a request.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let peer = Peer::without_certificate(address);
        let answer: Result<_, Infallible> = answer(Arc::clone(&self.0), address, Some(peer), request).await;
        let Ok(answer) = answer;
        answer
    }
}
