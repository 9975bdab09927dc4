//! Certificates that permit a first enrollment: what a device was given in the factory.

use chrono::{DateTime, Utc};
use csr_service::{DeviceIssuer, EnrollmentGrant, IssuerError, PresentedCertificate};
use renewal_domain::OrgId;

/// Which names a bootstrap certificate permits to enroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapNames {
    /// The common name of the bootstrap certificate, and no other: for certificates that name
    /// their device, such as an initial device identifier (IEEE 802.1AR).
    Own,
    /// Any name: for one certificate that a whole fleet shares. Whoever has it can enroll as any
    /// device, one that has a certificate already included, so consider enrollment by approval.
    Any,
}

/// An authority whose certificates permit the enrollment of devices of one organisation
/// (RFC 7030, section 2.2.1). A bootstrap certificate must be valid at the time and have one common
/// name; whether its authority revoked it is not looked up.
#[derive(Debug, Clone)]
pub struct BootstrapIssuer {
    issuer: [DeviceIssuer; 1],
    org: OrgId,
    names: BootstrapNames,
}

/// What a bootstrap certificate is good for.
#[derive(Debug)]
pub(super) enum Bootstrap {
    /// It permits this; with [`BootstrapNames::Own`] it is good for the device of this name only.
    Granted(EnrollmentGrant, Option<String>),
    /// It has expired.
    Expired(DateTime<Utc>),
}

impl BootstrapIssuer {
    /// Lets certificates of this authority (PEM or DER) enroll devices of the organisation.
    ///
    /// # Errors
    /// [`IssuerError`] when it is no CA certificate that can be used.
    pub fn new(
        certificate: impl AsRef<[u8]>,
        org: OrgId,
        names: BootstrapNames,
    ) -> Result<Self, IssuerError> {
        Ok(Self { issuer: [DeviceIssuer::trusted(certificate)?], org, names })
    }

    /// The authority's certificate, DER.
    pub(super) fn certificate_der(&self) -> &[u8] {
        let [issuer] = &self.issuer;
        issuer.certificate_der()
    }

    /// What the certificate (DER) is good for, if this authority issued it, for this organisation.
    pub(super) fn judge(&self, org: OrgId, certificate: &[u8], now: DateTime<Utc>) -> Option<Bootstrap> {
        if org != self.org {
            return None;
        }
        let presented = PresentedCertificate::parse(certificate, &self.issuer, now).ok()?;
        if presented.expired_for(now).is_some() {
            return Some(Bootstrap::Expired(presented.not_after()));
        }
        let name = presented.subject().common_name();
        Some(match self.names {
            BootstrapNames::Own => {
                let text = name.as_str().to_owned();
                Bootstrap::Granted(EnrollmentGrant::for_device(name.clone()), Some(text))
            }
            BootstrapNames::Any => Bootstrap::Granted(EnrollmentGrant::for_any_device(), None),
        })
    }
}
