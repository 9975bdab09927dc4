//! Open requests, and what a person decides about them.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use renewal_domain::{AttemptId, DeviceId, RequestId, RequestKind, RequestState, Serial};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Certificate;
use super::vocabulary::{request_kind, request_state};

/// A request without an end: it is being signed, or waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenRequest {
    /// The request.
    #[schema(value_type = Uuid)]
    pub id: RequestId,
    /// The device.
    #[schema(value_type = Uuid)]
    pub device_id: DeviceId,
    /// The device's name: the common name that the request asks for.
    pub device_name: String,
    /// What it is for.
    #[schema(schema_with = request_kind)]
    pub kind: RequestKind,
    /// What it waits for.
    #[schema(schema_with = request_state)]
    pub state: RequestState,
    /// The attempt that it is; null for an enrollment.
    #[schema(value_type = Option<Uuid>)]
    pub attempt_id: Option<AttemptId>,
    /// When it came.
    pub opened_at: DateTime<Utc>,
    /// The serial number of the certificate that the device presented; null for an enrollment.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{2,40}$")]
    pub presented_serial: Option<Serial>,
    /// When that certificate expires or expired; null for an enrollment.
    pub presented_not_after: Option<DateTime<Utc>>,
    /// The SHA-256 digest of the PKCS#10 request in DER, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub csr_sha256: String,
    /// The lifetime that the request asks for, in seconds; null if it asks for none.
    pub requested_lifetime_seconds: Option<u64>,
    /// The subject that it asks for; null if the request cannot be read.
    pub subject: Option<String>,
    /// The subject alternative names that it asks for, each as `DNS:gw-1.example`, `URI:…`, `email:…`,
    /// `IP:…`.
    pub san: Vec<String>,
    /// The names that nothing permits but the decision about this request: whoever approves it grants them.
    pub not_covered: NotCovered,
    /// The type of its key, such as `ECDSA P-256`; null if the request cannot be read.
    pub key: Option<String>,
    /// The SHA-256 digest of the public key (`SubjectPublicKeyInfo` in DER), in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub key_sha256: String,
    /// On what ground it is made, in words.
    pub credential: String,
    /// The address that it came from; null if it did not come over a network.
    #[schema(value_type = Option<String>)]
    pub source_address: Option<IpAddr>,
    /// Why the request cannot be read, and so not be approved; null if it can.
    pub problem: Option<String>,
}

/// Names that nothing permits but a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotCovered {
    /// Attributes of the subject beside the common name, each as `O=Example Ltd`.
    pub subject: Vec<String>,
    /// Subject alternative names, each as in `san`.
    pub san: Vec<String>,
}

/// What was approved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The `csr_sha256` of the request that was looked at: another request is not approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub csr_sha256: Option<String>,
}

/// What became of a request that a person decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The id of the request, which has ended with this.
    #[schema(value_type = Uuid)]
    pub request_id: RequestId,
    /// What the request was.
    pub request: OpenRequest,
    /// How it ended.
    pub outcome: DecisionOutcome,
    /// The certificate; null unless one was issued.
    pub certificate: Option<Certificate>,
    /// The code of the reason for which there is none; null if there is one.
    pub reason: Option<String>,
    /// The reason, in a sentence; null if there is a certificate.
    pub message: Option<String>,
}

/// How a request that a person decided about ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// It was approved, and a certificate was issued.
    Issued,
    /// It was denied.
    Denied,
    /// It was approved, but something that changed since it came forbids the certificate.
    Rejected,
}
