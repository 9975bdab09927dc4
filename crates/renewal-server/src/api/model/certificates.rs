//! Certificates.

use chrono::{DateTime, Utc};
use renewal_domain::{
    AttemptId, CertificateRecord, DeviceId, RequestId, RequestKind, RevocationReason, Serial,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Action;
use super::vocabulary::{request_kind, revocation_reason};

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The serial number, in lowercase hexadecimal, two digits an octet.
    #[schema(value_type = String, pattern = "^[0-9a-f]{2,40}$")]
    pub serial: Serial,
    /// The device.
    #[schema(value_type = Uuid)]
    pub device_id: DeviceId,
    /// The device's name: the common name of the subject.
    pub device_name: String,
    /// The request that it answers.
    #[schema(value_type = Uuid)]
    pub request_id: RequestId,
    /// The attempt that ended with it; null for an enrollment.
    #[schema(value_type = Option<Uuid>)]
    pub attempt_id: Option<AttemptId>,
    /// What the request was for.
    #[schema(schema_with = request_kind)]
    pub kind: RequestKind,
    /// From when it is valid.
    pub not_before: DateTime<Utc>,
    /// Until when it is valid, that second included.
    pub not_after: DateTime<Utc>,
    /// The serial number of the certificate that was presented; null for an enrollment.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{2,40}$")]
    pub presented_serial: Option<Serial>,
    /// The SHA-256 digest of the `SubjectPublicKeyInfo` in DER, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub public_key_sha256: String,
    /// The SHA-256 digest of the PKCS#10 request in DER, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub csr_sha256: String,
    /// The revocation; null unless it was revoked.
    pub revocation: Option<RevocationStatus>,
}

/// That a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationStatus {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    #[schema(schema_with = revocation_reason)]
    pub reason: RevocationReason,
}

/// A certificate, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateDetails {
    /// The certificate.
    #[serde(flatten)]
    pub certificate: Certificate,
    /// The action by which it was revoked; null unless it was.
    pub revoked_by: Option<Action>,
    /// The newest 20 actions about it, newest first.
    pub actions: Vec<Action>,
}

impl From<&CertificateRecord> for Certificate {
    fn from(certificate: &CertificateRecord) -> Self {
        Self {
            serial: certificate.serial.clone(),
            device_id: certificate.device_id,
            device_name: certificate.device_name.to_string(),
            request_id: certificate.request_id,
            attempt_id: certificate.attempt_id(),
            kind: certificate.kind,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            presented_serial: certificate.presented_serial.clone(),
            public_key_sha256: hex::encode(certificate.public_key_sha256),
            csr_sha256: hex::encode(certificate.csr_sha256),
            revocation: certificate
                .revocation
                .map(|revocation| RevocationStatus { at: revocation.at, reason: revocation.reason }),
        }
    }
}
