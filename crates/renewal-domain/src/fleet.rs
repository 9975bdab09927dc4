//! The fleet as it is now: which certificates there are, which devices are about to fall behind,
//! and how much happened.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::page::{Position, Scope};
use crate::{
    CertificateRecord, DeviceId, EventType, OrgId, Page, PageRequest, ReasonCode, Sha256Digest, StoreError,
};

/// Which certificates to list, and in which order.
///
/// The *current* certificate of a device is the one that answers its latest request, unless it was
/// revoked: a device whose current certificate has expired has not come back to renew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFilter {
    /// All that one device ever got, newest first.
    OfDevice(DeviceId),
    /// The current ones of all devices that expire after one instant and not after another,
    /// soonest first; whole seconds.
    Expiring {
        /// Those that expire later than this; none for no limit.
        after: Option<DateTime<Utc>>,
        /// Those that expire by then; none for no limit.
        until: Option<DateTime<Utc>>,
    },
    /// The current ones that expired before this instant (whole seconds) and were never renewed, the
    /// one that expired last first.
    ExpiredBefore(DateTime<Utc>),
    /// Those that were revoked, the one that was revoked last first.
    Revoked,
    /// Those with this public key, newest first.
    OfKey(Sha256Digest),
}

/// How many events of one type, and for one reason if that is a failure, there are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventCount {
    /// What happened.
    pub event_type: EventType,
    /// Why, if it is a failure.
    pub reason: Option<ReasonCode>,
    /// How often.
    pub count: u64,
}

/// How many requests are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OpenCounts {
    /// Those being signed.
    pub signing: u64,
    /// Those that wait for a person.
    pub pending: u64,
    /// When the oldest of those being signed was opened.
    pub oldest_signing: Option<DateTime<Utc>>,
    /// When the oldest of those that wait was opened.
    pub oldest_pending: Option<DateTime<Utc>>,
}

/// What an operator asks about a fleet. No answer takes longer because the history is longer:
/// it takes as long as what it is about is large.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FleetStore: Send + Sync {
    /// Reads a page of certificates.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn certificates(
        &self,
        org: OrgId,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError>;

    /// Counts the current certificates that expire after one instant and not after the other, both
    /// in whole seconds.
    ///
    /// # Errors
    /// Those of the database.
    async fn count_expiring(
        &self,
        org: OrgId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Counts the events from one instant on and before the other, by type and reason, in the order
    /// of both.
    ///
    /// # Errors
    /// Those of the database.
    async fn count_events(
        &self,
        org: OrgId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<EventCount>, StoreError>;

    /// Counts the devices that had a failure at or after the instant, and no success since their
    /// latest one.
    ///
    /// # Errors
    /// Those of the database.
    async fn count_failing(&self, org: OrgId, since: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Counts the open requests.
    ///
    /// # Errors
    /// Those of the database.
    async fn count_open(&self, org: OrgId) -> Result<OpenCounts, StoreError>;

    /// Whether the store can be used now: it answers, and its tables are those that this version
    /// knows.
    ///
    /// # Errors
    /// [`StoreError`] says why not.
    async fn check(&self) -> Result<(), StoreError>;
}

impl CertificateFilter {
    /// Whether the filter lets a certificate through, which is the `current` one of its device or
    /// not: the definition that every store follows.
    #[must_use]
    pub fn matches(&self, certificate: &CertificateRecord, current: bool) -> bool {
        let ends = certificate.not_after;
        match *self {
            Self::OfDevice(device) => certificate.device_id == device,
            Self::Expiring { after, until } => {
                current && after.is_none_or(|after| ends > after) && until.is_none_or(|until| ends <= until)
            }
            Self::ExpiredBefore(now) => current && ends < now,
            Self::Revoked => certificate.revocation.is_some(),
            Self::OfKey(key) => certificate.public_key_sha256 == key,
        }
    }

    /// The position of a certificate in the listing.
    #[must_use]
    pub fn position(&self, certificate: &CertificateRecord) -> Position {
        let id = certificate.request_id.as_uuid();
        match self {
            Self::OfDevice(_) | Self::OfKey(_) => id.into(),
            Self::Expiring { .. } | Self::ExpiredBefore(_) => Position::at(certificate.not_after, id),
            Self::Revoked => {
                certificate.revocation.map_or_else(|| id.into(), |revocation| Position::at(revocation.at, id))
            }
        }
    }

    /// Whether positions grow from page to page; otherwise they fall.
    #[must_use]
    pub const fn ascending(&self) -> bool {
        matches!(self, Self::Expiring { .. })
    }

    /// What a cursor of this listing belongs to. The instants move with the clock, so they are not
    /// part of it.
    #[must_use]
    pub fn scope(&self, org: OrgId) -> Scope {
        let mut scope = Scope::of("certificates", org);
        let (listing, device) = match self {
            Self::OfDevice(device) => ("device", Some(device.to_string())),
            Self::OfKey(key) => ("key", Some(hex::encode(key))),
            Self::Expiring { .. } => ("expiring", None),
            Self::ExpiredBefore(_) => ("expired", None),
            Self::Revoked => ("revoked", None),
        };
        scope.add(listing, device);
        scope
    }
}
