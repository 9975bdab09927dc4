//! Certificate requests: PKCS#10 (RFC 2986), read, judged and proven.
//!
//! The checks run in a fixed order, cheap before dear, and the first that fails gives the reason:
//! size, strict DER with nothing behind it, version, key policy, signature algorithm, signature,
//! extensions, subject, subject alternative names.

mod extensions;
#[cfg(test)]
mod tests;

use std::fmt;

use der::asn1::{AnyRef, IntRef};
use der::{Encode, Sequence};
use sha2::{Digest, Sha256};

use crate::algorithm::{SignatureFailure, verify};
use crate::encoding::{PublicKeyInfo, Signed, Unreadable, check_canonical, der_of};
use crate::key::{KeyKind, KeyPolicy};
use crate::names::{RawName, Subject, SubjectAltNames};
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The largest request that is read, in octets of DER.
pub const MAX_CSR_BYTES: usize = 16 * 1024;

/// The largest PEM input that is looked at, in octets: room for a request of [`MAX_CSR_BYTES`]
/// and a text form of it in front.
pub const MAX_CSR_PEM_BYTES: usize = 8 * MAX_CSR_BYTES;

/// A certificate request that was found good: its signature verified, so whoever made it holds
/// the private key; its key and its names are allowed. There is no other way to get one than
/// [`Csr::parse`].
#[derive(Clone)]
pub struct Csr {
    der: Vec<u8>,
    key_info: Vec<u8>,
    key_kind: KeyKind,
    subject: Subject,
    san: SubjectAltNames,
}

/// `CertificationRequestInfo` (RFC 2986, section 4.1).
#[derive(Sequence)]
struct Info<'a> {
    version: IntRef<'a>,
    subject: AnyRef<'a>,
    key: AnyRef<'a>,
    attributes: AnyRef<'a>,
}

impl Csr {
    /// Reads a request, DER or PEM, and judges it.
    ///
    /// PEM is one block labelled `CERTIFICATE REQUEST` or `NEW CERTIFICATE REQUEST`; text around
    /// it is ignored.
    ///
    /// # Errors
    /// The [`Rejection`] of the first check that fails, in the order given in this module's
    /// introduction.
    pub fn parse(input: &[u8], policy: &KeyPolicy) -> Result<Self, Rejection> {
        let der = read(input)?;
        let unreadable = |error| Rejection::new(Reason::CsrMalformed, format!("{error}"));
        let signed = Signed::from_der(&der).map_err(unreadable)?;
        let info: Info<'_> = signed.body.decode_as().map_err(unreadable)?;
        let subject = info.subject.to_der().map_err(unreadable)?;
        let name = RawName::from_der(&subject).map_err(unreadable)?;
        let attributes = extensions::attributes(&info.attributes).map_err(unreadable)?;
        let key_info = info.key.to_der().map_err(unreadable)?;
        let key = PublicKeyInfo::from_der(&key_info).map_err(unreadable)?;

        if info.version.as_bytes() != [0] {
            return Err(Reason::CsrVersion.into());
        }
        let key_kind = policy.judge(&key)?;
        verify(&signed, &key).map_err(|failure| match failure {
            SignatureFailure::NotAllowed(name) => Rejection::new(Reason::SignatureAlgorithmNotAllowed, name),
            SignatureFailure::Invalid => Reason::SignatureInvalid.into(),
        })?;
        let alt_names = extensions::judge(&attributes)?;
        let subject = Subject::judge(&name)?;
        let san = match alt_names {
            Some(content) => SubjectAltNames::from_extension(content)?,
            None => SubjectAltNames::default(),
        };
        Ok(Self { der, key_info, key_kind, subject, san })
    }

    /// The request, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 of [`der`](Self::der).
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The requested subject.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The requested subject alternative names; empty when none are requested.
    #[must_use]
    pub const fn san(&self) -> &SubjectAltNames {
        &self.san
    }

    /// The public key, a DER `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.key_info
    }

    /// The SHA-256 of [`spki_der`](Self::spki_der).
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.key_info).into()
    }

    /// What kind of key it is; shown as `ECDSA P-256`, `RSA-2048` and so on.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.key_kind
    }
}

impl fmt::Debug for Csr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csr")
            .field("subject", &self.subject)
            .field("san", &self.san.to_string())
            .field("key", &self.key_kind.to_string())
            .field("sha256", &hex::encode(self.sha256()))
            .finish_non_exhaustive()
    }
}

/// The DER of the request: not too large, canonical, and nothing behind it.
fn read(input: &[u8]) -> Result<Vec<u8>, Rejection> {
    let too_large = |len| Rejection::new(Reason::CsrTooLarge, format!("{len} octets"));
    if input.len() > MAX_CSR_PEM_BYTES {
        return Err(too_large(input.len()));
    }
    let malformed = |Unreadable(why)| Rejection::new(Reason::CsrMalformed, why);
    let der = der_of(input, &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]).map_err(malformed)?;
    if der.len() > MAX_CSR_BYTES {
        return Err(too_large(der.len()));
    }
    check_canonical(&der).map_err(malformed)?;
    Ok(der)
}
