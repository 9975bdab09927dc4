//! Revocation lists: which certificates of an issuer are not to be trusted any more (RFC 5280,
//! section 5).

mod lint;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use renewal_domain::{Revocation, RevocationReason, Serial};

use crate::authority::Authority;
use crate::certificate::whole_second;
use crate::encoding::pem_of;
use crate::issuer::{Issuer, Signer, read_key};
use crate::issuer_error::IssuerError;

/// An authority that signs revocation lists: the present issuer, or a previous one whose key was
/// kept. Its own validity is not looked at, since its last list may come after it.
#[derive(Clone, Debug)]
pub struct CrlIssuer(Issuer);

impl CrlIssuer {
    /// Loads an authority from PEM, as [`Issuer::from_pem`] does.
    ///
    /// # Errors
    /// [`IssuerError`] when certificate or key cannot be read, do not belong together, or the
    /// certificate has a `keyUsage` without `cRLSign`.
    pub fn from_pem(
        certificate_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Result<Self, IssuerError> {
        let key = read_key(key_pem.as_ref())?;
        Self::with_signer(certificate_pem, std::sync::Arc::new(key))
    }

    /// Makes it from a CA certificate, PEM or DER, and a key that lives elsewhere.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn with_signer(certificate: impl AsRef<[u8]>, signer: Signer) -> Result<Self, IssuerError> {
        Self::of(Issuer::pair(Authority::read(certificate.as_ref())?, signer)?)
    }

    pub(crate) fn of(issuer: Issuer) -> Result<Self, IssuerError> {
        if !issuer.authority().may_sign_crls {
            return Err(IssuerError::MayNotSignLists);
        }
        Ok(Self(issuer))
    }

    /// The [identifier](Issuer::key_id) of the key.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.0.key_id()
    }

    /// The CA certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        self.0.certificate_der()
    }

    /// The SHA-256 of its DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        self.0.public_key_sha256()
    }
}

/// A revocation list that was signed, read back, and found to be what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    this_update: DateTime<Utc>,
    next_update: DateTime<Utc>,
}

impl RevocationList {
    /// The list, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The list, PEM (RFC 7468, section 6).
    #[must_use]
    pub fn pem(&self) -> String {
        pem_of("X509 CRL", &self.der)
    }

    /// When it was made, in whole seconds. As seconds since 1970, this is its number, too.
    #[must_use]
    pub const fn this_update(&self) -> DateTime<Utc> {
        self.this_update
    }

    /// By when there is a newer one, in whole seconds: the list is not to be used afterwards.
    #[must_use]
    pub const fn next_update(&self) -> DateTime<Utc> {
        self.next_update
    }
}

/// Why no revocation list was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// The list would be valid for less than a second, or beyond the year 9999.
    #[error("a revocation list must be valid for at least a second, and not beyond the year 9999")]
    Validity,
    /// The key could not sign.
    #[error("the issuer's key could not sign the revocation list")]
    Signer(#[source] rcgen::Error),
    /// What was signed is not what was meant; it is not released.
    #[error("the signed revocation list is wrong: {0}")]
    Wrong(String),
}

/// One certificate on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) serial: Serial,
    pub(crate) revocation: Revocation,
}

/// What a list is meant to be.
pub(crate) struct Meant<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) this_update: time::OffsetDateTime,
    pub(crate) next_update: time::OffsetDateTime,
}

/// Signs the list of these certificates. Blocks the thread as long as the key takes.
pub(crate) fn sign(
    issuer: &CrlIssuer,
    entries: &[Entry],
    now: DateTime<Utc>,
    validity: Duration,
) -> Result<RevocationList, CrlError> {
    let validity = TimeDelta::from_std(validity).map_err(|_| CrlError::Validity)?;
    let ends = now.checked_add_signed(validity).ok_or(CrlError::Validity)?;
    let (Some(this_update), Some(next_update)) = (whole_second(now), whole_second(ends)) else {
        return Err(CrlError::Validity);
    };
    let number = u64::try_from(this_update.unix_timestamp()).map_err(|_| CrlError::Validity)?;
    if this_update >= next_update {
        return Err(CrlError::Validity);
    }
    let meant = Meant { entries, this_update, next_update };
    let params = CertificateRevocationListParams {
        this_update,
        next_update,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: entries
            .iter()
            .map(Entry::for_rcgen)
            .collect::<Option<_>>()
            .ok_or(CrlError::Validity)?,
        key_identifier_method: KeyIdMethod::PreSpecified(issuer.0.key_identifier()),
    };
    let list = params.signed_by(&issuer.0.for_rcgen()).map_err(CrlError::Signer)?;
    let der = list.der().to_vec();
    lint::check(&der, &issuer.0, &meant).map_err(CrlError::Wrong)?;
    let chrono = |time: time::OffsetDateTime| DateTime::from_timestamp(time.unix_timestamp(), 0);
    let (Some(this_update), Some(next_update)) = (chrono(this_update), chrono(next_update)) else {
        return Err(CrlError::Validity);
    };
    Ok(RevocationList { der, this_update, next_update })
}

impl Entry {
    fn for_rcgen(&self) -> Option<RevokedCertParams> {
        Some(RevokedCertParams {
            serial_number: SerialNumber::from_slice(self.serial.as_bytes()),
            revocation_time: whole_second(self.revocation.at)?,
            reason_code: reason_code(self.revocation.reason),
            invalidity_date: None,
        })
    }
}

/// The code of a reason; that none was given is left out (RFC 5280, section 5.3.1).
const fn reason_code(reason: RevocationReason) -> Option<rcgen::RevocationReason> {
    Some(match reason {
        RevocationReason::Unspecified => return None,
        RevocationReason::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
        RevocationReason::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
        RevocationReason::Superseded => rcgen::RevocationReason::Superseded,
        RevocationReason::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
    })
}

#[cfg(test)]
mod tests;
