//! A clock that the story moves: it begins in the past and ends today.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{Clock, SystemClock};

/// The real clock, set back by as much as is left of the story.
pub(crate) struct StoryClock {
    behind_ms: AtomicI64,
}

impl StoryClock {
    /// A clock that is this many days behind.
    pub(crate) fn starting_days_ago(days: i64) -> Self {
        Self { behind_ms: AtomicI64::new(TimeDelta::days(days).num_milliseconds()) }
    }

    /// Lets days pass, but never gets ahead of the real clock.
    pub(crate) fn pass(&self, days: i64) {
        let passed = TimeDelta::days(days).num_milliseconds();
        let behind = self.behind_ms.load(Ordering::Relaxed);
        self.behind_ms.store((behind - passed).max(0), Ordering::Relaxed);
    }
}

impl Clock for StoryClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() - TimeDelta::milliseconds(self.behind_ms.load(Ordering::Relaxed))
    }
}
