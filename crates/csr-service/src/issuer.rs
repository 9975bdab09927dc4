//! The issuer: a CA certificate and the key that signs.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use der::Decode;
use rcgen::{CertificateParams, KeyIdMethod, KeyPair, SigningKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use sha2::{Digest, Sha256};

use crate::authority::Authority;
use crate::crl::CrlIssuer;
use crate::csr::Csr;
use crate::device_issuer::DeviceIssuer;
use crate::encoding::pem_of;
use crate::issuer_error::IssuerError;
use crate::name_constraints::NameConstraints;
use crate::names::RawName;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// A key that signs, wherever it lives: in memory, in a hardware module, behind a network.
/// [`SigningKey::sign`] may take long and may fail.
pub type Signer = Arc<dyn SigningKey + Send + Sync>;

/// An authority that issues certificates. It exists only when the certificate is a CA's that may
/// issue certificates for TLS clients and was valid at the time it was loaded, when its name
/// constraints can be obeyed, and when the key is the certificate's.
#[derive(Clone)]
pub struct Issuer {
    authority: Authority,
    params: CertificateParams,
    signer: Signer,
    name_constraints: NameConstraints,
}

impl Issuer {
    /// Loads an issuer from PEM: the CA certificate, and its private key in PKCS#8, SEC 1 or
    /// PKCS#1. The key is ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits.
    ///
    /// # Errors
    /// [`IssuerError`] when certificate or key cannot be read, do not belong together, or the
    /// certificate is no CA's, not valid at `now`, may not issue certificates for TLS clients
    /// (RFC 5280, sections 4.2.1.3 and 4.2.1.12), or has name constraints that cannot be obeyed.
    pub fn from_pem(
        certificate_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
        now: DateTime<Utc>,
    ) -> Result<Self, IssuerError> {
        let authority = Authority::read(certificate_pem.as_ref())?;
        let key = read_key(key_pem.as_ref())?;
        Self::of(authority, Arc::new(key), now)
    }

    /// Makes an issuer from a CA certificate, PEM or DER, and a key that lives elsewhere.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem); the key's public half must be the certificate's.
    pub fn with_signer(
        certificate: impl AsRef<[u8]>,
        signer: Signer,
        now: DateTime<Utc>,
    ) -> Result<Self, IssuerError> {
        Self::of(Authority::read(certificate.as_ref())?, signer, now)
    }

    fn of(authority: Authority, signer: Signer, now: DateTime<Utc>) -> Result<Self, IssuerError> {
        let mut issuer = Self::pair(authority, signer)?;
        let authority = &issuer.authority;
        if now < authority.not_before {
            return Err(IssuerError::NotYetValid(authority.not_before));
        }
        if now > authority.not_after {
            return Err(IssuerError::Expired(authority.not_after));
        }
        if !authority.permits_client_auth {
            return Err(IssuerError::MayNotIssueForClients);
        }
        issuer.name_constraints =
            NameConstraints::of_certificate(&authority.der).map_err(IssuerError::NameConstraints)?;
        Ok(issuer)
    }

    /// Certificate and key that belong together, whether the certificate is valid now or not, and
    /// whatever it may issue.
    pub(crate) fn pair(authority: Authority, signer: Signer) -> Result<Self, IssuerError> {
        if signer.subject_public_key_info() != authority.key_info {
            return Err(IssuerError::KeyMismatch);
        }
        let params = issuing_params(&authority)?;
        Ok(Self { authority, params, signer, name_constraints: NameConstraints::default() })
    }

    /// The CA certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem_of("CERTIFICATE", &self.authority.der)
    }

    /// The CA certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.authority.der
    }

    /// From when on the CA certificate is valid.
    #[must_use]
    pub const fn not_before(&self) -> DateTime<Utc> {
        self.authority.not_before
    }

    /// The last moment at which the CA certificate is valid; nothing issued is valid longer.
    #[must_use]
    pub const fn not_after(&self) -> DateTime<Utc> {
        self.authority.not_after
    }

    /// The SHA-256 of the issuer's DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.authority.key_info).into()
    }

    /// The identifier of the issuer's key in lowercase hexadecimal, as issued certificates refer
    /// to it (RFC 5280, section 4.2.1.1): the subject key identifier of the CA certificate.
    #[must_use]
    pub fn key_id(&self) -> String {
        hex::encode(self.key_identifier())
    }

    /// The issuer as one that signs revocation lists.
    ///
    /// # Errors
    /// [`IssuerError::MayNotSignLists`] when its certificate does not allow it.
    pub fn as_crl_issuer(&self) -> Result<CrlIssuer, IssuerError> {
        CrlIssuer::of(self.clone())
    }

    /// Refuses a request for the issuer's own key: its holder could act as the authority.
    ///
    /// # Errors
    /// A [`Rejection`] with [`Reason::KeyBelongsToIssuer`].
    pub fn refuse_own_key(&self, csr: &Csr) -> Result<(), Rejection> {
        if csr.spki_der() == self.authority.key_info {
            return Err(Reason::KeyBelongsToIssuer.into());
        }
        Ok(())
    }

    /// Refuses a request with a name that the issuer's certificate does not permit (RFC 5280, section
    /// 4.2.1.10): verifiers would refuse the certificate. The subject is compared with constraints of
    /// directory names, its e-mail addresses and the alternative names with those of their forms.
    ///
    /// # Errors
    /// A [`Rejection`] with [`Reason::NameNotPermittedByIssuer`] that has the name and the constraint.
    pub fn permits_names(&self, csr: &Csr) -> Result<(), Rejection> {
        self.name_constraints.check(csr).map_err(|why| Rejection::new(Reason::NameNotPermittedByIssuer, why))
    }

    /// The issuer as a device issuer, so that what it issued can be renewed.
    #[must_use]
    pub fn as_device_issuer(&self) -> DeviceIssuer {
        DeviceIssuer::ours(self.authority.clone())
    }

    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The identifier of the issuer's key, as issued certificates refer to it.
    pub(crate) fn key_identifier(&self) -> Vec<u8> {
        self.params.key_identifier(&self.signer.as_ref())
    }

    /// The issuer as rcgen takes it.
    pub(crate) fn for_rcgen(&self) -> rcgen::Issuer<'_, &(dyn SigningKey + Send + Sync)> {
        rcgen::Issuer::from_params(&self.params, self.signer.as_ref())
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("authority", &self.authority)
            .field("signer", &"(not shown)")
            .finish_non_exhaustive()
    }
}

