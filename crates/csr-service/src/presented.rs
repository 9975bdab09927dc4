//! The certificate that a device presents.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::Serial;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry as oids;

use crate::algorithm::verify;
use crate::certificate_der::{certificate_der, parse, time};
use crate::device_issuer::DeviceIssuer;
use crate::encoding::{PublicKeyInfo, Signed, Unreadable};
use crate::key::refuse_broken;
use crate::names::{RawName, Subject, SubjectAltNames};
use crate::reason::Reason;
use crate::rejection::Rejection;

/// How far a presented certificate's start may lie in the future: clocks differ.
const CLOCK_LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// A device certificate that was found genuine: issued by a device issuer, for a device, with
/// names that can be renewed. It may have expired; that somebody holds its key is not shown by it.
#[derive(Clone)]
pub struct PresentedCertificate {
    der: Vec<u8>,
    issuer_index: usize,
    serial: Serial,
    subject: Subject,
    san: SubjectAltNames,
    key_info: Vec<u8>,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl PresentedCertificate {
    /// Reads a certificate, DER or PEM, and judges it against the device issuers; the first that
    /// fits in name, key identifier and signature counts.
    ///
    /// # Errors
    /// A [`Rejection`] with one of the reasons `Certificate…` that say "presented"; or
    /// [`Reason::KeyFactorable`] or [`Reason::KeyGuessable`], since anybody could present it.
    pub fn parse(input: &[u8], issuers: &[DeviceIssuer], now: DateTime<Utc>) -> Result<Self, Rejection> {
        let der = certificate_der(input).map_err(malformed)?;
        let certificate = parse(&der).map_err(malformed)?;
        let issuer_index = find_issuer(&der, &certificate, issuers)?;
        check_purpose(&certificate)?;
        check_key(&certificate)?;

        let serial = certificate.raw_serial();
        if serial.first().is_some_and(|octet| octet & 0x80 != 0) {
            return Err(malformed(Unreadable("the serial number is negative".into())));
        }
        let serial =
            Serial::from_be_bytes(serial).map_err(|error| malformed(Unreadable(error.to_string())))?;
        let (subject, san) = names(&certificate)?;
        let validity = certificate.validity();
        let beyond = || malformed(Unreadable("its times cannot be computed with".into()));
        let not_before = time(&validity.not_before).ok_or_else(beyond)?;
        let not_after = time(&validity.not_after).ok_or_else(beyond)?;
        if not_before.signed_duration_since(now) > CLOCK_LEEWAY {
            let detail = format!("valid from {not_before}");
            return Err(Rejection::new(Reason::CertificateNotYetValid, detail));
        }
        Ok(Self {
            issuer_index,
            serial,
            subject,
            san,
            key_info: certificate.public_key().raw.to_vec(),
            not_before,
            not_after,
            der,
        })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Which of the given device issuers issued it, counted from 0.
    #[must_use]
    pub const fn issuer_index(&self) -> usize {
        self.issuer_index
    }

    /// The serial number.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The subject alternative names; empty when it has none.
    #[must_use]
    pub const fn san(&self) -> &SubjectAltNames {
        &self.san
    }

    /// The public key, a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.key_info
    }

    /// The SHA-256 of the certificate, DER.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The SHA-256 of [`spki_der`](Self::spki_der).
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.key_info).into()
    }

    /// The first moment of its validity.
    #[must_use]
    pub const fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// The last moment of its validity.
    #[must_use]
    pub const fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// How long ago it expired; `None` while it is valid, its last second included
    /// (RFC 5280, section 4.1.2.5).
    #[must_use]
    pub fn expired_for(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let since = now.signed_duration_since(self.not_after);
        (since >= TimeDelta::seconds(1)).then_some(since)
    }
}

