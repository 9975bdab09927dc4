//! The profile: what an issued certificate looks like, and who must be asked.

use std::time::Duration;

use chrono::TimeDelta;
use renewal_domain::{KeyReuse, RequestKind, SupersededCertificates};

use crate::crl_url::CrlUrl;
use crate::key::KeyPolicy;
use crate::names::NamePolicy;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// No duration of a profile is longer: with it no computation of times overflows.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Whether a request is granted at once or waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalMode {
    /// Granted at once when nothing speaks against it.
    #[default]
    Automatic,
    /// A person approves or denies it.
    Manual,
}

/// What an issued certificate looks like and under which conditions it is issued. It exists only
/// when its numbers fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile(ProfileBuilder);

impl Profile {
    /// A builder with the defaults.
    pub fn builder() -> ProfileBuilder {
        ProfileBuilder::default()
    }

    /// How long a certificate is valid from the moment of signing; default 365 days.
    #[must_use]
    pub fn lifetime(&self) -> TimeDelta {
        delta(self.0.lifetime)
    }

    /// How far the start of validity lies in the past, for clocks that are slow; default 60 s.
    #[must_use]
    pub fn backdate(&self) -> TimeDelta {
        delta(self.0.backdate)
    }

    /// How long after its expiry a certificate can still be recovered; default 30 days.
    #[must_use]
    pub fn grace(&self) -> TimeDelta {
        delta(self.0.grace)
    }

    /// A renewal is allowed only this long before the presented certificate expires; `None`, the
    /// default, allows it at any time.
    #[must_use]
    pub fn earliest_renewal(&self) -> Option<TimeDelta> {
        self.0.earliest_renewal.map(delta)
    }

    /// Whether requests of this kind wait for a person; by default none does.
    #[must_use]
    pub const fn approval(&self, kind: RequestKind) -> ApprovalMode {
        match kind {
            RequestKind::Enrollment => self.0.enrollment_approval,
            RequestKind::Renewal => self.0.renewal_approval,
            RequestKind::Recovery => self.0.recovery_approval,
        }
    }

    /// How long a request waits for a person before it ends; default 7 days.
    #[must_use]
    pub fn approval_period(&self) -> TimeDelta {
        delta(self.0.approval_period)
    }

    /// The age at which an attempt that nobody finished is ended; default 10 minutes.
    #[must_use]
    pub fn abandon_after(&self) -> TimeDelta {
        delta(self.0.abandon_after)
    }

    /// How long signing may take before it counts as failed; default 60 s.
    #[must_use]
    pub const fn signing_deadline(&self) -> Duration {
        self.0.signing_deadline
    }

    /// Where certificates say that the revocation list of their issuer is; by default nowhere.
    #[must_use]
    pub const fn crl_url(&self) -> Option<&CrlUrl> {
        self.0.crl_url.as_ref()
    }

    /// What becomes of a request that presents a superseded certificate; default it is refused.
    #[must_use]
    pub const fn superseded(&self) -> SupersededCertificates {
        self.0.superseded
    }

    /// What becomes of a request for a key that another device of the organisation has; default it is
    /// refused.
    #[must_use]
    pub const fn key_reuse(&self) -> KeyReuse {
        self.0.key_reuse
    }

    /// Which keys requests may have.
    #[must_use]
    pub const fn key_policy(&self) -> &KeyPolicy {
        &self.0.key_policy
    }

    /// Which names a first certificate may have beside the CN; by default none.
    #[must_use]
    pub const fn names(&self) -> &NamePolicy {
        &self.0.names
    }
}

impl Default for Profile {
    /// The profile with every default.
    fn default() -> Self {
        Self(ProfileBuilder::default())
    }
}

/// Why a profile cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A duration is zero that must not be.
    #[error("the profile's {0} must be longer than zero")]
    Zero(&'static str),
    /// A duration is longer than a hundred years.
    #[error("the profile's {0} must not be longer than a hundred years")]
    TooLong(&'static str),
    /// The lifetime is below a minute.
    #[error("the profile's lifetime must be at least a minute")]
    LifetimeTooShort,
    /// `earliest_renewal` is longer than the lifetime.
    #[error("the profile's earliest_renewal must not be longer than its lifetime")]
    EarliestRenewalLongerThanLifetime,
    /// An attempt that is still signing could be ended as abandoned.
    #[error(
        "the profile's abandon_after must be at least three times its signing deadline (for signing, recording, and time to spare), so that no attempt is ended while it is still signing"
    )]
    AbandonsTooEarly,
}

/// Makes a [`Profile`]; what is not set has the default that the profile's getter names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ProfileBuilder {
    lifetime: Duration,
    backdate: Duration,
    grace: Duration,
    earliest_renewal: Option<Duration>,
    enrollment_approval: ApprovalMode,
    renewal_approval: ApprovalMode,
    recovery_approval: ApprovalMode,
    approval_period: Duration,
    abandon_after: Duration,
    signing_deadline: Duration,
    crl_url: Option<CrlUrl>,
    key_policy: KeyPolicy,
    superseded: SupersededCertificates,
    key_reuse: KeyReuse,
    names: NamePolicy,
}

impl Default for ProfileBuilder {
    fn default() -> Self {
        Self {
            lifetime: 365 * DAY,
            backdate: MINUTE,
            grace: 30 * DAY,
            earliest_renewal: None,
            enrollment_approval: ApprovalMode::Automatic,
            renewal_approval: ApprovalMode::Automatic,
            recovery_approval: ApprovalMode::Automatic,
            approval_period: 7 * DAY,
            abandon_after: 10 * MINUTE,
            signing_deadline: MINUTE,
            crl_url: None,
            key_policy: KeyPolicy::default(),
            superseded: SupersededCertificates::default(),
            key_reuse: KeyReuse::default(),
            names: NamePolicy::default(),
        }
    }
}

