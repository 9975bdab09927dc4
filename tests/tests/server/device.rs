//! A device in Rust: for many at once, and for one that stops in the middle of a request.

use std::io::Result;
use std::net::SocketAddr;
use std::time::Duration;

use rcgen::KeyPair;
use tests::est::{self, Answer, Connection, Identity, Roots, certificate_request};
use tokio::time::timeout;

use crate::site::Site;

/// The longest time to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// The authority of a site.
pub(crate) fn roots(site: &Site) -> Roots {
    est::roots(&site.file("ca.pem")).unwrap()
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

impl Device {
    pub(crate) fn named(name: &str, roots: &Roots) -> Self {
        let key = KeyPair::generate().unwrap();
        let request = certificate_request(name, &key).unwrap();
        Self { name: name.to_owned(), roots: roots.clone(), key, request, certificates: Vec::new() }
    }

    /// Enrolls with a token.
    pub(crate) async fn enroll(&mut self, server: SocketAddr, token: &str) {
        let field = est::token_field(&self.name, token);
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
        self.certificates.push(answer.certificate().unwrap());
        self.request = certificate_request(&self.name, &self.key).unwrap();
    }

    /// A connection on which it presents its certificate, if it has one.
    pub(crate) async fn connect(&self, server: SocketAddr) -> Result<Connection> {
        let newest = self.certificates.last();
        let identity = newest.map(|certificate| Identity { certificate, key: &self.key });
        timeout(PATIENCE, Connection::open(server, &self.roots, identity)).await?
    }

    /// Its renewal, header and body. The server is asked to say when it begins to read the body.
    pub(crate) fn renewal(&self) -> (String, String) {
        est::message("simplereenroll", "Expect: 100-continue\r\n", &self.request)
    }

    async fn post(&self, server: SocketAddr, operation: &str, field: &str) -> Result<Answer> {
        let (head, body) = est::message(operation, field, &self.request);
        let exchange = async {
            let mut connection = self.connect(server).await?;
            connection.send(&format!("{head}{body}")).await?;
            connection.answer().await
        };
        timeout(PATIENCE, exchange).await?
    }
}
