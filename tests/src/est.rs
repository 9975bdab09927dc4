//! A client of EST (RFC 7030): for many devices at once, and for one that stops in the middle of a
//! request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::x509::der::{Decode, Encode};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The authorities whose servers a client trusts.
pub type Roots = Arc<RootCertStore>;

/// The authority in a PEM file.
///
/// # Errors
///
/// When there is no certificate in the file.
pub fn roots(file: &Path) -> Result<Roots> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(file).map_err(Error::other)?;
    roots.add(certificate).map_err(Error::other)?;
    Ok(Arc::new(roots))
}

/// A certificate that a client presents, and its key.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// DER.
    pub certificate: &'a [u8],
    /// The key in the certificate.
    pub key: &'a KeyPair,
}

/// A request (RFC 2986), in DER, for a certificate in this name. Its signature is another one
/// each time.
///
/// # Errors
///
/// When the name is not one that a certificate can have.
pub fn certificate_request(name: &str, key: &KeyPair) -> Result<Vec<u8>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(key).map_err(Error::other)?;
    Ok(request.der().to_vec())
}

/// A request of HTTP that posts `csr`: header and body.
///
/// `path` is what comes after `/.well-known/est/`, and `fields` are further lines of the header,
/// each with its end.
#[must_use]
pub fn message(path: &str, fields: &str, csr: &[u8]) -> (String, String) {
    let body = STANDARD.encode(csr);
    let head = format!(
        "POST /.well-known/est/{path} HTTP/1.1\r\nHost: localhost\r\n{fields}\
         Content-Type: application/pkcs10\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head, body)
}

/// The line of a header that presents an enrollment token.
#[must_use]
pub fn token_field(device: &str, token: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{device}:{token}")))
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection(TlsStream<TcpStream>);

impl Connection {
    /// Connects, and presents an identity if there is one.
    ///
    /// # Errors
    ///
    /// When the server is not there, or not one that `roots` know as `localhost`.
    pub async fn open(server: SocketAddr, roots: &Roots, identity: Option<Identity<'_>>) -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?
            .with_root_certificates(roots.clone());
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(Error::other)?;
                let chain = vec![certificate.to_vec().into()];
                builder.with_client_auth_cert(chain, key).map_err(Error::other)?
            }
        };
        let stream = TcpStream::connect(server).await?;
        let name = ServerName::try_from("localhost").map_err(Error::other)?;
        Ok(Self(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
    }

    /// Sends text.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        self.0.flush().await
    }

    /// Reads one answer.
    ///
    /// # Errors
    ///
    /// When the connection is closed before the answer is whole.
    pub async fn answer(&mut self) -> Result<Answer> {
        let mut received = Vec::new();
        loop {
            if let Some(answer) = Answer::parse(&String::from_utf8_lossy(&received)) {
                return Ok(answer);
            }
            if self.0.read_buf(&mut received).await? == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "no whole answer"));
            }
        }
    }

    /// The certificate (DER) that the server has shown.
    #[must_use]
    pub fn server_certificate(&self) -> Option<Vec<u8>> {
        Some(self.0.get_ref().1.peer_certificates()?.first()?.to_vec())
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as it came.
    pub body: String,
}

impl Answer {
    /// An answer, if it is whole.
    fn parse(received: &str) -> Option<Self> {
        let (head, body) = received.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let field = lines.find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = field.unwrap_or_default();
        (body.len() >= length).then(|| Self { status, body: body.to_owned() })
    }

    /// The one certificate (DER) in it.
    ///
    /// # Errors
    ///
    /// When it is not an answer with exactly one certificate (RFC 7030, section 4.2.3).
    pub fn certificate(&self) -> Result<Vec<u8>> {
        let otherwise =
            || Error::new(ErrorKind::InvalidData, format!("no answer with one certificate: {self:?}"));
        if self.status != 200 {
            return Err(otherwise());
        }
        let body = STANDARD.decode(&self.body).map_err(|_| otherwise())?;
        let message = ContentInfo::from_der(&body).map_err(|_| otherwise())?;
        let message: SignedData = message.content.decode_as().map_err(|_| otherwise())?;
        let certificates = message.certificates.map(|set| set.0).ok_or_else(otherwise)?;
        match (certificates.len(), certificates.get(0)) {
            (1, Some(certificate)) => certificate.to_der().map_err(Error::other),
            _ => Err(otherwise()),
        }
    }
}
