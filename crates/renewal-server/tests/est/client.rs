//! A TLS client that sends exactly what a test wants sent.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::x509::der::{Decode, Encode};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::World;

/// The longest time for which a test waits for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a client shows and speaks.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client without a certificate.
    pub(crate) fn new(world: &World, address: SocketAddr) -> Self {
        Self::with(world, address, None, rustls::ALL_VERSIONS)
    }

    /// A client that presents a certificate (DER) and has its key.
    pub(crate) fn presenting(
        world: &World,
        address: SocketAddr,
        certificate: &[u8],
        key: &rcgen::KeyPair,
    ) -> Self {
        Self::with(world, address, Some((certificate, key)), rustls::ALL_VERSIONS)
    }

    pub(crate) fn with(
        world: &World,
        address: SocketAddr,
        identity: Option<(&[u8], &rcgen::KeyPair)>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let pem = std::fs::read(world.path("server-ca.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from(certificate.to_vec())];
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Self { config: Arc::new(config), address }
    }

    /// A client that presents a certificate and has another key.
    pub(crate) fn with_unchecked_key(
        world: &World,
        address: SocketAddr,
        certificate: &[u8],
        key: &rcgen::KeyPair,
        version: &'static SupportedProtocolVersion,
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).unwrap();
        let chain = vec![CertificateDer::from(certificate.to_vec())];
        let mut client = Self::with(world, address, None, &[version]);
        let identity = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        Arc::make_mut(&mut client.config).client_auth_cert_resolver = Arc::new(identity);
        client
    }

    /// Offers these protocols by ALPN.
    pub(crate) fn offer(&mut self, protocols: &[&str]) {
        let protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::make_mut(&mut self.config).alpn_protocols = protocols;
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.try_connect().await.unwrap()
    }

    pub(crate) async fn try_connect(&self) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        let connector = TlsConnector::from(self.config.clone());
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        Ok(Connection { stream, received: Vec::new() })
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: &[u8]) -> Response {
        let mut connection = self.connect().await;
        connection.write(request).await;
        connection.response().await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(request("GET", path, &[], b"").as_slice()).await
    }

    /// Posts a PKCS#10 request (DER), as the standard has it.
    pub(crate) async fn enroll(&self, path: &str, csr: &[u8]) -> Response {
        self.send(&enrollment(path, csr, None)).await
    }

    /// The same with HTTP Basic.
    pub(crate) async fn enroll_as(&self, path: &str, csr: &[u8], user: &str, password: &str) -> Response {
        self.send(&enrollment(path, csr, Some((user, password)))).await
    }
}

impl Connection {
    pub(crate) async fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads one answer.
    pub(crate) async fn response(&mut self) -> Response {
        timeout(PATIENCE, self.read_response()).await.unwrap().unwrap()
    }

    /// Whether the server closes the connection without a further octet.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut octet = [0];
        matches!(timeout(PATIENCE, self.stream.read(&mut octet)).await.unwrap(), Ok(0) | Err(_))
    }

    /// Reads one answer; none if the connection ends before.
    pub(crate) async fn read_response(&mut self) -> Option<Response> {
        let head_end = loop {
            if let Some(end) = self.received.windows(4).position(|octets| octets == b"\r\n\r\n") {
                break end;
            }
            self.receive().await?;
        };
        let head = String::from_utf8(self.received[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut response = Response { status, headers, body: Vec::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.received.len() < head_end + 4 + length {
            self.receive().await?;
        }
        let rest = self.received.split_off(head_end + 4 + length);
        response.body = self.received.split_off(head_end + 4);
        self.received = rest;
        Some(response)
    }

    async fn receive(&mut self) -> Option<()> {
        let mut octets = [0; 4096];
        match self.stream.read(&mut octets).await {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                self.received.extend_from_slice(&octets[..read]);
                Some(())
            }
        }
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Checks that it is a refusal in words, with this status and code.
    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert!(text.starts_with(&format!("{code}: ")), "{text}");
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(self.header("x-request-id").is_some());
    }

    /// The certificates (DER) in a certs-only answer.
    #[track_caller]
    pub(crate) fn certificates(&self) -> Vec<Vec<u8>> {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("content-transfer-encoding"), Some("base64"));
        assert!(self.header("content-type").unwrap().starts_with("application/pkcs7-mime"));
        let message = ContentInfo::from_der(&STANDARD.decode(&self.body).unwrap()).unwrap();
        let message: SignedData = message.content.decode_as().unwrap();
        message.certificates.unwrap().0.iter().map(|certificate| certificate.to_der().unwrap()).collect()
    }

    /// The one certificate (DER) in the answer to an enrollment.
    #[track_caller]
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let mut certificates = self.certificates();
        assert_eq!(self.header("content-type"), Some("application/pkcs7-mime; smime-type=certs-only"));
        assert_eq!(certificates.len(), 1);
        certificates.remove(0)
    }
}

/// A request with these header fields, and a Content-Length if there is a body.
pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in fields {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !body.is_empty() {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// The request that posts a PKCS#10 request.
pub(crate) fn enrollment(path: &str, csr: &[u8], basic: Option<(&str, &str)>) -> Vec<u8> {
    let credentials = basic.map(|(user, password)| STANDARD.encode(format!("{user}:{password}")));
    let credentials = credentials.map(|credentials| format!("Basic {credentials}"));
    let mut fields = vec![("Content-Type", "application/pkcs10")];
    fields.extend(credentials.as_deref().map(|value| ("Authorization", value)));
    request("POST", path, &fields, STANDARD.encode(csr).as_bytes())
}
