//! A clock that stands still until it is set, and ids without chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Clock, Ids};

/// A clock that shows what it was set to. Its clones are the same clock.
#[derive(Debug, Clone)]
pub struct MockClock(Arc<AtomicI64>);

impl MockClock {
    /// A clock that shows this time, to the millisecond.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(now.timestamp_millis())))
    }

    /// Sets the clock.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::SeqCst);
    }

    /// Moves the clock on, or back when `by` is negative.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Default for MockClock {
    /// A clock that shows noon of 2 January 2030, UTC.
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(1_893_585_600_000)))
    }
}

impl Clock for MockClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// Ids whose random bits count 1, 2, 3 … through the process, so that they are
/// different in every test and never need a random generator.
#[must_use]
pub fn predictable_ids(clock: &MockClock) -> Arc<Ids> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Arc::new(Ids::with_random(Arc::new(clock.clone()), |bytes| {
        bytes[..2].fill(0);
        bytes[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }))
}
