//! A handshake without a network: what the server's side costs, in full and with a session resumed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, Error, HandshakeKind,
    ServerConfig, ServerConnection, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::support::{Device, Outcome, Site};

/// The microseconds that the server's side of a handshake takes, in which the device presents its
/// certificate; as in `renewal serve`, what is verified is that the device has its key.
pub(crate) fn server_side(site: &Site, device: &Device, resume: bool, times: u32) -> Outcome<f64> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_file_iter(site.file("server.pem"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(site.file("server.key"))?;
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(Possession(Arc::clone(&provider))))
        .with_single_cert(chain, key)?;
    if resume {
        server.ticketer = aws_lc_rs::Ticketer::new()?;
    } else {
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
    }
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(site.roots()?)
        .with_client_auth_cert(
            vec![device.certificate.clone().into()],
            PrivateKeyDer::try_from(device.key.serialize_der())?,
        )?;
    let (server, client) = (Arc::new(server), Arc::new(client));
    let mut took = Duration::ZERO;
    for time in 0..times + times / 10 {
        let (this, kind) = one(&server, &client)?;
        let wanted = if resume && time > 0 { HandshakeKind::Resumed } else { HandshakeKind::Full };
        if kind != Some(wanted) {
            return Err(format!("handshake {time} was {kind:?}").into());
        }
        if time >= times / 10 {
            took += this;
        }
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(times))
}

/// How long the server's side took, and what kind of handshake it was.
fn one(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> Outcome<(Duration, Option<HandshakeKind>)> {
    let mut took = Duration::ZERO;
    let mut client = ClientConnection::new(Arc::clone(client), ServerName::try_from("localhost")?)?;
    let begun = Instant::now();
    let mut server = ServerConnection::new(Arc::clone(server))?;
    took += begun.elapsed();
    // Until nobody has anything to say: the tickets come after the handshake.
    loop {
        let mut to_server = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut to_server)?;
        }
        let begun = Instant::now();
        let mut received = &to_server[..];
        while !received.is_empty() {
            server.read_tls(&mut received)?;
            server.process_new_packets()?;
        }
        let mut to_client = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut to_client)?;
        }
        took += begun.elapsed();
        if to_server.is_empty() && to_client.is_empty() {
            break;
        }
        let mut received = &to_client[..];
        while !received.is_empty() {
            client.read_tls(&mut received)?;
            client.process_new_packets()?;
        }
    }
    Ok((took, server.handshake_kind()))
}

/// Verifies that the client has the key of its certificate, and nothing else.
#[derive(Debug)]
struct Possession(Arc<CryptoProvider>);

impl ClientCertVerifier for Possession {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
