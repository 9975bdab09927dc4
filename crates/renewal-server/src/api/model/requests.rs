//! Open requests, and what a person decides about them.

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
}

/// What to say with a denial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    /// Why, for the ledger and the device's technician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

impl Deny {
    /// The longest note, in characters.
    pub const LONGEST_NOTE: usize = 1_000;
}

/// What became of a request that a person decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The request, which has ended with this.
    #[schema(value_type = Uuid)]
    pub request_id: RequestId,
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

impl From<&renewal_domain::OpenRequest> for OpenRequest {
    fn from(request: &renewal_domain::OpenRequest) -> Self {
        let presented = request.purpose().presented();
        Self {
            id: request.id(),
            device_id: request.device_id(),
            device_name: request.device_name().to_string(),
            kind: request.purpose().kind(),
            state: request.state(),
            attempt_id: request.attempt_id(),
            opened_at: request.opened_at(),
            presented_serial: presented.map(|presented| presented.serial().clone()),
            presented_not_after: presented.map(renewal_domain::Presented::not_after),
            csr_sha256: hex::encode(request.csr_sha256()),
            requested_lifetime_seconds: request.requested_lifetime().map(|lifetime| lifetime.as_secs()),
        }
    }
}
