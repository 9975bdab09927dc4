//! Connections: accepted up to a number, served, and on a stop ended in good order.

mod connection;
mod request;
mod request_id;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tracing::{error, warn};

use self::connection::End;
#[cfg(feature = "fuzzing")]
pub(crate) use self::request::answer;
pub(crate) use self::request::{ClientAddress, ReasonOfAnswer};
pub(crate) use self::request_id::HttpRequestId;
use self::request_id::HttpRequestIds;
use crate::Limits;

/// How long to wait before accepting again when the system has no file handle left.
const BREATHER: Duration = Duration::from_millis(100);

/// How a listener ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still at work at the end of the time to [drain](Limits::drain), and
    /// were cut off. Attempts that had begun on them go on in the background.
    pub cut_off: usize,
}

/// What every connection needs.
pub(crate) struct Shared {
    transport: Transport,
    app: Router,
    limits: Limits,
    ids: HttpRequestIds,
}

/// What is below HTTP.
enum Transport {
    /// TLS, whose handshake tells who the peer is.
    Tls(TlsAcceptor),
    /// Nothing but TCP.
    Plain,
}

impl Shared {
    /// Serves `app` over TLS; its requests have the extension [`Peer`](crate::tls::Peer).
    pub(crate) fn over_tls(tls: ServerConfig, app: Router, limits: Limits) -> Self {
        Self::new(Transport::Tls(TlsAcceptor::from(Arc::new(tls))), app, limits)
    }

    /// Serves `app` over TCP.
    pub(crate) fn plain(app: Router, limits: Limits) -> Self {
        Self::new(Transport::Plain, app, limits)
    }

    fn new(transport: Transport, app: Router, limits: Limits) -> Self {
        Self { transport, app, limits, ids: HttpRequestIds::new() }
    }
}

/// Accepts and serves connections until `shutdown` is ready, then lets those that are at work end.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Shared,
    shutdown: impl Future<Output = ()> + Send,
) -> Stopped {
    let places = Arc::new(Semaphore::new(shared.limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let shared = Arc::new(shared);
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, address, place) = accept(&listener, &places) => {
                let work = connection::serve(stream, address, Arc::clone(&shared), stopping.clone());
                connections.spawn(async move {
                    let end = work.await;
                    drop(place);
                    end
                });
            }
            Some(ended) = connections.join_next() => {
                cut_off(ended);
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let mut stopped = Stopped { cut_off: 0 };
    while let Some(ended) = connections.join_next().await {
        stopped.cut_off += usize::from(cut_off(ended));
    }
    stopped
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there is always a permit in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, address, place),
            Err(error) => {
                warn!(%error, "could not accept a connection");
                sleep(BREATHER).await;
            }
        }
    }
}

fn cut_off(ended: Result<End, tokio::task::JoinError>) -> bool {
    match ended {
        Ok(end) => end == End::CutOff,
        Err(error) => {
            error!(%error, "the task of a connection did not come to its end");
            true
        }
    }
}
