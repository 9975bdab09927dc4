//! Certificates that have no row in the ledger, to be revoked there all the same.

use chrono::{DateTime, Utc};
use renewal_domain::{DeviceName, Serial, Sha256Digest};
use sha2::{Digest, Sha256};

use crate::algorithm::verify;
use crate::ca_certificate::CaCertificate;
use crate::certificate_der::{certificate_der, parse, time};
use crate::encoding::{PublicKeyInfo, Signed, Unreadable};

/// A certificate of another authority, or an unrecorded one of ours, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignCertificate {
    /// The SHA-256 of the issuing authority's DER `SubjectPublicKeyInfo`.
    pub issuer_key_sha256: Sha256Digest,
    /// The serial number.
    pub serial: Serial,
    /// The SHA-256 of the certificate, DER.
    pub certificate_sha256: Option<Sha256Digest>,
    /// The SHA-256 of its DER `SubjectPublicKeyInfo`.
    pub public_key_sha256: Option<Sha256Digest>,
    /// The common name of its subject.
    pub common_name: Option<DeviceName>,
    /// When it expires.
    pub not_after: Option<DateTime<Utc>>,
}

/// Why a certificate cannot be revoked here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignCertificateError {
    /// It cannot be read.
    #[error("the certificate cannot be read ({0}); give one certificate, PEM or DER")]
    Unreadable(String),
    /// None of the authorities issued it.
    #[error(
        "the certificate was issued by none of the authorities that are trusted here, so it is accepted nowhere; \
         check that it is the right file"
    )]
    UnknownIssuer,
}

impl ForeignCertificate {
    /// Names a certificate by its issuer and serial number alone.
    #[must_use]
    pub fn named(issuer: &CaCertificate, serial: Serial) -> Self {
        Self {
            issuer_key_sha256: issuer.public_key_sha256(),
            serial,
            certificate_sha256: None,
            public_key_sha256: None,
            common_name: None,
            not_after: None,
        }
    }

    /// Reads a certificate, PEM or DER, and finds which of the authorities issued it, by its signature.
    ///
    /// # Errors
    /// [`ForeignCertificateError`] when it cannot be read, or none of them did.
    pub fn read(input: &[u8], authorities: &[CaCertificate]) -> Result<Self, ForeignCertificateError> {
        let unreadable = |Unreadable(why)| ForeignCertificateError::Unreadable(why);
        let der = certificate_der(input).map_err(unreadable)?;
        let certificate = parse(&der).map_err(unreadable)?;
        let signed =
            Signed::from_der(&der).map_err(|error| ForeignCertificateError::Unreadable(error.to_string()))?;
        let issuer = authorities
            .iter()
            .filter(|issuer| issuer.subject_der() == certificate.issuer().as_raw())
            .find(|issuer| {
                PublicKeyInfo::from_der(issuer.key_info()).is_ok_and(|key| verify(&signed, &key).is_ok())
            })
            .ok_or(ForeignCertificateError::UnknownIssuer)?;
        let serial = Serial::from_be_bytes(certificate.raw_serial())
            .map_err(|error| ForeignCertificateError::Unreadable(error.to_string()))?;
        let name = certificate.subject().iter_common_name().next();
        Ok(Self {
            issuer_key_sha256: issuer.public_key_sha256(),
            serial,
            certificate_sha256: Some(Sha256::digest(&der).into()),
            public_key_sha256: Some(Sha256::digest(certificate.public_key().raw).into()),
            common_name: name.and_then(|name| DeviceName::new(name.as_str().ok()?).ok()),
            not_after: time(&certificate.validity().not_after),
        })
    }
}
