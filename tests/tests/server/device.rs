//! A device in Rust: for many at once, and for one that stops in the middle of a request.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::site::Site;

/// The longest time to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// The authorities that a device trusts.
pub(crate) type Roots = Arc<RootCertStore>;

/// The authority of a site.
pub(crate) fn roots(site: &Site) -> Roots {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(site.file("ca.pem")).unwrap()).unwrap();
    Arc::new(roots)
}

/// A device with a key, and the certificate that it has now.
pub(crate) struct Device {
    pub(crate) name: String,
    roots: Roots,
    key: KeyPair,
    /// The request (DER) that it sends until that is answered.
    request: Vec<u8>,
    /// Every certificate (DER) that it got, newest last.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// A connection.
pub(crate) struct Connection(TlsStream<TcpStream>);

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Device {
    pub(crate) fn named(name: &str, roots: &Roots) -> Self {
        let key = KeyPair::generate().unwrap();
        let request = request(name, &key);
        Self { name: name.to_owned(), roots: roots.clone(), key, request, certificates: Vec::new() }
    }

    /// Enrolls with a token.
    pub(crate) async fn enroll(&mut self, server: SocketAddr, token: &str) {
        let credentials = STANDARD.encode(format!("{}:{token}", self.name));
        let field = format!("Authorization: Basic {credentials}\r\n");
        let answer = self.post(server, "simpleenroll", &field).await.unwrap();
        self.take(&answer);
    }

    /// Sends its renewal, the same one until it is answered with a certificate.
    pub(crate) async fn renew(&mut self, server: SocketAddr) -> Result<u16> {
        let answer = self.ask(server).await?;
        if answer.status == 200 {
            self.take(&answer);
        }
        Ok(answer.status)
    }

    /// The answer to its renewal, which it does not take.
    pub(crate) async fn ask(&self, server: SocketAddr) -> Result<Answer> {
        self.post(server, "simplereenroll", "").await
    }

    /// Takes the certificate of an answer, and makes the next request.
    #[track_caller]
    pub(crate) fn take(&mut self, answer: &Answer) {
        self.certificates.push(answer.certificate());
        self.request = request(&self.name, &self.key);
    }

    /// A connection on which it presents its certificate, if it has one.
    pub(crate) async fn connect(&self, server: SocketAddr) -> Result<Connection> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let config = match self.certificates.last() {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![certificate.clone().into()], key).unwrap()
            }
        };
        let stream = TcpStream::connect(server).await?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Connection(connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?))
    }

    /// Its renewal, header and body. The server is asked to say when it begins to read the body.
    pub(crate) fn renewal(&self) -> (String, String) {
        self.message("simplereenroll", "Expect: 100-continue\r\n")
    }

    fn message(&self, operation: &str, field: &str) -> (String, String) {
        let body = STANDARD.encode(&self.request);
        let head = format!(
            "POST /.well-known/est/{operation} HTTP/1.1\r\nHost: localhost\r\n{field}\
             Content-Type: application/pkcs10\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        (head, body)
    }

    async fn post(&self, server: SocketAddr, operation: &str, field: &str) -> Result<Answer> {
        let (head, body) = self.message(operation, field);
        let exchange = async {
            let mut connection = self.connect(server).await?;
            connection.send(&format!("{head}{body}")).await?;
            connection.answer().await
        };
        timeout(PATIENCE, exchange).await?
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        self.0.flush().await
    }

    /// Reads one answer.
    pub(crate) async fn answer(&mut self) -> Result<Answer> {
        let mut received = Vec::new();
        loop {
            if let Some(answer) = Answer::parse(&String::from_utf8_lossy(&received)) {
                return Ok(answer);
            }
            if timeout(PATIENCE, self.0.read_buf(&mut received)).await?? == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "no whole answer"));
            }
        }
    }

    /// The certificate (DER) that the server has shown.
    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        self.0.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
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
    #[track_caller]
    pub(crate) fn certificate(&self) -> Vec<u8> {
        assert_eq!(self.status, 200, "{self:?}");
        let message = ContentInfo::from_der(&STANDARD.decode(&self.body).unwrap()).unwrap();
        let message: SignedData = message.content.decode_as().unwrap();
        let certificates = message.certificates.unwrap().0;
        assert_eq!(certificates.len(), 1);
        certificates.get(0).unwrap().to_der().unwrap()
    }
}

/// A request (DER). Its signature is another one each time.
fn request(name: &str, key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serialize_request(key).unwrap().der().to_vec()
}
