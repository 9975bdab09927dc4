//! A request that is being worked on: an attempt or an enrollment without an end yet.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::clean;
use crate::{
    AttemptId, AttemptKind, BlockSubject, CertificateRecord, Completion, DeviceId, DeviceName, EventId,
    InvalidEvent, OrgId, Presented, ReasonCode, RenewalEvent, RequestId, Serial, TokenId,
};

/// A SHA-256 digest (FIPS 180-4).
pub type Sha256Digest = [u8; 32];

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The first certificate of a device: no event, as there is no certificate to renew.
    Enrollment {
        /// The one-time token that permits it, if it was one: used with the certificate.
        token: Option<TokenId>,
    },
    /// A renewal or a recovery, which presents a certificate.
    Attempt {
        /// Which of the two.
        kind: AttemptKind,
        /// The certificate that the device presented.
        presented: Presented,
    },
}

/// The purpose of a request, without what was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// The first certificate of a device.
    Enrollment,
    /// A renewal.
    Renewal,
    /// A recovery.
    Recovery,
}

impl RequestKind {
    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrollment => "enrollment",
            Self::Renewal => "renewal",
            Self::Recovery => "recovery",
        }
    }

    /// The kind that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enrollment, Self::Renewal, Self::Recovery].into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of attempt, unless it is an enrollment.
    #[must_use]
    pub const fn attempt(self) -> Option<AttemptKind> {
        match self {
            Self::Enrollment => None,
            Self::Renewal => Some(AttemptKind::Renewal),
            Self::Recovery => Some(AttemptKind::Recovery),
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Purpose {
    /// The purpose without what was presented.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Enrollment { .. } => RequestKind::Enrollment,
            Self::Attempt { kind: AttemptKind::Renewal, .. } => RequestKind::Renewal,
            Self::Attempt { kind: AttemptKind::Recovery, .. } => RequestKind::Recovery,
        }
    }

    /// The certificate presented, if one was.
    #[must_use]
    pub const fn presented(&self) -> Option<&Presented> {
        match self {
            Self::Enrollment { .. } => None,
            Self::Attempt { presented, .. } => Some(presented),
        }
    }

    /// The token that permits an enrollment, if it was one.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        match self {
            Self::Enrollment { token } => *token,
            Self::Attempt { .. } => None,
        }
    }
}

/// What an open request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// A process is signing it now.
    Signing,
    /// It waits for a person to approve or deny it.
    Pending,
}

impl RequestState {
    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Pending => "pending",
        }
    }

    /// The state that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Signing, Self::Pending].into_iter().find(|state| state.as_str() == name)
    }
}

/// A request without an end. It is stored when work on it begins, and deleted by
/// whoever ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    id: RequestId,
    org_id: OrgId,
    device_id: DeviceId,
    device_name: DeviceName,
    purpose: Purpose,
    state: RequestState,
    csr_der: Vec<u8>,
    csr_sha256: Sha256Digest,
    public_key_sha256: Sha256Digest,
    requested_lifetime: Option<Duration>,
    credential: String,
    source_address: Option<IpAddr>,
}

/// The fields of a new [`OpenRequest`].
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// The id: for a renewal or a recovery, the id of the start event.
    pub id: RequestId,
    /// The organisation.
    pub org_id: OrgId,
    /// The device.
    pub device_id: DeviceId,
    /// The device's name.
    pub device_name: DeviceName,
    /// What the request is for.
    pub purpose: Purpose,
    /// What it waits for.
    pub state: RequestState,
    /// The request itself: a PKCS#10 `CertificationRequest` in DER.
    pub csr_der: Vec<u8>,
    /// The SHA-256 digest of the public key in it (of its `SubjectPublicKeyInfo` in DER).
    pub public_key_sha256: Sha256Digest,
    /// The lifetime asked for, if any; cut to whole seconds.
    pub requested_lifetime: Option<Duration>,
    /// On what ground it is made, for the person who decides about it; made safe and cut to 255 bytes.
    pub credential: String,
    /// The address of the client, if it came over a network.
    pub source_address: Option<IpAddr>,
}

impl OpenRequest {
    /// Opens a request.
    #[must_use]
    pub fn new(new: NewRequest) -> Self {
        Self {
            csr_sha256: Sha256::digest(&new.csr_der).into(),
            id: new.id,
            org_id: new.org_id,
            device_id: new.device_id,
            device_name: new.device_name,
            purpose: new.purpose,
            state: new.state,
            csr_der: new.csr_der,
            public_key_sha256: new.public_key_sha256,
            requested_lifetime: new
                .requested_lifetime
                .map(|lifetime| Duration::from_secs(lifetime.as_secs())),
            credential: clean(&new.credential, 255),
            source_address: new.source_address,
        }
    }

    /// The event that starts the attempt; none for an enrollment.
    #[must_use]
    pub fn start_event(&self) -> Option<RenewalEvent> {
        match &self.purpose {
            Purpose::Enrollment { .. } => None,
            Purpose::Attempt { kind, presented } => Some(RenewalEvent::start(
                self.id.start_event(),
                self.org_id,
                self.device_id,
                *kind,
                presented.not_after(),
            )),
        }
    }

