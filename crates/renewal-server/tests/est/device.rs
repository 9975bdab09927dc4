//! A device: a name, a key, and the requests that it makes.

use rcgen::{CertificateParams, KeyPair};

use crate::client::Client;
use crate::world::{Server, World, cn, own_token};

pub(crate) const ENROLL: &str = "/.well-known/est/simpleenroll";
pub(crate) const REENROLL: &str = "/.well-known/est/simplereenroll";

/// A device.
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) key: KeyPair,
}

impl Device {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), key: KeyPair::generate().unwrap() }
    }

    /// Its request (DER) for its own name.
    pub(crate) fn csr(&self) -> Vec<u8> {
        self.csr_for(&self.name)
    }

    /// Its request (DER) for any name.
    pub(crate) fn csr_for(&self, name: &str) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = cn(name);
        params.serialize_request(&self.key).unwrap().der().to_vec()
    }

    /// Its request (DER) for its own name, and this DNS name.
    pub(crate) fn csr_with_dns(&self, dns: &str) -> Vec<u8> {
        let mut params = CertificateParams::new(vec![dns.to_owned()]).unwrap();
        params.distinguished_name = cn(&self.name);
        params.serialize_request(&self.key).unwrap().der().to_vec()
    }

    /// Enrolls with its token; its certificate (DER).
    pub(crate) async fn enroll(&self, world: &World, server: &Server) -> Vec<u8> {
        let client = Client::new(world, server.address);
        client.enroll_as(ENROLL, &self.csr(), &self.name, &own_token(&self.name)).await.certificate()
    }

    /// A client that presents this certificate (DER) of the device.
    pub(crate) fn client(&self, world: &World, server: &Server, certificate: &[u8]) -> Client {
        Client::presenting(world, server.address, certificate, &self.key)
    }
}
