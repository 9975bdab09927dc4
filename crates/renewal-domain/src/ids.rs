//! The identifiers of the model: different things have different types.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A UUID was expected to be of version 7 (RFC 9562, section 5.7), whose first
/// 48 bits are the millisecond it was made in, and was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a version 7 UUID, so it has no creation time")]
pub struct NotVersion7(pub Uuid);

/// The text is not an identifier of this model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// It is no UUID at all.
    #[error("not a UUID: {0}")]
    Uuid(#[from] uuid::Error),
    /// It is a UUID of another version.
    #[error(transparent)]
    Version(#[from] NotVersion7),
}

macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! any_uuid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        common!($name);

        impl $name {
            /// Takes any UUID as it is.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(Uuid::try_parse(text)?))
            }
        }
    };
}

macro_rules! version_7 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Uuid", into = "Uuid")]
        pub struct $name(Uuid);

        common!($name);

        impl $name {
            /// Takes a version 7 UUID.
            ///
            /// # Errors
            /// [`NotVersion7`] when the UUID is of another version.
            pub fn new(uuid: Uuid) -> Result<Self, NotVersion7> {
                // The time of a version 7 UUID ends in the year 10889, which chrono can hold.
                match uuid.get_version_num() {
                    7 => Ok(Self(uuid)),
                    _ => Err(NotVersion7(uuid)),
                }
            }

            /// When it was made: UTC, in whole milliseconds.
            #[must_use]
            pub fn created_at(self) -> DateTime<Utc> {
                instant(millis(self.0))
            }
        }

        impl TryFrom<Uuid> for $name {
            type Error = NotVersion7;

            fn try_from(uuid: Uuid) -> Result<Self, Self::Error> {
                Self::new(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::new(Uuid::try_parse(text)?)?)
            }
        }
    };
}

any_uuid! {
    /// An organisation: the tenant that owns devices, requests, events and certificates.
    OrgId
}
any_uuid! {
    /// A device of an organisation; [`DeviceId::of`](crate::DeviceId::of) derives it from a certificate's name.
    DeviceId
}
version_7! {
    /// An event of the ledger. Ordering by id is ordering by creation time.
    EventId
}
version_7! {
    /// One try at a renewal or a recovery: the id of its start event.
    AttemptId
}
version_7! {
    /// A request being worked on, an attempt or an enrollment.
    RequestId
}

version_7! {
    /// A token that permits one enrollment.
    TokenId
}

version_7! {
    /// A token with which an operator uses the HTTP API.
    ApiTokenId
}

version_7! {
    /// Something that somebody decided or did.
    ActionId
}

version_7! {
    /// The revocation of a certificate.
    RevocationId
}

impl From<EventId> for ActionId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for RevocationId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for ApiTokenId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for TokenId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for AttemptId {
    fn from(start: EventId) -> Self {
        Self(start.0)
    }
}

impl From<AttemptId> for EventId {
    fn from(attempt: AttemptId) -> Self {
        Self(attempt.0)
    }
}

impl From<EventId> for RequestId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl RequestId {
    /// The attempt that this request is, if it is one: both have the start event's id.
    #[must_use]
    pub fn attempt(self) -> AttemptId {
        AttemptId(self.0)
    }

    /// The id of the request's start event, if it has one.
    #[must_use]
    pub fn start_event(self) -> EventId {
        EventId(self.0)
    }
}

/// The millisecond of a version 7 UUID, counted from 1970.
pub(crate) fn millis(uuid: Uuid) -> u64 {
    uuid.as_u64_pair().0 >> 16
}

/// The instant of a 48-bit count of milliseconds.
fn instant(millis: u64) -> DateTime<Utc> {
    i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_gives_the_millisecond_it_was_made_in() {
        // RFC 9562, appendix A.6.
        let id: EventId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        assert_eq!(id.created_at().to_rfc3339(), "2022-02-22T19:22:22+00:00");
    }

    #[test]
    fn a_random_uuid_is_no_event_id() {
        let error = "919108f7-52d1-4320-9bac-f847db4148a8".parse::<EventId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "919108f7-52d1-4320-9bac-f847db4148a8 is not a version 7 UUID, so it has no creation time"
        );
    }

    #[test]
    fn the_last_possible_id_has_a_time() {
        let id: EventId = "ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap();
        assert_eq!(id.created_at().to_rfc3339(), "+10889-08-02T05:31:50.655+00:00");
    }
}
