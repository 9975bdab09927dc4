//! The authorities whose certificates devices may present.

use chrono::{DateTime, Utc};
use renewal_domain::{CertificateOrigin, OrgId, Sha256Digest};
use sha2::{Digest, Sha256};

use crate::authority::Authority;
use crate::issuer_error::IssuerError;

/// A trust anchor for presented certificates: the present issuer, a previous one, or an authority of
/// another system.
///
/// Its own validity is not looked at, for devices outlive authorities; what ends the trust in an
/// authority is that it is not given any more.
#[derive(Clone, Debug)]
pub struct DeviceIssuer {
    pub(crate) authority: Authority,
    trust: Trust,
}

/// Whose certificates they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Ours.
    Ours(Option<Adoption>),
    /// Those of another system, for devices of one organisation.
    Organisation(OrgId),
    /// Those of another system, for devices of every organisation.
    Anywhere,
}

/// An authority of ours that was at work before its certificates were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// Certificates that are valid from an earlier moment need not be recorded.
    pub before: DateTime<Utc>,
    /// In this organisation, and in no other.
    pub organisation: OrgId,
}

impl DeviceIssuer {
    /// A previous issuer (PEM or DER): a certificate of it is accepted only in the organisation in
    /// whose ledger it is recorded.
    ///
    /// # Errors
    /// [`IssuerError`] when it is no CA certificate that can be used.
    pub fn previous(certificate: impl AsRef<[u8]>) -> Result<Self, IssuerError> {
        Ok(Self::ours(Authority::read(certificate.as_ref())?))
    }

    /// An authority (PEM or DER) of another system: its certificates are accepted in one
    /// organisation, recorded or not.
    ///
    /// # Errors
    /// [`IssuerError`] when it is no CA certificate that can be used.
    pub fn trusted(certificate: impl AsRef<[u8]>, organisation: OrgId) -> Result<Self, IssuerError> {
        let authority = Authority::read(certificate.as_ref())?;
        Ok(Self { authority, trust: Trust::Organisation(organisation) })
    }

    /// An authority (PEM or DER) of another system: its certificates are accepted in every
    /// organisation, recorded or not. One that any organisation has revoked is accepted in none.
    ///
    /// # Errors
    /// [`IssuerError`] when it is no CA certificate that can be used.
    pub fn trusted_anywhere(certificate: impl AsRef<[u8]>) -> Result<Self, IssuerError> {
        let authority = Authority::read(certificate.as_ref())?;
        Ok(Self { authority, trust: Trust::Anywhere })
    }

    pub(crate) const fn ours(authority: Authority) -> Self {
        Self { authority, trust: Trust::Ours(None) }
    }

    /// Says that an authority of ours was at work before its certificates were recorded. Those of another
    /// system need no row anyway.
    #[must_use]
    pub const fn adopted(mut self, adoption: Adoption) -> Self {
        if let Trust::Ours(_) = self.trust {
            self.trust = Trust::Ours(Some(adoption));
        }
        self
    }

    /// Where a certificate of this authority comes from that is valid from `not_before` on, seen by an
    /// organisation. None when the organisation does not trust the authority.
    #[must_use]
    pub fn origin(&self, org: OrgId, not_before: DateTime<Utc>) -> Option<CertificateOrigin> {
        match self.trust {
            Trust::Ours(Some(adoption)) if adoption.covers(org, not_before) => {
                Some(CertificateOrigin::Adopted)
            }
            Trust::Ours(_) => Some(CertificateOrigin::Ours),
            Trust::Organisation(trusting) => (trusting == org).then_some(CertificateOrigin::Trusted),
            Trust::Anywhere => Some(CertificateOrigin::TrustedAnywhere),
        }
    }

    /// The authority's certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.authority.der
    }

    /// The subject of the authority's certificate, DER.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.authority.name
    }

    /// The SHA-256 of the authority's DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_sha256(&self) -> Sha256Digest {
        Sha256::digest(&self.authority.key_info).into()
    }
}

impl Adoption {
    fn covers(&self, org: OrgId, not_before: DateTime<Utc>) -> bool {
        org == self.organisation && not_before < self.before
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::IssuerKey;
    use crate::test_support::{new_issuer, now};

    const ONE: OrgId = OrgId::new(Uuid::from_u128(1));
    const TWO: OrgId = OrgId::new(Uuid::from_u128(2));

    #[test]
    fn a_certificate_of_ours_needs_no_row_only_where_and_when_its_authority_was_adopted() {
        let pem = new_issuer(IssuerKey::EcdsaP256).certificate_pem().to_owned();
        let ours = DeviceIssuer::previous(&pem).unwrap();
        assert_eq!(ours.origin(ONE, now()), Some(CertificateOrigin::Ours));
        let adopted = ours.adopted(Adoption { before: now(), organisation: ONE });
        let earlier = now() - TimeDelta::seconds(1);
        assert_eq!(adopted.origin(ONE, earlier), Some(CertificateOrigin::Adopted));
        assert_eq!(adopted.origin(ONE, now()), Some(CertificateOrigin::Ours));
        assert_eq!(adopted.origin(TWO, earlier), Some(CertificateOrigin::Ours));
    }

    #[test]
    fn another_systems_authority_is_trusted_where_it_is_said() {
        let pem = new_issuer(IssuerKey::EcdsaP256).certificate_pem().to_owned();
        let one = DeviceIssuer::trusted(&pem, ONE).unwrap();
        assert_eq!(one.origin(ONE, now()), Some(CertificateOrigin::Trusted));
        assert_eq!(one.origin(TWO, now()), None);
        let anywhere = DeviceIssuer::trusted_anywhere(&pem).unwrap();
        assert_eq!(anywhere.origin(TWO, now()), Some(CertificateOrigin::TrustedAnywhere));
    }
}