/// The name and key identifier of the authority as rcgen takes them. Whether the name is written
/// unchanged is checked before; rcgen would drop repeated attributes, and panic at empty parts.
fn issuing_params(authority: &Authority) -> Result<CertificateParams, IssuerError> {
    let name = RawName::from_der(&authority.name).map_err(|error| IssuerError::Name(error.to_string()))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = name.for_rcgen().map_err(IssuerError::Name)?;
    if name.is_empty() {
        return Err(IssuerError::Name("it is empty".into()));
    }
    if let Some(identifier) = &authority.key_identifier {
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.clone());
    }
    Ok(params)
}

/// The only private key in a PEM file; OpenSSL writes `EC PARAMETERS` in front of some.
pub(crate) fn read_key(pem: &[u8]) -> Result<KeyPair, IssuerError> {
    let blocks = pem::parse_many(pem).map_err(|_| IssuerError::NoKey("broken PEM".into()))?;
    let mut keys = blocks.iter().filter(|block| block.tag().ends_with("PRIVATE KEY"));
    let (Some(key), None) = (keys.next(), keys.next()) else {
        let labels: Vec<_> = blocks.iter().map(pem::Pem::tag).collect();
        return Err(IssuerError::NoKey(match labels.as_slice() {
            [] => "no PEM block".into(),
            labels => format!("PEM blocks: {}", renewal_domain::text::clean(&labels.join(", "), 100)),
        }));
    };
    let encrypted = key.headers().get("Proc-Type").is_some_and(|value| value.contains("ENCRYPTED"));
    if encrypted || key.tag() == "ENCRYPTED PRIVATE KEY" {
        return Err(IssuerError::KeyEncrypted);
    }
    let der = key.contents();
    // AWS-LC would read more than it needs.
    der::asn1::AnyRef::from_der(der).map_err(|_| IssuerError::KeyUnusable)?;
    let der = match key.tag() {
        "PRIVATE KEY" => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        other => {
            let label = renewal_domain::text::clean(other, 100);
            return Err(IssuerError::NoKey(format!("PEM block: {label}")));
        }
    };
    KeyPair::try_from(&der).map_err(|_| IssuerError::KeyUnusable)
}

#[cfg(test)]
mod tests;
