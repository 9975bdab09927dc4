//! What of the history is kept for how long, and how a store prunes the rest.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Action, CertificateRecord, EventId, OrgId, RevocationId, Serial, StoreError};

/// What may go.
///
/// An attempt goes as a whole, start and end together, and only when both are older than
/// [`events_before`](Self::events_before). Whatever its age, it stays when it
///
/// - has no end, be it signed now or waiting for a person;
/// - is the last success of its device;
/// - is one of its device's newest [`keep_attempts`](Self::keep_attempts).
///
/// A certificate goes by when it expired, unless it answers its device's latest request: that one stays,
/// revoked or not.
///
/// Nothing that may go at one moment has to stay at a later one: a store can decide first, and
/// remove then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionRule {
    /// Attempts that ended before this instant may go.
    pub events_before: DateTime<Utc>,
    /// How many attempts of each device stay in any case.
    pub keep_attempts: u32,
    /// Certificates that were never revoked may go when they expired before this instant.
    pub certificates_before: DateTime<Utc>,
    /// Revoked certificates may go when they expired before this instant: no later than
    /// [`certificates_before`](Self::certificates_before), and no earlier than they have left the
    /// revocation list.
    pub revoked_before: DateTime<Utc>,
    /// Whether nothing is removed, and only counted.
    pub dry_run: bool,
}

/// A part of the history that was looked at, and what of it was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedBatch<C> {
    /// How many rows were looked at.
    pub looked_at: u64,
    /// How many of them, or of what belongs to them, were removed, or would be.
    pub removed: u64,
    /// Behind which row the next part begins; none if this was the last.
    pub next: Option<C>,
}

/// A store that prunes history.
///
/// Each call is about a part of the history that is small enough to be over within a few
/// milliseconds, and holds locks only on what it removes; whoever calls goes on at
/// [`next`](PrunedBatch::next) after a pause. A part needs no other: when a walk through the history is
/// cut off, what was removed is removed, and the next walk begins at the begin. Several walks at once
/// do no harm. The first part of a walk that removes something records its action, in the same transaction.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Removes the attempts that may go among the next events after one, or from the oldest event on.
    /// Looked at and removed are events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules. What the calls before
    /// removed stays removed.
    async fn prune_events(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<EventId>,
        action: &Action,
    ) -> Result<PrunedBatch<EventId>, StoreError>;

    /// Removes the certificates that may go among the next ones after one, in the order of serial
    /// numbers, or from the least on.
    ///
    /// # Errors
    /// As those of [`prune_events`](Self::prune_events).
    async fn prune_certificates(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<Serial>,
        action: &Action,
    ) -> Result<PrunedBatch<Serial>, StoreError>;

    /// Removes the revocations that may go among the next ones after one, in the order of ids, or from
    /// the oldest on: those whose certificates have ended long enough ago. One of a certificate whose end
    /// is not known stays.
    ///
    /// # Errors
    /// As those of [`prune_events`](Self::prune_events).
    async fn prune_revocations(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<RevocationId>,
        action: &Action,
    ) -> Result<PrunedBatch<RevocationId>, StoreError>;

    /// When the newest record of the organisation was made: an event, an action, or of the certificates the
    /// one that expires last. None if there is no record.
    ///
    /// # Errors
    /// Those of the database.
    async fn newest_record(&self, org: OrgId) -> Result<Option<DateTime<Utc>>, StoreError>;
}

impl RetentionRule {
    /// Whether a certificate may go, which is the `latest` one of its device or not: the
    /// definition that every store follows.
    #[must_use]
    pub fn lets_go(&self, certificate: &CertificateRecord, latest: bool) -> bool {
        !latest && certificate.not_after < self.expired_before(certificate.revocation.is_some())
    }

    /// Before which instant a certificate must have expired to go.
    #[must_use]
    pub fn expired_before(&self, revoked: bool) -> DateTime<Utc> {
        if revoked { self.revoked_before.min(self.certificates_before) } else { self.certificates_before }
    }
}
