//! Revocations: of certificates that were issued here, and of others.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::page::Scope;
use crate::{
    Action, ActionId, Block, DeviceId, OrgId, Page, PageRequest, RevocationId, Serial, Sha256Digest,
    StoreError,
};

/// That a certificate was revoked, when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// When, in whole seconds.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate was revoked: the `CRLReason` codes that apply to a device's
/// certificate (RFC 5280, section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// No reason was given (0).
    Unspecified,
    /// Somebody else has the private key, or may have it (1).
    KeyCompromise,
    /// The device belongs to somebody else now, or has another name (3).
    AffiliationChanged,
    /// Another certificate takes its place (4).
    Superseded,
    /// The device was taken out of service (5).
    CessationOfOperation,
    /// The device may no longer have what the certificate grants (9).
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key_compromise",
            Self::AffiliationChanged => "affiliation_changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation_of_operation",
            Self::PrivilegeWithdrawn => "privilege_withdrawn",
        }
    }

    /// The reason that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A certificate that was revoked in an organisation: one that was issued here, or one of another
/// authority whose certificates are trusted here. It outlives the row of the certificate, until
/// the certificate's own end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// The id, which holds the time of recording.
    pub id: RevocationId,
    /// The organisation.
    pub org_id: OrgId,
    /// The SHA-256 digest of the issuing authority's public key (of its `SubjectPublicKeyInfo` in DER).
    pub issuer_key_sha256: Sha256Digest,
    /// The serial number.
    pub serial: Serial,
    /// The SHA-256 digest of the certificate in DER, if it is at hand.
    pub certificate_sha256: Option<Sha256Digest>,
    /// The device, if it is known.
    pub device_id: Option<DeviceId>,
    /// When the certificate expires, in whole seconds, if that is known.
    pub not_after: Option<DateTime<Utc>>,
    /// When and why.
    pub revocation: Revocation,
    /// The action that says who decided it.
    pub action_id: ActionId,
}

impl RevokedCertificate {
    /// What a cursor of the listing of revocations belongs to.
    #[must_use]
    pub fn scope(org: OrgId) -> Scope {
        Scope::of("revocations", org)
    }
}

/// Revocations: recorded and looked up. [`IssuanceStore::open`](crate::IssuanceStore::open) applies them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Records revocations, each with its action, and a block of a key that goes with them, all in one
    /// transaction. A certificate that was issued here is revoked in its own row too. A first
    /// revocation stands: what is revoked already is left out with its action. The ids of those that
    /// were recorded.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one of them is of another organisation.
    async fn revoke(
        &self,
        org: OrgId,
        revocations: &[(RevokedCertificate, Action)],
        block: Option<(Block, Action)>,
    ) -> Result<Vec<RevocationId>, StoreError>;

    /// The revocation of a certificate in the organisation, if it is revoked there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn revocation(
        &self,
        org: OrgId,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<Option<RevokedCertificate>, StoreError>;

    /// Whether a certificate is revoked in any organisation. It is the one question that is asked
    /// without an organisation, about an authority whose certificates are trusted in all of them; no
    /// more than the answer is revealed.
    ///
    /// # Errors
    /// Those of the database.
    async fn is_revoked_anywhere(
        &self,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<bool, StoreError>;

    /// Reads a page of the revocations of an organisation, in the order in which they were recorded.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn revocations(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<RevokedCertificate>, StoreError>;
}
