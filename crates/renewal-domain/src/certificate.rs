//! The row of a certificate, and the end of a request that has one.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::{
    Action, AttemptId, DeviceId, DeviceName, OpenRequest, OrgId, Presented, RenewalEvent, RequestId,
    RequestKind, Revocation, Serial, Sha256Digest, TokenId,
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
    /// The SHA-256 digest of the issuing authority's public key (of its `SubjectPublicKeyInfo` in DER).
    #[serde(serialize_with = "in_hex")]
    pub issuer_key_sha256: Sha256Digest,
    /// The SHA-256 digest of the certificate in DER.
    #[serde(serialize_with = "in_hex")]
    pub certificate_sha256: Sha256Digest,
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

/// The end of a request, made by [`OpenRequest::issued`](crate::OpenRequest::issued) and
/// [`OpenRequest::failed`](crate::OpenRequest::failed): a certificate comes with its success event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    certificate: Option<CertificateRecord>,
    event: Option<RenewalEvent>,
    token: Option<TokenId>,
    presented: Option<(DeviceId, Serial)>,
    refuse_key_in_use: bool,
    action: Option<Action>,
}

impl Completion {
    pub(crate) fn issued(
        request: &OpenRequest,
        certificate: CertificateRecord,
        event: Option<RenewalEvent>,
    ) -> Self {
        let token = request.purpose().token();
        Self { certificate: Some(certificate), token, ..Self::failed(request, event) }
    }

    pub(crate) fn failed(request: &OpenRequest, event: Option<RenewalEvent>) -> Self {
        // A serial number of another authority says nothing about ours.
        let presented = request.purpose().presented().filter(|it| it.origin().is_of_our_authority());
        Self {
            certificate: None,
            event,
            token: None,
            presented: presented.map(|presented| (request.device_id(), presented.serial().clone())),
            refuse_key_in_use: false,
            action: None,
        }
    }

    /// Records this action in the same transaction: who decided that the request ends so.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<Option<Action>>) -> Self {
        self.action = action.into();
        self
    }

    /// Records the certificate only if no other device of the organisation has a certificate that is
    /// [good](CertificateRecord::is_good_at) with the same key.
    #[must_use]
    pub const fn refusing_key_in_use(mut self, refuse: bool) -> Self {
        self.refuse_key_in_use = refuse;
        self
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

    /// The device and the serial number of the certificate that it presented, if the request ended
    /// without a certificate: the device has used that one since it was issued.
    #[must_use]
    pub fn used(&self) -> Option<(DeviceId, &Serial)> {
        let failed = self.certificate.is_none();
        self.presented.as_ref().filter(|_| failed).map(|(device, serial)| (*device, serial))
    }

    /// The certificate, if it is recorded only under the condition of
    /// [`refusing_key_in_use`](Self::refusing_key_in_use).
    #[must_use]
    pub fn certificate_with_new_key(&self) -> Option<&CertificateRecord> {
        self.certificate.as_ref().filter(|_| self.refuse_key_in_use)
    }

    /// The action that is recorded with it, if there is one.
    #[must_use]
    pub const fn action(&self) -> Option<&Action> {
        self.action.as_ref()
    }
}
