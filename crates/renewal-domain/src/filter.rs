//! Which events to list.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::page::Scope;
use crate::{AttemptId, DeviceId, EventId, EventType, OrgId, ReasonCode, RenewalEvent};

/// What a listed event must be; every condition that is set must hold. The default
/// lets every event of the organisation through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    device: Option<DeviceId>,
    types: Vec<EventType>,
    reason: Option<ReasonCode>,
    attempt: Option<AttemptId>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

/// The ids a filter lets through, as bounds on the id column alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdRange {
    /// Ids from this one on, itself included.
    pub from: Option<Uuid>,
    /// Ids before this one.
    pub before: Option<Uuid>,
}

impl EventFilter {
    /// A filter that lets every event through.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events of this device.
    #[must_use]
    pub fn device(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// Events of this type; called again, of that type too.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> Self {
        if let Err(place) = self.types.binary_search(&event_type) {
            self.types.insert(place, event_type);
        }
        self
    }

    /// Events of any of these types, in addition to those already asked for.
    #[must_use]
    pub fn event_types(self, types: impl IntoIterator<Item = EventType>) -> Self {
        types.into_iter().fold(self, Self::event_type)
    }

    /// Only failures for this reason.
    #[must_use]
    pub fn reason(mut self, reason: ReasonCode) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Only the events of this attempt.
    #[must_use]
    pub fn attempt(mut self, attempt: AttemptId) -> Self {
        self.attempt = Some(attempt);
        self
    }

    /// Only events from this instant on.
    #[must_use]
    pub fn from(mut self, from: DateTime<Utc>) -> Self {
        self.from = Some(from);
        self
    }

    /// Only events before this instant.
    #[must_use]
    pub fn to(mut self, to: DateTime<Utc>) -> Self {
        self.to = Some(to);
        self
    }

    /// The device asked for, if any.
    #[must_use]
    pub const fn wanted_device(&self) -> Option<DeviceId> {
        self.device
    }

    /// The types asked for, in order and each once; none means any.
    #[must_use]
    pub fn wanted_types(&self) -> &[EventType] {
        &self.types
    }

    /// The reason asked for, if any.
    #[must_use]
    pub const fn wanted_reason(&self) -> Option<&ReasonCode> {
        self.reason.as_ref()
    }

    /// The attempt asked for, if any.
    #[must_use]
    pub const fn wanted_attempt(&self) -> Option<AttemptId> {
        self.attempt
    }

    /// The time range as a range of ids: an event's id holds its time.
    #[must_use]
    pub fn id_range(&self) -> IdRange {
        IdRange { from: self.from.map(first_id_of), before: self.to.map(first_id_of) }
    }

    /// Whether the filter lets the event through: the definition that every store follows.
    #[must_use]
    pub fn matches(&self, event: &RenewalEvent) -> bool {
        let IdRange { from, before } = self.id_range();
        self.device.is_none_or(|device| device == event.device_id())
            && (self.types.is_empty() || self.types.contains(&event.event_type()))
            && self.reason.as_ref().is_none_or(|reason| Some(reason) == event.reason())
            && self.attempt.is_none_or(|attempt| attempt == event.attempt_id())
            && from.is_none_or(|from| event.id().as_uuid() >= from)
            && before.is_none_or(|before| event.id().as_uuid() < before)
    }

    /// What a cursor of this listing belongs to.
    #[must_use]
    pub fn scope(&self, org: OrgId) -> Scope {
        let mut scope = Scope::of("renewal-events", org);
        scope.add("device", self.device.map(DeviceId::as_uuid));
        for event_type in &self.types {
            scope.add("type", Some(event_type));
        }
        scope.add("reason", self.reason.as_ref());
        scope.add("attempt", self.attempt.map(AttemptId::as_uuid));
        scope.add("from", self.from.map(first_id_of));
        scope.add("to", self.to.map(first_id_of));
        scope
    }
}

/// The least id an event can have whose millisecond begins at or after the instant.
fn first_id_of(instant: DateTime<Utc>) -> Uuid {
    const MAX: u64 = (1 << 48) - 1;
    let millis = instant.timestamp_millis();
    let part = i64::from(!instant.timestamp_subsec_nanos().is_multiple_of(1_000_000));
    match u64::try_from(millis.saturating_add(part)) {
        Err(_) => Uuid::nil(),
        Ok(millis) if millis > MAX => Uuid::max(),
        Ok(millis) => Uuid::from_u64_pair(millis << 16, 0),
    }
}

impl RenewalEvent {
    /// The position of the event in a listing, for a cursor.
    #[must_use]
    pub const fn position(&self) -> Uuid {
        EventId::as_uuid(self.id())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_asked_for_twice_or_in_another_order_are_the_same_filter() {
        use EventType::{RecoveryFailed, RenewalFailed};
        let one = EventFilter::new().event_types([RenewalFailed, RecoveryFailed]);
        let other = EventFilter::new().event_types([RecoveryFailed, RenewalFailed, RecoveryFailed]);
        assert_eq!(one, other);
    }

    proptest! {
        #[test]
        fn an_id_range_says_the_same_as_the_times(
            ms in 0i64..1 << 47, micros in 0i64..1_000, event_offset in -3i64..3
        ) {
            let instant = DateTime::from_timestamp_millis(ms).unwrap() + TimeDelta::microseconds(micros);
            let event_ms = (ms + event_offset).max(0);
            let created = DateTime::from_timestamp_millis(event_ms).unwrap();
            for tail in [0u128, (1 << 62) - 1] {
                let id = Uuid::from_u128((u128::try_from(event_ms).unwrap() << 80) | 7 << 76 | 0b10 << 62 | tail);
                prop_assert_eq!(id >= first_id_of(instant), created >= instant);
            }
        }
    }

    #[test]
    fn times_out_of_the_range_of_ids_are_the_ends_of_it() {
        assert_eq!(first_id_of(DateTime::<Utc>::MIN_UTC), Uuid::nil());
        assert_eq!(first_id_of(DateTime::<Utc>::MAX_UTC), Uuid::max());
    }
}
