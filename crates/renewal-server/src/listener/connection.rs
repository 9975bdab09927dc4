//! One connection: handshake, requests, and a close after which the last answer arrives.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info};

use super::request::answer;
use super::{Shared, Transport};
use crate::tls::Peer;

/// How long a peer that still sends is listened to after the last answer.
const LINGER: Duration = Duration::from_secs(2);

/// The least that hyper takes as the size of its buffer, in octets.
const LEAST_BUFFER: usize = 8 * 1024;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, or with the last answer given.
    Finished,
    /// A request was still being answered when the time to drain was over.
    CutOff,
}

/// Serves a connection to its end. Once `stopping` is true it gets no further request.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) -> End {
    // Answers are small and written at once: nothing is gained by waiting for more.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(peer = %address, %error, "TCP_NODELAY was not set");
    }
    let Transport::Tls(tls) = &shared.transport else {
        return requests(stream, address, None, shared, stopping).await;
    };
    let handshake = timeout(shared.limits.handshake, handshake(stream, address, tls));
    let stream = tokio::select! {
        () = stop(&mut stopping) => return End::Finished,
        stream = handshake => match stream {
            Ok(Some(stream)) => stream,
            Ok(None) => return End::Finished,
            Err(_) => {
                info!(peer = %address, "the TLS handshake took too long");
                return End::Finished;
            }
        },
    };
    let peer = Peer::of(stream.get_ref().1, address);
    requests(stream, address, Some(peer), shared, stopping).await
}

async fn handshake(
    stream: TcpStream,
    address: SocketAddr,
    tls: &TlsAcceptor,
) -> Option<TlsStream<TcpStream>> {
    let accepted = tls.accept(stream).await;
    accepted.inspect_err(|error| info!(peer = %address, %error, "the TLS handshake failed")).ok()
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    address: SocketAddr,
    peer: Option<Peer>,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) -> End {
    let limits = shared.limits;
    let service =
        service_fn(move |request| Box::pin(answer(Arc::clone(&shared), address, peer.clone(), request)));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(limits.header_fields)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(LEAST_BUFFER))
        .serve_connection(TokioIo::new(stream), service);

    let served = tokio::select! {
        served = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(served),
        () = stop(&mut stopping) => None,
        () = sleep(limits.connection) => None,
    };
    let served = if let Some(served) = served {
        served
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        let rest = poll_fn(|context| connection.poll_without_shutdown(context));
        let Ok(served) = timeout(limits.drain, rest).await else {
            info!(peer = %address, "cut off a connection that did not end in time");
            return End::CutOff;
        };
        served
    };
    if let Err(error) = served {
        debug!(peer = %address, %error, "the connection ended with an error");
    }
    close(connection.into_parts().io.into_inner()).await;
    End::Finished
}

/// Closes our side, and drops what the peer still sends for a while. A socket that is closed with
/// input unread makes the system reset the connection, and the peer may lose the answer that told
/// it why its request was too large.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let work = async {
        stream.shutdown().await?;
        let mut dropped = [0; 4096];
        while stream.read(&mut dropped).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        closed = work => if let Err(error) = closed {
            debug!(%error, "the peer closed the connection without a word");
        },
        () = sleep(LINGER) => (),
    }
}

/// Ready when the server stops.
async fn stop(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    drop(stopping.wait_for(|stopping| *stopping).await);
}
