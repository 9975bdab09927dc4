//! Issues a certificate: made afresh from the profile, signed, and read back before it is released.
//!
//! Nothing of a request gets into a certificate but its public key and its vetted names.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    CertificateParams, CrlDistributionPoint, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SerialNumber,
    SubjectPublicKeyInfo,
};
use renewal_domain::Serial;
use time::OffsetDateTime;

use crate::csr::Csr;
use crate::encoding::pem_of;
use crate::issuer::Issuer;
use crate::lint;
use crate::profile::Profile;
use crate::reason::Reason;
use crate::rejection::Rejection;
use crate::serial::{RandomError, random_serial};

/// The shortest time that a certificate is valid, whatever is requested.
const SHORTEST_LIFETIME: TimeDelta = TimeDelta::seconds(1);

/// A certificate that was signed, read back, and found to be what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    der: Vec<u8>,
    serial: Serial,
    public_key_sha256: [u8; 32],
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl IssuedCertificate {
    /// The certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate, DER.
    #[must_use]
    pub fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// The certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem_of("CERTIFICATE", &self.der)
    }

    /// The serial number.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The SHA-256 of the DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub const fn public_key_sha256(&self) -> [u8; 32] {
        self.public_key_sha256
    }

    /// The first second of its validity.
    #[must_use]
    pub const fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// The last second of its validity.
    #[must_use]
    pub const fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }
}

/// Why no certificate was issued; each has its [`Reason`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The issuer's certificate is not valid now.
    #[error("the issuer's certificate is valid from {not_before} to {not_after} only")]
    IssuerNotValid {
        /// The first moment of its validity.
        not_before: DateTime<Utc>,
        /// The last moment of its validity.
        not_after: DateTime<Utc>,
    },
    /// The issuer's name constraints do not permit a name in the request.
    #[error(transparent)]
    NameNotPermitted(#[from] Rejection),
    /// The system gave no random numbers for the serial number.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The key could not sign.
    #[error("the issuer's key could not sign")]
    Signer(#[source] rcgen::Error),
    /// What was signed is not what was meant; it is not released.
    #[error("the signed certificate is wrong: {0}")]
    Wrong(String),
}

impl IssueError {
    /// The reason with which the attempt ends.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::IssuerNotValid { .. } => Reason::IssuerExpired,
            Self::NameNotPermitted(rejection) => rejection.reason(),
            Self::Random(_) | Self::Signer(_) => Reason::SignerFailed,
            Self::Wrong(_) => Reason::IssuedCertificateWrong,
        }
    }
}

/// What a certificate is meant to be, beside what the profile fixes.
pub(crate) struct Meant<'a> {
    pub(crate) csr: &'a Csr,
    pub(crate) serial: &'a Serial,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    /// Where the revocation list is.
    pub(crate) crl_url: Option<&'a str>,
}

/// Issues the certificate for a request, under a new random serial number.
///
/// It is valid from `now` less the profile's backdate (but not before the issuer) until `now`
/// plus the profile's lifetime, or plus `requested_lifetime` when that is shorter (but at least a
/// second), and never longer than the issuer. Times are cut to whole seconds. Signing takes as
/// long as the issuer's signer takes, and blocks the thread.
///
/// The names are those of the request, whatever the profile permits: only the caller knows whether it
/// is a first request, which [`NamePolicy::uncovered`](crate::NamePolicy::uncovered) judges, or a renewal.
///
/// # Errors
/// [`IssueError`] when the issuer's certificate is not valid at `now`, its name constraints do not
/// [permit](Issuer::permits_names) the names in the request, there are no random numbers, the key does not sign, or what it signed is not exactly what was meant (RFC 5280
/// profile, names, key, validity, serial number).
pub fn issue(
    issuer: &Issuer,
    profile: &Profile,
    csr: &Csr,
    requested_lifetime: Option<Duration>,
    now: DateTime<Utc>,
) -> Result<IssuedCertificate, IssueError> {
    issue_with_serial(issuer, profile, csr, &random_serial()?, requested_lifetime, now)
}

fn issue_with_serial(
    issuer: &Issuer,
    profile: &Profile,
    csr: &Csr,
    serial: &Serial,
    requested_lifetime: Option<Duration>,
    now: DateTime<Utc>,
) -> Result<IssuedCertificate, IssueError> {
    let not_valid =
        || IssueError::IssuerNotValid { not_before: issuer.not_before(), not_after: issuer.not_after() };
    if now < issuer.not_before() || now >= issuer.not_after() {
        return Err(not_valid());
    }
    issuer.permits_names(csr)?;
    let requested = requested_lifetime.map(TimeDelta::from_std).and_then(Result::ok);
    let lifetime = profile.lifetime().min(requested.unwrap_or(TimeDelta::MAX)).max(SHORTEST_LIFETIME);
    let ends = now.checked_add_signed(lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let begins = now.checked_sub_signed(profile.backdate()).unwrap_or(now).max(issuer.not_before());
    let (Some(not_before), Some(not_after)) =
        (whole_second(begins), whole_second(ends.min(issuer.not_after())))
    else {
        return Err(not_valid());
    };
    let crl_url = profile.crl_url().map(|url| url.of(issuer));
    let meant = Meant { csr, serial, not_before, not_after, crl_url: crl_url.as_deref() };
    let der = sign(issuer, &meant).map_err(IssueError::Signer)?;
    lint::check(&der, issuer, &meant).map_err(IssueError::Wrong)?;
    let (Some(not_before), Some(not_after)) = (
        DateTime::from_timestamp(not_before.unix_timestamp(), 0),
        DateTime::from_timestamp(not_after.unix_timestamp(), 0),
    ) else {
        return Err(not_valid());
    };
    let public_key_sha256 = csr.public_key_sha256();
    Ok(IssuedCertificate { der, serial: serial.clone(), public_key_sha256, not_before, not_after })
}

/// The time cut to a whole second, as certificates have it; `None` before the year 1 and after
/// the year 9999, which no certificate can have (RFC 5280, section 4.1.2.5).
pub(crate) fn whole_second(moment: DateTime<Utc>) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(moment.timestamp())
        .ok()
        .filter(|moment| (1..=9999).contains(&moment.year()))
}

fn sign(issuer: &Issuer, meant: &Meant<'_>) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.not_before = meant.not_before;
    params.not_after = meant.not_after;
    params.serial_number = Some(SerialNumber::from_slice(meant.serial.as_bytes()));
    params.distinguished_name = meant.csr.subject().for_rcgen();
    params.subject_alt_names = meant.csr.san().for_rcgen();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.crl_distribution_points =
        meant.crl_url.map(|url| CrlDistributionPoint { uris: vec![url.to_owned()] }).into_iter().collect();
    let key = SubjectPublicKeyInfo::from_der(meant.csr.spki_der())?;
    let certificate = params.signed_by(&key, &issuer.for_rcgen())?;
    Ok(certificate.der().to_vec())
}

#[cfg(test)]
mod tests;
