//! The six types of event, and the two things each one says: kind of attempt, and stage.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text;

/// What happened. The names are the same in every store and interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A device with a valid certificate asked for a new one.
    RenewalStart,
    /// The new certificate was signed and recorded.
    RenewalSuccess,
    /// The device got none; the reason says why.
    RenewalFailed,
    /// A device with an expired certificate asked for a new one.
    RecoveryStart,
    /// The new certificate was signed and recorded.
    RecoverySuccess,
    /// The device got none; the reason says why.
    RecoveryFailed,
}

/// What kind of attempt an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// The presented certificate was valid.
    Renewal,
    /// The presented certificate had expired.
    Recovery,
}

/// Where in its attempt an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The attempt began.
    Start,
    /// It ended with a certificate.
    Success,
    /// It ended without one.
    Failed,
}

impl EventType {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::RenewalStart,
        Self::RenewalSuccess,
        Self::RenewalFailed,
        Self::RecoveryStart,
        Self::RecoverySuccess,
        Self::RecoveryFailed,
    ];

    /// The event type of a stage of a kind of attempt.
    #[must_use]
    pub const fn of(kind: AttemptKind, stage: Stage) -> Self {
        match (kind, stage) {
            (AttemptKind::Renewal, Stage::Start) => Self::RenewalStart,
            (AttemptKind::Renewal, Stage::Success) => Self::RenewalSuccess,
            (AttemptKind::Renewal, Stage::Failed) => Self::RenewalFailed,
            (AttemptKind::Recovery, Stage::Start) => Self::RecoveryStart,
            (AttemptKind::Recovery, Stage::Success) => Self::RecoverySuccess,
            (AttemptKind::Recovery, Stage::Failed) => Self::RecoveryFailed,
        }
    }

    /// The kind of attempt.
    #[must_use]
    pub const fn kind(self) -> AttemptKind {
        match self {
            Self::RenewalStart | Self::RenewalSuccess | Self::RenewalFailed => AttemptKind::Renewal,
            Self::RecoveryStart | Self::RecoverySuccess | Self::RecoveryFailed => AttemptKind::Recovery,
        }
    }

    /// The stage of the attempt.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::RenewalStart | Self::RecoveryStart => Stage::Start,
            Self::RenewalSuccess | Self::RecoverySuccess => Stage::Success,
            Self::RenewalFailed | Self::RecoveryFailed => Stage::Failed,
        }
    }

    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RenewalStart => "renewal_start",
            Self::RenewalSuccess => "renewal_success",
            Self::RenewalFailed => "renewal_failed",
            Self::RecoveryStart => "recovery_start",
            Self::RecoverySuccess => "recovery_success",
            Self::RecoveryFailed => "recovery_failed",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names none of the six event types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no event type '{0}': it is one of renewal_start, renewal_success, renewal_failed, \
     recovery_start, recovery_success, recovery_failed"
)]
pub struct UnknownEventType(pub String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.as_str() == name)
            .ok_or_else(|| UnknownEventType(text::clean(name, 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_spelled_the_same_everywhere() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.as_str().parse(), Ok(event_type));
            assert_eq!(serde_json::to_value(event_type).unwrap(), event_type.as_str());
            assert_eq!(EventType::of(event_type.kind(), event_type.stage()), event_type);
        }
    }

    #[test]
    fn an_unknown_type_is_answered_with_the_known_ones() {
        let error = "renewal_started".parse::<EventType>().unwrap_err();
        assert!(error.to_string().contains("it is one of renewal_start, renewal_success"), "{error}");
    }
}
