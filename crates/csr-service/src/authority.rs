//! The certificate of an authority: what issuers and device issuers have in common.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use x509_parser::extensions::ParsedExtension;

use crate::certificate_der::{certificate_der, parse, time};
use crate::encoding::{PublicKeyInfo, Unreadable};
use crate::issuer_error::IssuerError;
use crate::key::{KeyKind, KeyPolicy, MAX_RSA_BITS, MIN_RSA_BITS};

/// A certificate that may sign others. Whether it is valid now is not looked at.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    /// The DER of the subject.
    pub(crate) name: Vec<u8>,
    /// The DER of the public key.
    pub(crate) key_info: Vec<u8>,
    pub(crate) key_kind: KeyKind,
    /// The subject key identifier, when there is one.
    pub(crate) key_identifier: Option<Vec<u8>>,
    /// Whether it may sign revocation lists.
    pub(crate) may_sign_crls: bool,
    /// Whether its extended key usage, if it has one, lets the certificates that it signs be for TLS
    /// clients.
    pub(crate) permits_client_auth: bool,
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) not_after: DateTime<Utc>,
}

impl Authority {
    /// Reads the one certificate in the input, PEM or DER.
    pub(crate) fn read(input: &[u8]) -> Result<Self, IssuerError> {
        let unreadable = |Unreadable(why)| IssuerError::Certificate(why);
        let der = certificate_der(input).map_err(unreadable)?;
        let certificate = parse(&der).map_err(unreadable)?;
        if !certificate.is_ca() {
            return Err(IssuerError::NotAnAuthority);
        }
        // Without the extension, the key is for everything (RFC 5280, section 4.2.1.3).
        let usage = certificate.key_usage().map_err(|_| IssuerError::MayNotSign)?;
        if usage.as_ref().is_some_and(|usage| !usage.value.key_cert_sign()) {
            return Err(IssuerError::MayNotSign);
        }
        let may_sign_crls = usage.is_none_or(|usage| usage.value.crl_sign());
        let purposes = certificate.extended_key_usage().ok().flatten();
        let permits_client_auth = purposes.is_none_or(|it| it.value.client_auth || it.value.any);
        let beyond = || IssuerError::Certificate("its times cannot be computed with".into());
        let key_info = certificate.public_key().raw.to_vec();
        let key = PublicKeyInfo::from_der(&key_info)
            .map_err(|_| IssuerError::Certificate("its key cannot be read".into()))?;
        let key_kind = KeyPolicy::default()
            .with_rsa_bits(MIN_RSA_BITS..=MAX_RSA_BITS)
            .judge(&key)
            .map_err(|rejection| IssuerError::KeyType(rejection.detail().into()))?;
        let key_identifier =
            certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
                _ => None,
            });
        Ok(Self {
            name: certificate.subject().as_raw().to_vec(),
            key_info,
            key_kind,
            key_identifier,
            may_sign_crls,
            permits_client_auth,
            not_before: time(&certificate.validity().not_before).ok_or_else(beyond)?,
            not_after: time(&certificate.validity().not_after).ok_or_else(beyond)?,
            der,
        })
    }

    /// The identifier of the key: the subject key identifier, or where there is none, the first 20
    /// octets of the SHA-256 of the key.
    pub(crate) fn key_identifier_or_made(&self) -> Vec<u8> {
        match &self.key_identifier {
            Some(identifier) => identifier.clone(),
            None => Sha256::digest(&self.key_info)[..20].to_vec(),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("key_identifier", &self.key_identifier.as_ref().map(hex::encode))
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}
