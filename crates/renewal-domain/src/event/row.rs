//! The way back from a stored row to an event: every rule is checked again, so that
//! a row which somebody changed is found when it is read.

use chrono::{DateTime, SubsecRound, Utc};

use super::RenewalEvent;
use crate::text::{self, MAX_MESSAGE_BYTES};
use crate::{AttemptId, DeviceId, EventId, EventType, InvalidEvent, OrgId, ReasonCode, Stage};

/// The columns of an event, as a store reads them; [`RenewalEvent::try_from`] checks them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `RenewalEvent`")]
pub struct EventRow {
    pub id: EventId,
    pub org_id: OrgId,
    pub device_id: DeviceId,
    pub attempt_id: AttemptId,
    pub event_type: EventType,
    pub reason: Option<ReasonCode>,
    pub old_cert_expiration: DateTime<Utc>,
    pub new_cert_expiration: Option<DateTime<Utc>>,
    pub error_message: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl TryFrom<EventRow> for RenewalEvent {
    type Error = InvalidEvent;

    fn try_from(row: EventRow) -> Result<Self, Self::Error> {
        let broken = |field, rule| Err(InvalidEvent { field, rule });
        let stage = row.event_type.stage();
        if row.created_at != row.id.created_at() {
            return broken("created_at", "the creation time is the millisecond of the id");
        }
        let own = EventId::from(row.attempt_id);
        if stage == Stage::Start && own != row.id {
            return broken("attempt_id", "the attempt of a start event is the event's own id");
        }
        if stage != Stage::Start && own >= row.id {
            return broken("attempt_id", "an attempt ends after it started");
        }
        if row.new_cert_expiration.is_some() != (stage == Stage::Success) {
            return broken("new_cert_expiration", "a success has one, and nothing else");
        }
        if row.reason.is_some() != (stage == Stage::Failed) {
            return broken("reason", "a failure has one, and nothing else");
        }
        if row.error_message.is_some() != (stage == Stage::Failed) {
            return broken("error_message", "a failure has one, and nothing else");
        }
        if row.error_message.as_ref().is_some_and(|m| m.is_empty() || text::clean(m, MAX_MESSAGE_BYTES) != *m)
        {
            return broken(
                "error_message",
                "it is not empty, has no control characters, and at most 1,024 bytes",
            );
        }
        let whole = |t: DateTime<Utc>| t == t.trunc_subsecs(0);
        if !whole(row.old_cert_expiration) {
            return broken("old_cert_expiration", "a certificate's time is in whole seconds");
        }
        if !row.new_cert_expiration.is_none_or(whole) {
            return broken("new_cert_expiration", "a certificate's time is in whole seconds");
        }
        let EventRow {
            id,
            org_id,
            device_id,
            attempt_id,
            event_type,
            reason,
            old_cert_expiration,
            new_cert_expiration,
            error_message,
            created_at,
        } = row;
        Ok(Self {
            id,
            org_id,
            device_id,
            attempt_id,
            event_type,
            reason,
            old_cert_expiration,
            new_cert_expiration,
            error_message,
            created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::AttemptKind;

    type Change = fn(&mut EventRow);

    fn row() -> EventRow {
        let id = |tail: u128| {
            EventId::new(Uuid::from_u128(1_700_000_000_000 << 80 | 7 << 76 | 0b10 << 62 | tail)).unwrap()
        };
        let expiry = id(0).created_at().trunc_subsecs(0);
        let start = RenewalEvent::start(
            id(1),
            OrgId::new(Uuid::nil()),
            DeviceId::new(Uuid::max()),
            AttemptKind::Recovery,
            expiry,
        );
        let end = start.failed(id(2), ReasonCode::new("denied").unwrap(), "no").unwrap();
        EventRow {
            id: end.id(),
            org_id: end.org_id(),
            device_id: end.device_id(),
            attempt_id: end.attempt_id(),
            event_type: end.event_type(),
            reason: end.reason().cloned(),
            old_cert_expiration: end.old_cert_expiration(),
            new_cert_expiration: end.new_cert_expiration(),
            error_message: end.error_message().map(str::to_owned),
            created_at: end.created_at(),
        }
    }

    #[test]
    fn a_row_is_read_back_as_the_event_it_was() {
        let event = RenewalEvent::try_from(row()).unwrap();
        assert_eq!(event.reason().unwrap().as_str(), "denied");
    }

    #[test]
    fn a_row_that_somebody_changed_is_found() {
        let changes: [(&str, Change); 8] = [
            ("created_at", |r| r.created_at += TimeDelta::milliseconds(1)),
            ("attempt_id", |r| r.attempt_id = r.id.into()),
            ("attempt_id", |r| r.event_type = EventType::RecoveryStart),
            ("new_cert_expiration", |r| r.event_type = EventType::RecoverySuccess),
            ("new_cert_expiration", |r| r.new_cert_expiration = Some(r.created_at)),
            ("reason", |r| r.reason = None),
            ("error_message", |r| r.error_message = Some("a\nb".into())),
            ("old_cert_expiration", |r| r.old_cert_expiration += TimeDelta::microseconds(1)),
        ];
        for (field, change) in changes {
            let mut row = row();
            change(&mut row);
            assert_eq!(RenewalEvent::try_from(row).unwrap_err().field, field);
        }
    }
}
