//! The rustls configuration of the listener for devices.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig};

use super::client_certificate::PossessionVerifier;
use super::server_certificate::ServerCertificate;

/// TLS 1.2 and 1.3 with AWS-LC, a client certificate asked for but not required, HTTP/1.1 offered
/// to clients that negotiate it by ALPN (RFC 7301).
///
/// Sessions are not resumed, neither from a cache nor from a ticket. A device connects once in
/// weeks, so nothing is gained by it; and so the key of a presented certificate has signed *this*
/// handshake on every connection, with no need to trust what a session remembers.
pub(crate) fn server_config(
    certificate: Arc<ServerCertificate>,
    client_authorities: Vec<Vec<u8>>,
) -> Result<ServerConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(PossessionVerifier::new(client_authorities, &provider));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}
