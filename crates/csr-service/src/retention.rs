//! How long history is kept, and the walk through a ledger that prunes the rest.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use renewal_domain::{
    Action, ActionContext, ActionKind, EventId, NewAction, OrgId, RetentionRule, RetentionStore, Serial,
    StoreError, Target,
};
use tokio::time::{Instant, sleep};

use crate::Profile;

/// How many times as long as a step took the pause after it is.
const PAUSE: u32 = 3;

/// The shortest pause between two steps.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);

/// How long history is kept.
///
/// Events and certificates go when they are older than one limit. But a certificate also stays for as
/// long as its device can recover with it (the profile's [grace period](Profile::grace)), so that
/// it is still known, and known to be revoked; and a revoked one for as long as it is on a
/// [revocation list](crate::CsrService::revocation_list). This holds whatever the limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    older_than: TimeDelta,
    keep_attempts: u32,
    grace: TimeDelta,
    crl_validity: TimeDelta,
}

/// Why history cannot be kept for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// It would be gone before anybody looks: what counts the failures of a day counts a day back.
    #[error("history is kept for a day at least")]
    TooShort,
    /// The time is beyond what a calendar has room for.
    #[error("history is kept for a thousand years at most")]
    TooLong,
    /// So many attempts of each device would be looked for again and again.
    #[error("of each device at most {} attempts are kept whatever their age", Retention::MOST_ATTEMPTS)]
    TooMany,
}

/// What a walk through a ledger looked at and removed, or would remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows that were looked at.
    pub looked_at: u64,
    /// Events that were removed: two of each attempt.
    pub events: u64,
    /// Certificates that were removed.
    pub certificates: u64,
    /// Revocations that were removed.
    pub revocations: u64,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PruneProgress {
    /// The whole walk up to now.
    pub so_far: Pruned,
    /// What part of the walk is done, from 0 to 1, as far as that can be told: of the events by their
    /// time, of the certificates by their numbers, each one half.
    pub done: f64,
}

impl Retention {
    /// The shortest time for which history is kept.
    pub const SHORTEST: Duration = Duration::from_hours(24);

    /// How many attempts of each device can be kept whatever their age.
    pub const MOST_ATTEMPTS: u32 = 100;

    /// The longest.
    const LONGEST: Duration = Duration::from_hours(24 * 365 * 1_000);

    /// Keeps history for this time, of each device its newest attempts whatever their age, and
    /// certificates as long as `profile` and lists of this validity need them.
    ///
    /// # Errors
    /// [`RetentionError`] when that is no sensible time.
    pub fn new(
        older_than: Duration,
        keep_attempts: u32,
        profile: &Profile,
        crl_validity: Duration,
    ) -> Result<Self, RetentionError> {
        if older_than < Self::SHORTEST {
            return Err(RetentionError::TooShort);
        }
        if keep_attempts > Self::MOST_ATTEMPTS {
            return Err(RetentionError::TooMany);
        }
        let span = |span: Duration| {
            let span = Some(span).filter(|span| *span <= Self::LONGEST);
            span.and_then(|span| TimeDelta::from_std(span).ok()).ok_or(RetentionError::TooLong)
        };
        let (older_than, crl_validity) = (span(older_than)?, span(crl_validity)?);
        Ok(Self { older_than, keep_attempts, grace: profile.grace(), crl_validity })
    }

    /// What may go now.
    #[must_use]
    pub fn rule(&self, now: DateTime<Utc>, dry_run: bool) -> RetentionRule {
        let ago = |span| now.trunc_subsecs(0).checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let events_before = ago(self.older_than);
        let certificates_before = events_before.min(ago(self.grace));
        RetentionRule {
            events_before,
            keep_attempts: self.keep_attempts,
            certificates_before,
            revoked_before: certificates_before.min(ago(self.crl_validity)),
            dry_run,
        }
    }
}

impl Pruned {
    /// Attempts that were removed.
    #[must_use]
    pub const fn attempts(&self) -> u64 {
        self.events / 2
    }

    /// What came after an earlier moment of the same walk.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            looked_at: self.looked_at - earlier.looked_at,
            events: self.events - earlier.events,
            certificates: self.certificates - earlier.certificates,
            revocations: self.revocations - earlier.revocations,
        }
    }
}

