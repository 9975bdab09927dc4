//! Makes a new authority: a key and a self-signed CA certificate.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    RsaKeySize, SerialNumber,
};
use renewal_domain::text::is_unsafe;
use time::OffsetDateTime;

use crate::certificate::whole_second;
use crate::issuer_error::IssuerError;
use crate::serial::random_serial;

/// How far the start of validity lies in the past, for machines whose clocks are slow.
const BACKDATE: TimeDelta = TimeDelta::seconds(60);

/// How long a new authority is valid unless it is said otherwise.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);

/// The key of a new authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IssuerKey {
    /// ECDSA P-256, signing with SHA-256.
    #[default]
    EcdsaP256,
    /// ECDSA P-384, signing with SHA-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits, signing with SHA-256.
    Rsa2048,
    /// RSA of 3072 bits, signing with SHA-256.
    Rsa3072,
    /// RSA of 4096 bits, signing with SHA-256.
    Rsa4096,
}

/// A new authority, to be written to files and loaded with
/// [`Issuer::from_pem`](crate::Issuer::from_pem).
#[derive(Clone)]
pub struct NewIssuer {
    certificate_pem: String,
    key_pem: String,
}

impl NewIssuer {
    /// Begins an authority whose subject is this common name.
    pub fn builder(common_name: impl Into<String>) -> NewIssuerBuilder {
        NewIssuerBuilder {
            common_name: common_name.into(),
            key: IssuerKey::default(),
            lifetime: DEFAULT_LIFETIME,
        }
    }

    /// The CA certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key, PKCS#8 in PEM, not encrypted. Whoever has it can issue certificates:
    /// write it to a file that only the service can read.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl fmt::Debug for NewIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewIssuer")
            .field("certificate_pem", &self.certificate_pem)
            .field("key_pem", &"(not shown)")
            .finish()
    }
}

/// Makes a [`NewIssuer`].
#[derive(Clone, Debug)]
#[must_use]
pub struct NewIssuerBuilder {
    common_name: String,
    key: IssuerKey,
    lifetime: Duration,
}

impl NewIssuerBuilder {
    /// Sets the kind of key; default ECDSA P-256.
    pub const fn key(mut self, key: IssuerKey) -> Self {
        self.key = key;
        self
    }

    /// Sets how long the certificate is valid; default ten years of 365 days.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Makes the key and a self-signed certificate, valid from a minute before `now` (clocks
    /// differ) until the lifetime after it. The certificate may issue device certificates, but
    /// no further authorities (RFC 5280, section 4.2.1.9), and sign revocation lists.
    ///
    /// # Errors
    /// [`IssuerError`] when the name does not have 1 to 64 characters, none of them a control
    /// character; when the lifetime is below a second or passes the year 9999; or when the key
    /// or a random number cannot be made.
    pub fn create(self, now: DateTime<Utc>) -> Result<NewIssuer, IssuerError> {
        let length = self.common_name.chars().count();
        if !(1..=64).contains(&length) || self.common_name.chars().any(is_unsafe) {
            return Err(IssuerError::NewIssuer(
                "this name: it must have 1 to 64 characters, none of them a control character",
            ));
        }
        let (not_before, not_after) = self.validity(now).ok_or(IssuerError::NewIssuer(
            "this lifetime: it must be at least a second and end by the year 9999",
        ))?;
        let mut params = CertificateParams::default();
        params.not_before = not_before;
        params.not_after = not_after;
        params.serial_number = Some(SerialNumber::from_slice(random_serial()?.as_bytes()));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = generate_key(self.key).map_err(IssuerError::NotMade)?;
        let certificate = params.self_signed(&key).map_err(IssuerError::NotMade)?;
        Ok(NewIssuer { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    fn validity(&self, now: DateTime<Utc>) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let lifetime = TimeDelta::from_std(self.lifetime).ok()?;
        let begins = whole_second(now.checked_sub_signed(BACKDATE)?)?;
        let ends = whole_second(now.checked_add_signed(lifetime)?)?;
        (lifetime >= TimeDelta::seconds(1)).then_some((begins, ends))
    }
}

fn generate_key(key: IssuerKey) -> Result<KeyPair, rcgen::Error> {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
    match key {
        IssuerKey::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        IssuerKey::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        IssuerKey::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        IssuerKey::Rsa2048 => rsa(RsaKeySize::_2048),
        IssuerKey::Rsa3072 => rsa(RsaKeySize::_3072),
        IssuerKey::Rsa4096 => rsa(RsaKeySize::_4096),
    }
}
