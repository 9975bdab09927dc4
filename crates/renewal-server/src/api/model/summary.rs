//! Fleet health.

use chrono::{DateTime, Utc};
use renewal_domain::{EventType, ReasonCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::vocabulary::event_type;

/// Fleet health: what happened in a window of time that ends now, and the state now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Where the window begins.
    pub from: DateTime<Utc>,
    /// Where it ends: the time of the answer.
    pub to: DateTime<Utc>,
    /// The events in the window, by type and reason; what did not happen is left out.
    pub events: Vec<EventCount>,
    /// The attempts in the window.
    pub attempts: AttemptCounts,
    /// The part of the attempts ended in the window that succeeded, 0 to 1; null if none ended.
    pub success_rate: Option<f64>,
    /// How long the attempts ended in the window took; null if none ended.
    pub durations: Option<AttemptDurations>,
    /// Devices with a failure in the window and no success since their latest one.
    pub devices_failing: u64,
    /// Requests that are open now.
    pub open_requests: OpenCounts,
    /// Current certificates of devices that expire soon.
    pub expiring: ExpiringCounts,
}

/// How many events of one type there were, for one reason if they are failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventCount {
    /// What happened.
    #[schema(schema_with = event_type)]
    pub event_type: EventType,
    /// Why, if it is a failure; null otherwise.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_]{1,64}$")]
    pub reason: Option<ReasonCode>,
    /// How often.
    pub count: u64,
}

/// How many attempts began and ended, renewals and recoveries together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptCounts {
    /// Those that began in the window.
    pub started: u64,
    /// Those that ended in the window with a certificate.
    pub succeeded: u64,
    /// Those that ended in the window without one.
    pub failed: u64,
}

/// How long attempts took from start to end, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptDurations {
    /// Half of them took at most this long.
    pub median_seconds: f64,
    /// 95 of a hundred took at most this long.
    pub p95_seconds: f64,
    /// How many attempts that was measured on: at most the newest 10,000.
    pub measured: u64,
}

/// How many requests are open now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenCounts {
    /// Those being signed.
    pub signing: u64,
    /// Those that wait for a person.
    pub pending: u64,
    /// When the oldest of those being signed came; null if there is none.
    pub oldest_signing: Option<DateTime<Utc>>,
    /// When the oldest of those that wait came; null if there is none.
    pub oldest_pending: Option<DateTime<Utc>>,
}

/// How many current certificates expire soon, and have not expired yet. Each number includes those
/// before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpiringCounts {
    /// Within 24 hours.
    pub within_1_day: u64,
    /// Within 7 days.
    pub within_7_days: u64,
    /// Within 30 days.
    pub within_30_days: u64,
}

impl From<&renewal_domain::EventCount> for EventCount {
    fn from(count: &renewal_domain::EventCount) -> Self {
        Self { event_type: count.event_type, reason: count.reason.clone(), count: count.count }
    }
}

impl From<renewal_domain::OpenCounts> for OpenCounts {
    fn from(open: renewal_domain::OpenCounts) -> Self {
        Self {
            signing: open.signing,
            pending: open.pending,
            oldest_signing: open.oldest_signing,
            oldest_pending: open.oldest_pending,
        }
    }
}
