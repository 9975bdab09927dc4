//! The event model: what one row of the ledger says, and the rules it keeps.

mod row;

pub use row::EventRow;

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;

use crate::text::{self, MAX_MESSAGE_BYTES};
use crate::{AttemptId, AttemptKind, DeviceId, EventId, EventType, OrgId, ReasonCode, Stage};

/// One row of the ledger. It is written once and never changed, and one that breaks
/// a rule of the model can't be built:
///
/// - `created_at` is the millisecond of `id`;
/// - the attempt of a start event is the event's own id, and an end comes after its start;
/// - a success has the expiry of the new certificate, and nothing else has;
/// - a failure has a reason and a message, and nothing else has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RenewalEvent {
    id: EventId,
    org_id: OrgId,
    device_id: DeviceId,
    attempt_id: AttemptId,
    event_type: EventType,
    reason: Option<ReasonCode>,
    old_cert_expiration: DateTime<Utc>,
    new_cert_expiration: Option<DateTime<Utc>>,
    error_message: Option<String>,
    created_at: DateTime<Utc>,
}

/// A rule of the event model is broken; names the field at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidEvent {
    /// The field whose value breaks the rule.
    pub field: &'static str,
    /// The rule.
    pub rule: &'static str,
}

impl RenewalEvent {
    /// The start of an attempt by a device that presents a certificate which expires
    /// (or has expired) at `old_cert_expiration`; times of certificates are cut to whole seconds.
    #[must_use]
    pub fn start(
        id: EventId,
        org_id: OrgId,
        device_id: DeviceId,
        kind: AttemptKind,
        old_cert_expiration: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            org_id,
            device_id,
            attempt_id: id.into(),
            event_type: EventType::of(kind, Stage::Start),
            reason: None,
            old_cert_expiration: old_cert_expiration.trunc_subsecs(0),
            new_cert_expiration: None,
            error_message: None,
            created_at: id.created_at(),
        }
    }

    /// The success that ends the attempt this start event began.
    ///
    /// # Errors
    /// [`InvalidEvent`] when this is no start event, or `id` is not after its id.
    pub fn success(&self, id: EventId, new_cert_expiration: DateTime<Utc>) -> Result<Self, InvalidEvent> {
        let mut end = self.end(id, Stage::Success)?;
        end.new_cert_expiration = Some(new_cert_expiration.trunc_subsecs(0));
        Ok(end)
    }

    /// The failure that ends the attempt this start event began. The message is
    /// [cleaned](text::clean) and cut to [`MAX_MESSAGE_BYTES`]; an empty one becomes the code.
    ///
    /// # Errors
    /// [`InvalidEvent`] when this is no start event, or `id` is not after its id.
    pub fn failed(&self, id: EventId, reason: ReasonCode, message: &str) -> Result<Self, InvalidEvent> {
        let mut end = self.end(id, Stage::Failed)?;
        let message = if message.is_empty() { reason.as_str() } else { message };
        end.error_message = Some(text::clean(message, MAX_MESSAGE_BYTES));
        end.reason = Some(reason);
        Ok(end)
    }

    fn end(&self, id: EventId, stage: Stage) -> Result<Self, InvalidEvent> {
        if self.stage() != Stage::Start {
            return Err(InvalidEvent { field: "event_type", rule: "only a start event can be ended" });
        }
        if id <= self.id {
            return Err(InvalidEvent { field: "id", rule: "an attempt ends after it started" });
        }
        Ok(Self {
            id,
            event_type: EventType::of(self.event_type.kind(), stage),
            created_at: id.created_at(),
            ..self.clone()
        })
    }

    /// The id, which holds the time.
    #[must_use]
    pub const fn id(&self) -> EventId {
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

    /// The attempt.
    #[must_use]
    pub const fn attempt_id(&self) -> AttemptId {
        self.attempt_id
    }

    /// What happened.
    #[must_use]
    pub const fn event_type(&self) -> EventType {
        self.event_type
    }

    /// Where in the attempt.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.event_type.stage()
    }

    /// Why the attempt failed, if it did.
    #[must_use]
    pub const fn reason(&self) -> Option<&ReasonCode> {
        self.reason.as_ref()
    }

    /// When the presented certificate expires or expired, in whole seconds.
    #[must_use]
    pub const fn old_cert_expiration(&self) -> DateTime<Utc> {
        self.old_cert_expiration
    }

    /// When the new certificate expires, in whole seconds, if there is one.
    #[must_use]
    pub const fn new_cert_expiration(&self) -> Option<DateTime<Utc>> {
        self.new_cert_expiration
    }

    /// What went wrong, in a sentence, if the attempt failed.
    #[must_use]
    pub fn error_message(&self) -> Option<&str> {
        self.error_message.as_deref()
    }

    /// When: the millisecond of the id.
    #[must_use]
    pub const fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> EventId {
        EventId::new(Uuid::from_u128(1_700_000_000_123 << 80 | 7 << 76 | 0b10 << 62 | n)).unwrap()
    }

    fn start() -> RenewalEvent {
        let expiry = id(0).created_at();
        RenewalEvent::start(
            id(1),
            OrgId::new(Uuid::nil()),
            DeviceId::new(Uuid::max()),
            AttemptKind::Renewal,
            expiry,
        )
    }

    #[test]
    fn an_attempt_is_named_after_its_start_and_keeps_its_device() {
        let success = start().success(id(2), id(0).created_at()).unwrap();
        assert_eq!(success.attempt_id(), AttemptId::from(id(1)));
        assert_eq!(success.event_type(), EventType::RenewalSuccess);
        assert_eq!(success.device_id(), start().device_id());
        assert_eq!(success.new_cert_expiration().unwrap().timestamp_subsec_millis(), 0);
        assert_eq!(success.created_at().timestamp_subsec_millis(), 123);
    }

    #[test]
    fn an_end_can_neither_come_before_its_start_nor_end_again() {
        assert_eq!(start().success(id(1), id(0).created_at()).unwrap_err().field, "id");
        let reason = || ReasonCode::new("abandoned").unwrap();
        let failed = start().failed(id(2), reason(), "").unwrap();
        assert_eq!(failed.error_message(), Some("abandoned"), "a failure always says something");
        assert_eq!(failed.failed(id(3), reason(), "").unwrap_err().field, "event_type");
    }

    #[test]
    fn an_event_is_written_as_json_with_the_names_of_the_model() {
        let failed = start().failed(id(2), ReasonCode::new("denied").unwrap(), "no\u{0}").unwrap();
        assert_eq!(
            serde_json::to_value(failed).unwrap(),
            serde_json::json!({
                "id": "018bcfe5-687b-7000-8000-000000000002",
                "org_id": "00000000-0000-0000-0000-000000000000",
                "device_id": "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "attempt_id": "018bcfe5-687b-7000-8000-000000000001",
                "event_type": "renewal_failed",
                "reason": "denied",
                "old_cert_expiration": "2023-11-14T22:13:20Z",
                "new_cert_expiration": null,
                "error_message": "no\u{FFFD}",
                "created_at": "2023-11-14T22:13:20.123Z"
            })
        );
    }
}
