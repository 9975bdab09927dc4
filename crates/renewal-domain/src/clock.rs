//! Time and identifiers come in as arguments, so that tests can set both.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use crate::EventId;
use crate::ids::millis;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present time, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the one clock the others stand in for")]
        Utc::now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> DateTime<Utc> {
        (**self).now()
    }
}

/// Makes the ids of events: UUIDs of version 7, whose time is the event's time.
pub trait IdSource: Send + Sync + 'static {
    /// A new id, greater than every id this source gave before, unless the clock
    /// was set back by more than [`Ids::MAX_STEP_BACK_MS`].
    fn next(&self) -> EventId;

    /// A new id that is also greater than `earlier`, whatever the clock says: an
    /// attempt never ends before it started.
    fn next_after(&self, earlier: EventId) -> EventId;
}

/// The [`IdSource`] for real use: the time of a [`Clock`], and 74 random bits that
/// count up within one millisecond (RFC 9562, section 6.2, method 2).
pub struct Ids {
    clock: Arc<dyn Clock>,
    random: fn(&mut [u8; 10]),
    last: Mutex<Uuid>,
}

impl Ids {
    /// How far the clock may step back, in milliseconds, before ids follow it. A small
    /// step is waited out by counting up; after a large one, ids that stayed ahead of
    /// the clock would all carry a wrong time for as long as the step was.
    pub const MAX_STEP_BACK_MS: u64 = 10_000;

    /// Ids with the clock's time and random bits from the system's generator.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_random(clock, system_random)
    }

    /// Ids whose random bits come from `random`, which tests can predict.
    #[must_use]
    pub fn with_random(clock: Arc<dyn Clock>, random: fn(&mut [u8; 10])) -> Self {
        Self { clock, random, last: Mutex::new(Uuid::nil()) }
    }

    fn make(&self, earlier: Option<EventId>) -> EventId {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut tail = [0; 10];
        (self.random)(&mut tail);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = millis(*last).saturating_sub(now);
        let floor = if behind > Self::MAX_STEP_BACK_MS { Uuid::nil() } else { *last };
        let floor = earlier.map_or(floor, |id| floor.max(id.as_uuid()));
        let id = if now > millis(floor) {
            Builder::from_unix_timestamp_millis(now, &tail).into_uuid()
        } else {
            count_up(floor, u16::from_be_bytes([tail[0], tail[1]]))
        };
        *last = id;
        version_7(id)
    }
}

impl IdSource for Ids {
    fn next(&self) -> EventId {
        self.make(None)
    }

    fn next_after(&self, earlier: EventId) -> EventId {
        self.make(Some(earlier))
    }
}

/// The version 7 UUID that is `step + 1` above `uuid`: counted in the bits that are
/// neither version nor variant, with the carry going on into the time.
fn count_up(uuid: Uuid, step: u16) -> Uuid {
    let bits = uuid.as_u128();
    let time_and_rand_a = (bits >> 80 << 12) | (bits >> 64 & 0xfff);
    let rand_b = bits & (u128::MAX >> 66);
    let sum = ((time_and_rand_a << 62) | rand_b) + u128::from(step) + 1;
    let (high, rand_b) = (sum >> 62, sum & (u128::MAX >> 66));
    let (time, rand_a) = (high >> 12, high & 0xfff);
    Uuid::from_u128(time << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
}

fn version_7(uuid: Uuid) -> EventId {
    #[expect(clippy::expect_used, reason = "both ways that lead here set the version to 7")]
    EventId::new(uuid).expect("a version 7 UUID")
}

fn system_random(bytes: &mut [u8; 10]) {
    // Without a random generator an id is still unique within this process by
    // counting up, and the signing of certificates, which needs one, fails by itself.
    if getrandom::fill(bytes).is_err() {
        bytes.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use proptest::prelude::*;

    use super::*;

    struct At(AtomicI64);

    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    fn ids_at(ms: i64, random: fn(&mut [u8; 10])) -> (Arc<At>, Ids) {
        let clock = Arc::new(At(AtomicI64::new(ms)));
        (clock.clone(), Ids::with_random(clock, random))
    }

    #[test]
    fn ids_of_one_millisecond_count_up_even_from_the_last_one() {
        let (clock, ids) = ids_at(1_000, |bytes| bytes.fill(0xff));
        let first = ids.next();
        assert_eq!(first.created_at(), clock.now());
        let second = ids.next();
        assert!(second > first);
        assert_eq!(second.created_at().timestamp_millis(), 1_001, "the carry goes into the time");
    }

    #[test]
    fn a_small_step_back_is_waited_out_and_a_large_one_followed() {
        let (clock, ids) = ids_at(100_000, |bytes| bytes.fill(7));
        let before = ids.next();
        clock.0.store(95_000, Ordering::SeqCst);
        assert!(ids.next() > before);
        clock.0.store(1_000, Ordering::SeqCst);
        assert_eq!(ids.next().created_at(), clock.now());
        assert!(ids.next_after(before) > before, "an end is never before its start");
    }

    proptest! {
        #[test]
        fn ids_only_ever_grow_while_the_clock_stays_near(offsets in prop::collection::vec(-4_000i64..4_000, 1..60)) {
            let (clock, ids) = ids_at(1_000_000, system_random);
            let mut last = ids.next();
            for offset in offsets {
                clock.0.store(1_000_000 + offset, Ordering::SeqCst);
                let next = ids.next();
                prop_assert!(next > last);
                last = next;
            }
        }

        #[test]
        fn counting_up_makes_the_next_greater_version_7_id(ms in 0u64..1 << 47, tail: [u8; 10], step: u16) {
            let id = Builder::from_unix_timestamp_millis(ms, &tail).into_uuid();
            let next = count_up(id, step);
            prop_assert!(next > id);
            prop_assert!(EventId::new(next).is_ok());
            prop_assert!(millis(next) - ms <= 1);
        }
    }
}