impl fmt::Debug for PresentedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedCertificate")
            .field("serial", &self.serial)
            .field("subject", &self.subject)
            .field("san", &self.san.to_string())
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn find_issuer(
    der: &[u8],
    certificate: &X509Certificate<'_>,
    issuers: &[DeviceIssuer],
) -> Result<usize, Rejection> {
    let foreign = |detail| Rejection::new(Reason::CertificateNotFromDeviceIssuer, detail);
    let signed = Signed::from_der(der).map_err(|error| malformed(Unreadable(error.to_string())))?;
    let wanted = authority_key_identifier(certificate);
    let mut by_name = issuers
        .iter()
        .enumerate()
        .filter(|(_, issuer)| issuer.authority.name == certificate.issuer().as_raw())
        .peekable();
    if by_name.peek().is_none() {
        return Err(foreign("no device issuer has the name of its issuer"));
    }
    by_name
        .filter(|(_, issuer)| match (wanted, &issuer.authority.key_identifier) {
            (Some(wanted), Some(present)) => wanted == present.as_slice(),
            _ => true,
        })
        .find(|(_, issuer)| {
            PublicKeyInfo::from_der(&issuer.authority.key_info).is_ok_and(|key| verify(&signed, &key).is_ok())
        })
        .map(|(index, _)| index)
        .ok_or_else(|| foreign("it was not signed with the key of the device issuer of this name"))
}

pub(crate) fn authority_key_identifier<'a>(certificate: &X509Certificate<'a>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(aki) => aki.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    })
}

/// It must be a device's: no authority's, for signatures and TLS clients if it says for what it is,
/// and without conditions that are not understood here (RFC 5280, section 4.2).
fn check_purpose(certificate: &X509Certificate<'_>) -> Result<(), Rejection> {
    let not_a_devices = |why| Rejection::new(Reason::CertificateNotADeviceCertificate, why);
    if certificate.is_ca() {
        return Err(not_a_devices("it is an authority's"));
    }
    if let Ok(Some(usage)) = certificate.key_usage()
        && !usage.value.digital_signature()
    {
        return Err(not_a_devices("its key usage lacks digitalSignature"));
    }
    if let Ok(Some(usage)) = certificate.extended_key_usage()
        && !(usage.value.client_auth || usage.value.any)
    {
        return Err(not_a_devices("its extended key usage lacks clientAuth"));
    }
    let understood = [
        oids::OID_X509_EXT_BASIC_CONSTRAINTS,
        oids::OID_X509_EXT_KEY_USAGE,
        oids::OID_X509_EXT_EXTENDED_KEY_USAGE,
        oids::OID_X509_EXT_SUBJECT_ALT_NAME,
        oids::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
        oids::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
        oids::OID_X509_EXT_CERTIFICATE_POLICIES,
    ];
    match certificate.extensions().iter().find(|e| e.critical && !understood.contains(&e.oid)) {
        Some(extension) => {
            Err(malformed(Unreadable(format!("the critical extension {} is not known here", extension.oid))))
        }
        None => Ok(()),
    }
}

/// Refuses a certificate whose private key is no secret. The type and the size of its key are not
/// judged: devices have such certificates already.
fn check_key(certificate: &X509Certificate<'_>) -> Result<(), Rejection> {
    let key = PublicKeyInfo::from_der(certificate.public_key().raw)
        .map_err(|error| malformed(Unreadable(error.to_string())))?;
    refuse_broken(&key).map_err(|rejection| {
        Rejection::new(rejection.reason(), format!("the presented certificate's key, {}", rejection.detail()))
    })
}

fn names(certificate: &X509Certificate<'_>) -> Result<(Subject, SubjectAltNames), Rejection> {
    let unsupported =
        |why: &dyn fmt::Display| Rejection::new(Reason::CertificateNameUnsupported, why.to_string());
    let name = RawName::from_der(certificate.subject().as_raw()).map_err(|error| unsupported(&error))?;
    let subject = Subject::judge(&name).map_err(|rejection| unsupported(&rejection))?;
    let san = match certificate.get_extension_unique(&oids::OID_X509_EXT_SUBJECT_ALT_NAME) {
        Ok(Some(extension)) => {
            SubjectAltNames::from_extension(extension.value).map_err(|rejection| unsupported(&rejection))?
        }
        _ => SubjectAltNames::default(),
    };
    Ok((subject, san))
}

fn malformed(Unreadable(why): Unreadable) -> Rejection {
    Rejection::new(Reason::CertificateMalformed, why)
}

#[cfg(test)]
mod tests;