impl ProfileBuilder {
    /// Sets [`Profile::lifetime`]: at least a minute.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets [`Profile::backdate`]; zero is allowed.
    pub const fn backdate(mut self, backdate: Duration) -> Self {
        self.backdate = backdate;
        self
    }

    /// Sets [`Profile::grace`]; zero allows no recovery.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets [`Profile::earliest_renewal`]: longer than zero, not longer than the lifetime.
    pub const fn earliest_renewal(mut self, earliest_renewal: Option<Duration>) -> Self {
        self.earliest_renewal = earliest_renewal;
        self
    }

    /// Sets [`Profile::approval`] for requests of one kind.
    pub const fn approval(mut self, kind: RequestKind, mode: ApprovalMode) -> Self {
        match kind {
            RequestKind::Enrollment => self.enrollment_approval = mode,
            RequestKind::Renewal => self.renewal_approval = mode,
            RequestKind::Recovery => self.recovery_approval = mode,
        }
        self
    }

    /// Sets [`Profile::approval_period`]: longer than zero.
    pub const fn approval_period(mut self, period: Duration) -> Self {
        self.approval_period = period;
        self
    }

    /// Sets [`Profile::abandon_after`]: at least three times the signing deadline.
    pub const fn abandon_after(mut self, age: Duration) -> Self {
        self.abandon_after = age;
        self
    }

    /// Sets [`Profile::signing_deadline`]: longer than zero.
    pub const fn signing_deadline(mut self, deadline: Duration) -> Self {
        self.signing_deadline = deadline;
        self
    }

    /// Sets [`Profile::crl_url`].
    pub fn crl_url(mut self, url: Option<CrlUrl>) -> Self {
        self.crl_url = url;
        self
    }

    /// Sets [`Profile::key_policy`].
    pub fn key_policy(mut self, policy: KeyPolicy) -> Self {
        self.key_policy = policy;
        self
    }

    /// Sets [`Profile::superseded`].
    pub const fn superseded(mut self, superseded: SupersededCertificates) -> Self {
        self.superseded = superseded;
        self
    }

    /// Sets [`Profile::key_reuse`].
    pub const fn key_reuse(mut self, reuse: KeyReuse) -> Self {
        self.key_reuse = reuse;
        self
    }

    /// Sets [`Profile::names`].
    pub fn names(mut self, policy: NamePolicy) -> Self {
        self.names = policy;
        self
    }

    /// The profile.
    ///
    /// # Errors
    /// [`ProfileError`] when the numbers do not fit together.
    pub fn build(self) -> Result<Profile, ProfileError> {
        for (name, duration, zero_allowed) in [
            ("lifetime", self.lifetime, false),
            ("backdate", self.backdate, true),
            ("grace period", self.grace, true),
            ("earliest_renewal", self.earliest_renewal.unwrap_or(self.lifetime), false),
            ("approval period", self.approval_period, false),
            ("abandon_after", self.abandon_after, false),
            ("signing deadline", self.signing_deadline, false),
        ] {
            if duration.is_zero() && !zero_allowed {
                return Err(ProfileError::Zero(name));
            }
            if duration > LONGEST {
                return Err(ProfileError::TooLong(name));
            }
        }
        if self.lifetime < MINUTE {
            return Err(ProfileError::LifetimeTooShort);
        }
        if self.earliest_renewal.is_some_and(|earliest| earliest > self.lifetime) {
            return Err(ProfileError::EarliestRenewalLongerThanLifetime);
        }
        if self.abandon_after < 3 * self.signing_deadline {
            return Err(ProfileError::AbandonsTooEarly);
        }
        Ok(Profile(self))
    }
}

/// A profile's durations are at most [`LONGEST`], far below the longest `TimeDelta`.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_together() {
        let profile = Profile::builder().build().unwrap();
        assert_eq!(profile, Profile::default());
        assert_eq!(profile.lifetime(), TimeDelta::days(365));
        assert_eq!(profile.approval(RequestKind::Recovery), ApprovalMode::Automatic);
    }

    #[test]
    fn each_kind_of_request_has_its_own_approval() {
        let profile =
            Profile::builder().approval(RequestKind::Recovery, ApprovalMode::Manual).build().unwrap();
        assert_eq!(profile.approval(RequestKind::Recovery), ApprovalMode::Manual);
        assert_eq!(profile.approval(RequestKind::Renewal), ApprovalMode::Automatic);
        assert_eq!(profile.approval(RequestKind::Enrollment), ApprovalMode::Automatic);
    }

    #[test]
    fn numbers_that_do_not_fit_together_are_refused() {
        let builder = Profile::builder;
        for (profile, error) in [
            (builder().lifetime(Duration::ZERO), ProfileError::Zero("lifetime")),
            (builder().lifetime(Duration::from_secs(59)), ProfileError::LifetimeTooShort),
            (builder().grace(Duration::MAX), ProfileError::TooLong("grace period")),
            (builder().earliest_renewal(Some(Duration::ZERO)), ProfileError::Zero("earliest_renewal")),
            (builder().earliest_renewal(Some(366 * DAY)), ProfileError::EarliestRenewalLongerThanLifetime),
            (builder().abandon_after(179 * MINUTE / 60), ProfileError::AbandonsTooEarly),
        ] {
            assert_eq!(profile.build(), Err(error));
        }
    }
}
