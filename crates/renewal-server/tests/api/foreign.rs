//! An authority of another system, whose certificates are trusted.

use csr_service::{CaCertificate, DeviceIssuer};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use renewal_domain::OrgId;
use time::OffsetDateTime;

use crate::world::request_for;

/// An authority of another system.
pub(crate) struct Authority {
    key: KeyPair,
    params: CertificateParams,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = request_for(name);
        params.distinguished_name.push(DnType::OrganizationName, "Works");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (at(1_860_000_000), at(2_500_000_000));
        let certificate = params.self_signed(&key).unwrap();
        Self { key, params, certificate }
    }

    pub(crate) fn trusted_in(&self, org: OrgId) -> DeviceIssuer {
        DeviceIssuer::trusted(self.certificate.pem(), org).unwrap()
    }

    /// The SHA-256 of its certificate.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(CaCertificate::read(self.certificate.der()).unwrap().sha256())
    }

    /// A certificate of this name (PEM) for a TLS client.
    pub(crate) fn client_certificate(&self, name: &str, key: &KeyPair) -> String {
        let mut params = request_for(name);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = (at(1_860_000_000), at(2_200_000_000));
        params.signed_by(key, &rcgen::Issuer::from_params(&self.params, &self.key)).unwrap().pem()
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}
