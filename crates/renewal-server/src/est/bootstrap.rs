//! Certificates that permit a first enrollment: what a device was given in the factory.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use csr_service::{
    BootstrapCertificate, DeviceIssuer, EnrollmentGrant, IssuerError, NameGrant, PresentedCertificate,
};
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
/// name; whether its authority revoked it is not looked up, but whether it was revoked here is.
#[derive(Debug, Clone)]
pub struct BootstrapIssuer {
    issuer: DeviceIssuer,
    org: OrgId,
    names: BootstrapNames,
    granted: NameGrant,
}

/// The bootstrap issuers of every organisation.
#[derive(Debug)]
pub(super) struct BootstrapIssuers(HashMap<OrgId, Rules>);

/// The issuers of one organisation, and at the same index what their certificates permit.
#[derive(Debug, Default)]
struct Rules {
    issuers: Vec<DeviceIssuer>,
    permitted: Vec<(BootstrapNames, NameGrant)>,
}

/// What a bootstrap certificate is good for.
#[derive(Debug)]
pub(super) enum Bootstrap {
    /// It permits this; with [`BootstrapNames::Own`] it is good for the device of this name only.
    Granted(Box<EnrollmentGrant>, Option<String>),
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
        let issuer = DeviceIssuer::trusted(certificate, org)?;
        Ok(Self { issuer, org, names, granted: NameGrant::none() })
    }

    /// Permits these names beside the common name, in addition to those that the profile permits. The
    /// patterns may have variables.
    #[must_use]
    pub fn names_granted(mut self, names: NameGrant) -> Self {
        self.granted = names;
        self
    }

    /// The authority.
    pub(super) const fn issuer(&self) -> &DeviceIssuer {
        &self.issuer
    }
}

impl BootstrapIssuers {
    pub(super) fn new(all: Vec<BootstrapIssuer>) -> Self {
        let mut by_organisation: HashMap<OrgId, Rules> = HashMap::new();
        for BootstrapIssuer { issuer, org, names, granted } in all {
            let rules = by_organisation.entry(org).or_default();
            rules.issuers.push(issuer);
            rules.permitted.push((names, granted));
        }
        Self(by_organisation)
    }

    /// What the certificate (DER) is good for, if one of the organisation's bootstrap issuers issued it.
    pub(super) fn judge(&self, org: OrgId, certificate: &[u8], now: DateTime<Utc>) -> Option<Bootstrap> {
        let Rules { issuers, permitted } = self.0.get(&org)?;
        let presented = PresentedCertificate::parse(certificate, issuers, now).ok()?;
        if presented.expired_for(now).is_some() {
            return Some(Bootstrap::Expired(presented.not_after()));
        }
        let at = presented.issuer_index();
        let (issuer, (names, granted)) = (issuers.get(at)?, permitted.get(at)?);
        let name = presented.subject().common_name().clone();
        let (grant, device) = match names {
            BootstrapNames::Own => (EnrollmentGrant::for_device(name.clone()), Some(name.to_string())),
            BootstrapNames::Any => (EnrollmentGrant::for_any_device(), None),
        };
        let certificate = BootstrapCertificate {
            issuer_key_sha256: issuer.public_key_sha256(),
            serial: presented.serial().clone(),
            public_key_sha256: presented.public_key_sha256(),
            common_name: name,
        };
        let grant = grant.with_names(granted.clone()).by_certificate(certificate);
        Some(Bootstrap::Granted(Box::new(grant), device))
    }
}
