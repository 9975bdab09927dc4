//! Events of the ledger.

use chrono::{DateTime, Utc};
use renewal_domain::{AttemptId, DeviceId, EventId, EventType, OrgId, ReasonCode, RenewalEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::vocabulary::event_type;

/// One event of the ledger: written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The event: a UUID of version 7, which grows with time.
    #[schema(value_type = Uuid)]
    pub id: EventId,
    /// The organisation.
    #[schema(value_type = Uuid)]
    pub org_id: OrgId,
    /// The device.
    #[schema(value_type = Uuid)]
    pub device_id: DeviceId,
    /// The attempt: the id of its start event.
    #[schema(value_type = Uuid)]
    pub attempt_id: AttemptId,
    /// What happened.
    #[schema(schema_with = event_type)]
    pub event_type: EventType,
    /// Why the attempt failed; null unless it did.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_]{1,64}$")]
    pub reason: Option<ReasonCode>,
    /// What went wrong, in a sentence; null unless the attempt failed.
    pub error_message: Option<String>,
    /// When the certificate that the device presented expires or expired.
    pub old_cert_expiration: DateTime<Utc>,
    /// When the new certificate expires; null unless the attempt succeeded.
    pub new_cert_expiration: Option<DateTime<Utc>>,
    /// When it happened, to the millisecond.
    pub created_at: DateTime<Utc>,
}

impl From<&RenewalEvent> for Event {
    fn from(event: &RenewalEvent) -> Self {
        Self {
            id: event.id(),
            org_id: event.org_id(),
            device_id: event.device_id(),
            attempt_id: event.attempt_id(),
            event_type: event.event_type(),
            reason: event.reason().cloned(),
            error_message: event.error_message().map(ToOwned::to_owned),
            old_cert_expiration: event.old_cert_expiration(),
            new_cert_expiration: event.new_cert_expiration(),
            created_at: event.created_at(),
        }
    }
}
