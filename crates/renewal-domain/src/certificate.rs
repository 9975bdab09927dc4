//! The row of a certificate, and the end of a request that has one.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    AttemptId, DeviceId, DeviceName, OpenRequest, OrgId, Presented, RenewalEvent, RequestId, RequestKind,
    Serial, Sha256Digest, TokenId,
};

/// One certificate that was issued. Only its revocation ever changes.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CertificateRecord {
    /// The organisation.
    pub org_id: OrgId,
    /// The serial number.
    pub serial: Serial,
    /// The device.
    pub device_id: DeviceId,
    /// The device's name: the common name of the subject.
    pub device_name: DeviceName,
    /// The request it answers.
    pub request_id: RequestId,
    /// What the request was for.
    pub kind: RequestKind,
    /// The SHA-256 digest of the public key (of its `SubjectPublicKeyInfo` in DER).
    #[serde(serialize_with = "in_hex")]
    pub public_key_sha256: Sha256Digest,
    /// The SHA-256 digest of the PKCS#10 request in DER.
    #[serde(serialize_with = "in_hex")]
    pub csr_sha256: Sha256Digest,
    /// The serial number of the certificate that was presented; none for an enrollment.
    pub presented_serial: Option<Serial>,
    /// From when it is valid, in whole seconds.
    pub not_before: DateTime<Utc>,
    /// Until when it is valid, that second included, in whole seconds.
    pub not_after: DateTime<Utc>,
    /// The certificate in DER.
    #[serde(skip)]
    pub der: Vec<u8>,
    /// The revocation, if it was revoked.
    pub revocation: Option<Revocation>,
}

impl CertificateRecord {
    /// The attempt that ended with this certificate; none for an enrollment.
    #[must_use]
    pub fn attempt_id(&self) -> Option<AttemptId> {
        self.kind.attempt().map(|_| self.request_id.attempt())
    }

    /// Whether it answered a request that is the same as this one.
    #[must_use]
    pub fn answers(&self, request: &OpenRequest) -> bool {
        self.org_id == request.org_id()
            && self.device_id == request.device_id()
            && self.csr_sha256 == *request.csr_sha256()
            && self.presented_serial.as_ref() == request.purpose().presented().map(Presented::serial)
    }

    /// Whether it still answers a repeated request at this time: neither expired nor revoked.
    #[must_use]
    pub fn is_good_at(&self, now: DateTime<Utc>) -> bool {
        self.revocation.is_none() && now <= self.not_after
    }
}

impl fmt::Debug for CertificateRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRecord")
            .field("org_id", &self.org_id)
            .field("serial", &self.serial)
            .field("device_name", &self.device_name)
            .field("request_id", &self.request_id)
            .field("not_after", &self.not_after)
            .field("revocation", &self.revocation)
            .finish_non_exhaustive()
    }
}

fn in_hex<S: Serializer>(bytes: &Sha256Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

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

/// The end of a request, made by [`OpenRequest::issued`](crate::OpenRequest::issued) and
/// [`OpenRequest::failed`](crate::OpenRequest::failed): a certificate comes with its success event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    certificate: Option<CertificateRecord>,
    event: Option<RenewalEvent>,
    token: Option<TokenId>,
}

impl Completion {
    pub(crate) const fn issued(
        certificate: CertificateRecord,
        event: Option<RenewalEvent>,
        token: Option<TokenId>,
    ) -> Self {
        Self { certificate: Some(certificate), event, token }
    }

    pub(crate) const fn failed(event: Option<RenewalEvent>) -> Self {
        Self { certificate: None, event, token: None }
    }

    /// The certificate, if the request ended with one.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CertificateRecord> {
        self.certificate.as_ref()
    }

    /// The token that is used with the certificate, if one permitted it.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// The event that ends the attempt; none for an enrollment.
    #[must_use]
    pub const fn event(&self) -> Option<&RenewalEvent> {
        self.event.as_ref()
    }
}