/// Why nothing, or not all, was pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// The clock is far beyond the newest record, so that it may be wrong.
    #[error(
        "nothing was pruned: this clock says {now}, and the newest record of the organisation is of {newest}; \
         check the clock, and if it is right, say so with --trust-clock"
    )]
    ClockAhead {
        /// What the clock says.
        now: DateTime<Utc>,
        /// When the newest record was made.
        newest: DateTime<Utc>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far the clock may be beyond the newest record of an organisation. A clock that is years ahead would
/// let prune what is still valid.
pub const MAX_SILENCE: TimeDelta = TimeDelta::days(30);

/// Refuses to prune when the clock is further than [`MAX_SILENCE`] beyond the organisation's newest
/// record. Where there is no record, there is nothing to lose.
///
/// # Errors
/// [`PruneError::ClockAhead`], and the store's failures.
pub async fn check_clock(
    store: &dyn RetentionStore,
    org: OrgId,
    now: DateTime<Utc>,
) -> Result<(), PruneError> {
    match store.newest_record(org).await? {
        Some(newest) if now - newest > MAX_SILENCE => Err(PruneError::ClockAhead { now, newest }),
        _ => Ok(()),
    }
}

/// Walks through an organisation's ledger, and prunes what may go: first attempts, oldest
/// first, then certificates, then the revocations of certificates that have ended. The first step that
/// removes something records the action. Whether the clock can be trusted is [`check_clock`]'s to say.
///
/// It goes in small steps, and after each pauses for three times as long as the step took, so that
/// those who renew meanwhile have the database for themselves three quarters of the time; the slower
/// the database is, the longer the pauses are. `progress` is told after each step.
///
/// It can be dropped at any moment, or fail at any step: what was removed is removed, and to go on is
/// to begin again.
///
/// # Errors
/// The store's failures.
pub async fn prune(
    store: &dyn RetentionStore,
    org: OrgId,
    rule: &RetentionRule,
    action: &Action,
    mut progress: impl FnMut(&PruneProgress) + Send,
) -> Result<Pruned, StoreError> {
    let mut so_far = Pruned::default();
    let (mut after, mut first) = (None, None);
    loop {
        let begun = Instant::now();
        let batch = store.prune_events(org, rule, after, action).await?;
        so_far.looked_at += batch.looked_at;
        so_far.events += batch.removed;
        after = batch.next;
        let part = after.map_or(1.0, |at| events_done(*first.get_or_insert(at), at, rule));
        progress(&PruneProgress { so_far, done: part / 2.0 });
        if after.is_none() {
            break;
        }
        pause_after(begun).await;
    }
    let mut after = None;
    loop {
        let begun = Instant::now();
        let batch = store.prune_certificates(org, rule, after, action).await?;
        so_far.looked_at += batch.looked_at;
        so_far.certificates += batch.removed;
        after = batch.next;
        let part = after.as_ref().map_or(1.0, certificates_done);
        progress(&PruneProgress { so_far, done: f64::midpoint(part, 1.0) });
        if after.is_none() {
            break;
        }
        pause_after(begun).await;
    }
    let mut after = None;
    loop {
        let begun = Instant::now();
        let batch = store.prune_revocations(org, rule, after, action).await?;
        so_far.looked_at += batch.looked_at;
        so_far.revocations += batch.removed;
        after = batch.next;
        progress(&PruneProgress { so_far, done: 1.0 });
        if after.is_none() {
            return Ok(so_far);
        }
        pause_after(begun).await;
    }
}

/// The action of pruning an organisation by a rule.
#[must_use]
pub fn prune_action(id: EventId, org: OrgId, rule: &RetentionRule, by: &ActionContext) -> Action {
    let note = format!(
        "attempts that ended before {}, but the newest {} of each device; certificates that expired before {}",
        rule.events_before, rule.keep_attempts, rule.certificates_before
    );
    Action::new(id, org, by, NewAction::new(ActionKind::Pruned, Target::Organisation).note(note))
}

async fn pause_after(begun: Instant) {
    sleep((begun.elapsed() * PAUSE).max(SHORTEST_PAUSE)).await;
}

/// What part of the events is done: the time from the first one to the limit is the whole.
fn events_done(first: EventId, at: EventId, rule: &RetentionRule) -> f64 {
    let from = first.created_at();
    let (done, all) = (at.created_at() - from, rule.events_before - from);
    if all > TimeDelta::zero() { (done.as_seconds_f64() / all.as_seconds_f64()).clamp(0.0, 1.0) } else { 1.0 }
}

/// What part of the certificates is done: serial numbers are random, the first of their octets from
/// 64 to 127 (see `random_serial`).
fn certificates_done(at: &Serial) -> f64 {
    let first = at.as_bytes().first().copied().unwrap_or_default();
    (f64::from(first.saturating_sub(64)) / 64.0).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn profile(grace: Duration) -> Profile {
        Profile::builder().grace(grace).build().unwrap()
    }

    #[test]
    fn a_certificate_stays_as_long_as_its_device_can_recover_and_a_revoked_one_as_it_is_listed() {
        let now = DateTime::from_timestamp(1_900_000_000, 500_000_000).unwrap();
        let ago = |days| now.trunc_subsecs(0) - TimeDelta::days(days);
        for (older_than, grace, crl_validity, expected) in [
            (400, 30, 1, (400, 400, 400)),
            (10, 30, 1, (10, 30, 30)),
            (10, 30, 60, (10, 30, 60)),
            (10, 0, 1, (10, 10, 10)),
            (1, 0, 3, (1, 1, 3)),
        ] {
            let retention = Retention::new(DAY * older_than, 2, &profile(DAY * grace), DAY * crl_validity);
            let rule = retention.unwrap().rule(now, false);
            let days = (rule.events_before, rule.certificates_before, rule.revoked_before);
            assert_eq!(days, (ago(expected.0), ago(expected.1), ago(expected.2)));
            assert_eq!((rule.keep_attempts, rule.dry_run), (2, false));
        }
    }

    #[test]
    fn history_is_kept_for_a_sensible_time() {
        let kept = |time| Retention::new(time, 1, &profile(DAY), DAY).map(drop);
        assert_eq!(kept(Duration::from_secs(86_399)), Err(RetentionError::TooShort));
        assert_eq!(kept(Duration::ZERO), Err(RetentionError::TooShort));
        assert_eq!(kept(Duration::MAX), Err(RetentionError::TooLong));
        assert_eq!(kept(DAY), Ok(()));
        let many = Retention::new(DAY, 101, &profile(DAY), DAY);
        assert_eq!(many, Err(RetentionError::TooMany));
    }
}