    /// Whether another request is the same: of the same organisation and device, with the same CSR
    /// and the same certificate presented.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.org_id == other.org_id
            && self.device_id == other.device_id
            && self.csr_sha256 == other.csr_sha256
            && self.purpose.presented().map(Presented::serial)
                == other.purpose.presented().map(Presented::serial)
    }

    /// Whose blocks stand in its way: the organisation's, the device's, its key's and that of the
    /// certificate presented.
    pub fn block_subjects(&self) -> impl Iterator<Item = BlockSubject> {
        let presented = self.purpose.presented().map(Presented::public_key_sha256);
        let keys = [Some(&self.public_key_sha256), presented].into_iter().flatten();
        let keys = keys.map(|key| BlockSubject::Key(*key));
        [BlockSubject::Organisation, BlockSubject::Device(self.device_id)].into_iter().chain(keys)
    }

    /// The end with a certificate. Device, digests and the like come from this request.
    ///
    /// # Errors
    /// [`InvalidEvent`] when `end` is not after the start.
    pub fn issued(&self, end: EventId, issued: IssuedParts) -> Result<Completion, InvalidEvent> {
        let certificate = CertificateRecord {
            org_id: self.org_id,
            serial: issued.serial,
            device_id: self.device_id,
            device_name: self.device_name.clone(),
            request_id: self.id,
            kind: self.purpose.kind(),
            public_key_sha256: issued.public_key_sha256,
            csr_sha256: self.csr_sha256,
            issuer_key_sha256: issued.issuer_key_sha256,
            certificate_sha256: Sha256::digest(&issued.der).into(),
            presented_serial: self.purpose.presented().map(|presented| presented.serial().clone()),
            not_before: issued.not_before.trunc_subsecs(0),
            not_after: issued.not_after.trunc_subsecs(0),
            der: issued.der,
            revocation: None,
        };
        let event = self.start_event().map(|start| start.success(end, certificate.not_after)).transpose()?;
        Ok(Completion::issued(self, certificate, event))
    }

    /// The end without a certificate.
    ///
    /// # Errors
    /// [`InvalidEvent`] when `end` is not after the start.
    pub fn failed(
        &self,
        end: EventId,
        reason: ReasonCode,
        message: &str,
    ) -> Result<Completion, InvalidEvent> {
        let event = self.start_event().map(|start| start.failed(end, reason, message)).transpose()?;
        Ok(Completion::failed(self, event))
    }

    /// The id.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// The device.
    #[must_use]
    pub const fn device_id(&self) -> DeviceId {
        self.device_id
    }

    /// The device's name.
    #[must_use]
    pub const fn device_name(&self) -> &DeviceName {
        &self.device_name
    }

    /// What the request is for.
    #[must_use]
    pub const fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The attempt that the request is; none for an enrollment.
    #[must_use]
    pub fn attempt_id(&self) -> Option<AttemptId> {
        self.purpose.presented().map(|_| self.id.attempt())
    }

    /// What it waits for.
    #[must_use]
    pub const fn state(&self) -> RequestState {
        self.state
    }

    /// The PKCS#10 request in DER.
    #[must_use]
    pub fn csr_der(&self) -> &[u8] {
        &self.csr_der
    }

    /// The SHA-256 digest of [`csr_der`](Self::csr_der).
    #[must_use]
    pub const fn csr_sha256(&self) -> &Sha256Digest {
        &self.csr_sha256
    }

    /// The SHA-256 digest of the public key that it asks a certificate for.
    #[must_use]
    pub const fn public_key_sha256(&self) -> &Sha256Digest {
        &self.public_key_sha256
    }

    /// On what ground it is made, in words.
    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The address of the client, if it came over a network.
    #[must_use]
    pub const fn source_address(&self) -> Option<IpAddr> {
        self.source_address
    }

    /// The lifetime asked for, if any, in whole seconds.
    #[must_use]
    pub const fn requested_lifetime(&self) -> Option<Duration> {
        self.requested_lifetime
    }

    /// When it was opened: the millisecond of the id.
    #[must_use]
    pub fn opened_at(&self) -> DateTime<Utc> {
        self.id.created_at()
    }
}

/// What a signer adds to an [`OpenRequest`].
#[derive(Debug, Clone)]
pub struct IssuedParts {
    /// The serial number.
    pub serial: Serial,
    /// The SHA-256 digest of the public key (of its `SubjectPublicKeyInfo` in DER).
    pub public_key_sha256: Sha256Digest,
    /// The SHA-256 digest of the issuing authority's public key (of its `SubjectPublicKeyInfo` in DER).
    pub issuer_key_sha256: Sha256Digest,
    /// From when the certificate is valid.
    pub not_before: DateTime<Utc>,
    /// Until when, that second included.
    pub not_after: DateTime<Utc>,
    /// The certificate in DER.
    pub der: Vec<u8>,
}
