//! The two servers: for devices, EST over TLS; for operators, the HTTP API.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::api::Api;
use crate::est::Est;
use crate::limits::Limits;
use crate::listener::{self, Shared, Stopped};
use crate::tls::{ServerCertificate, server_config};

/// The server that devices talk to: EST (RFC 7030, RFC 8951) over TLS 1.2 and 1.3. It listens
/// from the moment it exists, and answers from [`serve`](Self::serve) on.
pub struct EstServer {
    listener: TcpListener,
    address: SocketAddr,
    shared: Shared,
}

/// The server that operators talk to: the HTTP API, over plain HTTP/1.1. Its address should be one
/// that only this machine, or a proxy that speaks TLS, can reach, as tokens go over it. It listens from
/// the moment it exists, and answers from [`serve`](Self::serve) on.
pub struct ApiServer {
    listener: TcpListener,
    address: SocketAddr,
    shared: Shared,
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address is in use, or not this machine's, or may not be used.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The socket given cannot be used.
    #[error("the socket cannot be used")]
    Socket(#[source] std::io::Error),
    /// The TLS library offers no protocol version or algorithm that is needed here.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl EstServer {
    /// Listens on an address; port 0 takes any free one.
    ///
    /// # Errors
    /// [`ListenError`] when it cannot.
    pub async fn bind(
        address: SocketAddr,
        est: Est,
        certificate: Arc<ServerCertificate>,
        limits: Limits,
    ) -> Result<Self, ListenError> {
        Self::on(bound(address).await?, est, certificate, limits)
    }

    /// Listens on a socket that is bound already, as a service manager hands it over.
    ///
    /// # Errors
    /// [`ListenError`] when the socket cannot be used.
    pub fn on(
        listener: TcpListener,
        est: Est,
        certificate: Arc<ServerCertificate>,
        limits: Limits,
    ) -> Result<Self, ListenError> {
        let address = listener.local_addr().map_err(ListenError::Socket)?;
        let tls = server_config(certificate, est.client_authorities()).map_err(ListenError::Tls)?;
        let shared = Shared::over_tls(tls, est.into_router(&limits), limits);
        Ok(Self { listener, address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready. Then nothing more is accepted, requests in flight get
    /// their answers, and what is not finished after [`Limits::drain`] is cut off. A client that
    /// does not close its side makes that two seconds longer.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Stopped {
        listener::run(self.listener, self.shared, shutdown).await
    }
}

impl fmt::Debug for EstServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EstServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Listens on an address; port 0 takes any free one.
    ///
    /// # Errors
    /// [`ListenError`] when it cannot.
    pub async fn bind(address: SocketAddr, api: Api, limits: Limits) -> Result<Self, ListenError> {
        Self::on(bound(address).await?, api, limits)
    }

    /// Listens on a socket that is bound already, as a service manager hands it over.
    ///
    /// # Errors
    /// [`ListenError`] when the socket cannot be used.
    pub fn on(listener: TcpListener, api: Api, limits: Limits) -> Result<Self, ListenError> {
        let address = listener.local_addr().map_err(ListenError::Socket)?;
        let shared = Shared::plain(api.into_router(&limits), limits);
        Ok(Self { listener, address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, and ends as [`EstServer::serve`] does.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Stopped {
        listener::run(self.listener, self.shared, shutdown).await
    }
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn bound(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Address { address, source })
}
