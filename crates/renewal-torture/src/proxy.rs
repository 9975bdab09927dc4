//! A proxy of TCP connections that can cut them, in the middle of an answer if so wished.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The most that is passed on at a time.
const BUFFER: usize = 16 * 1024;

/// A proxy; it ends with this value.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Where connections are passed on to; none while nobody is there.
    target: watch::Sender<Option<SocketAddr>>,
    /// How many octets of answers every connection that is open now may still pass on.
    cut: watch::Sender<u64>,
}

impl Proxy {
    /// A proxy on a free port of the loopback interface.
    pub(crate) async fn start(target: Option<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { target: watch::Sender::new(target), cut: watch::Sender::new(u64::MAX) });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, listening })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes new connections on to this address; refuses them while there is none.
    pub(crate) fn aim(&self, target: Option<SocketAddr>) {
        self.shared.target.send_replace(target);
    }

    /// Cuts every connection that is open now, as soon as it has passed on so many more octets of
    /// answers.
    pub(crate) fn cut(&self, octets: u64) {
        self.shared.cut.send_replace(octets);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut(0);
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // One that went away before it was accepted is no reason to stop.
        let Ok((client, _)) = listener.accept().await else { continue };
        let target = *shared.target.borrow();
        let mut cut = shared.cut.subscribe();
        cut.mark_unchanged();
        if let Some(target) = target {
            // What a connection fails with is the business of its two ends.
            tokio::spawn(async move { pass_on(client, target, cut).await });
        }
    }
}

/// Passes on what both sides say until one has ended or the connection is cut.
async fn pass_on(client: TcpStream, target: SocketAddr, cut: watch::Receiver<u64>) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        done = requests(from_client, to_server) => done,
        done = answers(from_server, to_client, cut) => done,
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    Ok(())
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut cut: watch::Receiver<u64>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut allowance = u64::MAX;
    while allowance > 0 {
        tokio::select! {
            biased;
            changed = cut.changed() => {
                allowance = allowance.min(*cut.borrow_and_update());
                if changed.is_err() {
                    return Ok(());
                }
            }
            read = from.read(&mut buffer) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                let passed = read.min(usize::try_from(allowance).unwrap_or(usize::MAX));
                to.write_all(&buffer[..passed]).await?;
                if allowance < u64::MAX {
                    allowance -= passed as u64;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each octet with a hundred.
    async fn generous() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    while client.read_u8().await.is_ok() {
                        client.write_all(&[7; 100]).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn a_connection_is_cut_in_the_middle_of_an_answer_and_the_next_is_whole() {
        let proxy = Proxy::start(Some(generous().await)).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        client.write_u8(1).await.unwrap();
        client.read_exact(&mut [0; 100]).await.unwrap();
        proxy.cut(40);
        client.write_u8(1).await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest.len(), 40);
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        client.write_u8(1).await.unwrap();
        client.read_exact(&mut [0; 100]).await.unwrap();
    }

    #[tokio::test]
    async fn without_a_target_a_connection_is_closed() {
        let proxy = Proxy::start(None).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_or_default(), 0);
    }
}
