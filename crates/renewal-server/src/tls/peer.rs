//! Who is at the other end of a connection, as far as the handshake proved it.

use std::fmt;
use std::net::SocketAddr;

use csr_service::ProvenCertificate;
use rustls::ServerConnection;

/// The peer of one connection. Only a finished handshake makes one, so that a certificate in it is
/// one whose private key the peer was proven to hold.
#[derive(Clone)]
pub(crate) struct Peer {
    address: SocketAddr,
    certificate: Option<ProvenCertificate>,
}

impl Peer {
    /// The peer of a connection whose handshake is complete.
    pub(crate) fn of(connection: &ServerConnection, address: SocketAddr) -> Self {
        let handshaking = connection.is_handshaking();
        let presented = connection.peer_certificates().filter(|_| !handshaking);
        let leaf = presented.and_then(<[_]>::first);
        let certificate = leaf.map(|leaf| ProvenCertificate::proven_by_tls_handshake(leaf.as_ref()));
        Self { address, certificate }
    }

    /// A peer where there is no connection, which is taken to hold the key of this certificate (DER).
    #[cfg(feature = "fuzzing")]
    pub(crate) fn without_connection(address: SocketAddr, certificate: Option<Vec<u8>>) -> Self {
        Self { address, certificate: certificate.map(ProvenCertificate::proven_by_tls_handshake) }
    }

    /// Where the connection comes from.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The end-entity certificate that the peer presented, if it did. The service judges it, and keeps what
    /// it finds for the other requests of the connection.
    pub(crate) const fn certificate(&self) -> Option<&ProvenCertificate> {
        self.certificate.as_ref()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("address", &self.address)
            .field("presents_certificate", &self.certificate.is_some())
            .finish()
    }
}
