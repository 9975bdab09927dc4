//! Revocations: of certificates that were issued here, and of others.

use chrono::{DateTime, Utc};
use renewal_domain::{ActionId, DeviceId, RevocationId, RevocationReason, RevokedCertificate, Serial};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Certificate;
use super::vocabulary::revocation_reason;

/// The revocation of a certificate. It is kept until the certificate has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revocation {
    /// The revocation: a UUID of version 7, which grows with time.
    #[schema(value_type = Uuid)]
    pub id: RevocationId,
    /// The serial number of the certificate.
    #[schema(value_type = String, pattern = "^[0-9a-f]{2,40}$")]
    pub serial: Serial,
    /// The SHA-256 digest of the public key (`SubjectPublicKeyInfo` in DER) of the authority that issued
    /// it, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub issuer_key_sha256: String,
    /// The SHA-256 digest of the certificate in DER, in hexadecimal; null if the certificate was not at hand.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub certificate_sha256: Option<String>,
    /// The device; null if it is not known.
    #[schema(value_type = Option<Uuid>)]
    pub device_id: Option<DeviceId>,
    /// When the certificate expires or expired; null if that is not known.
    pub not_after: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: DateTime<Utc>,
    /// Why.
    #[schema(schema_with = revocation_reason)]
    pub reason: RevocationReason,
    /// The action that says who decided it.
    #[schema(value_type = Uuid)]
    pub action_id: ActionId,
}

/// Why to revoke certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The reason.
    #[schema(schema_with = revocation_reason)]
    pub reason: RevocationReason,
    /// Why, in words, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// Which certificate to revoke that may not have been issued here, and why: `certificate`, or `issuer` and
/// `serial`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevocation {
    /// The certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The authority that issued it: the SHA-256 fingerprint of its certificate, its key identifier, or its
    /// subject or common name if no other authority has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The serial number, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The reason.
    #[schema(schema_with = revocation_reason)]
    pub reason: RevocationReason,
    /// Why, in words, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revoked {
    /// The revocations that were recorded: what was revoked before is not among them.
    pub revocations: Vec<Revocation>,
    /// The SHA-256 digest of the public key that was barred, in hexadecimal: nothing is certified with it any
    /// more. Null if none was.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub barred_key: Option<String>,
}

/// A certificate that was revoked, and what was revoked with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedWith {
    /// The certificate as it is now. One that was revoked before keeps the time and reason that it has.
    pub certificate: Certificate,
    /// The serial numbers of other certificates that were revoked with it: those with its key, if that
    /// was compromised.
    #[schema(value_type = Vec<String>)]
    pub also_revoked: Vec<Serial>,
    /// The SHA-256 digest of the public key that was barred, in hexadecimal; null if none was.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub barred_key: Option<String>,
}

impl From<&RevokedCertificate> for Revocation {
    fn from(revoked: &RevokedCertificate) -> Self {
        Self {
            id: revoked.id,
            serial: revoked.serial.clone(),
            issuer_key_sha256: hex::encode(revoked.issuer_key_sha256),
            certificate_sha256: revoked.certificate_sha256.map(hex::encode),
            device_id: revoked.device_id,
            not_after: revoked.not_after,
            revoked_at: revoked.revocation.at,
            reason: revoked.revocation.reason,
            action_id: revoked.action_id,
        }
    }
}

impl From<&csr_service::Revoked> for Revoked {
    fn from(revoked: &csr_service::Revoked) -> Self {
        Self {
            revocations: revoked.revocations.iter().map(Revocation::from).collect(),
            barred_key: revoked.barred_key.map(hex::encode),
        }
    }
}
