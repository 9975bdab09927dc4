//! How often somebody may try. A device in a loop, or somebody who guesses passwords, is turned away
//! before anything is written.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use renewal_domain::OrgId;
use tokio::time::Instant;

/// How often, at most, all that is remembered is looked through in one window.
const SWEEPS_PER_WINDOW: u32 = 60;

/// The longest window: what is remembered is soon full in a longer one.
const LONGEST_WINDOW: Duration = Duration::from_hours(24);

/// How many attempts there are in a window of time, which begins with the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// The window, at most a day; default one minute.
    pub window: Duration,
    /// Attempts of one device, or with one enrollment credential; default 10.
    pub per_device: u32,
    /// Attempts of unauthenticated requesters, who prove no identity or give a wrong password, from one address
    /// (IPv6: one /64 network); default 60. Devices that prove who they are, are not held up by
    /// them.
    pub per_address: u32,
    /// How many devices, and how many addresses, are remembered; default 65,536, in a few
    /// megabytes. When more come within one window, further devices are let through, and further
    /// addresses turned away.
    pub remembered: usize,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self { window: Duration::from_mins(1), per_device: 10, per_address: 60, remembered: 65_536 }
    }
}

/// Too many attempts: how long until the next one is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) retry_after: Duration,
}

/// Whose attempts are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Trier {
    /// A device, by the name in a certificate that was found genuine.
    Device(OrgId, String),
    /// The holder of an enrollment credential, by a digest of the password under a random key
    /// (the user name is for the holder to choose).
    Password(OrgId, u64),
}

/// Counts attempts.
#[derive(Debug)]
pub(super) struct Attempts {
    triers: Mutex<Counts<Trier>>,
    random: RandomState,
    addresses: Mutex<Counts<IpAddr>>,
}

impl Attempts {
    /// Counts attempts up to these limits; none if one of them is zero, or the window too long.
    pub(super) fn new(limits: AttemptLimits) -> Option<Self> {
        let AttemptLimits { window, per_device, per_address, remembered } = limits;
        if window.is_zero()
            || window > LONGEST_WINDOW
            || per_device == 0
            || per_address == 0
            || remembered == 0
        {
            return None;
        }
        Some(Self {
            triers: Mutex::new(Counts::new(window, per_device, remembered, Full::Admit)),
            random: RandomState::new(),
            addresses: Mutex::new(Counts::new(window, per_address, remembered, Full::Refuse)),
        })
    }

    /// Counts an attempt of somebody who proved to be who they are.
    pub(super) fn count(&self, trier: Trier) -> Result<(), TooMany> {
        locked(&self.triers).count(trier, Instant::now())
    }

    /// Counts an attempt of somebody who knows a password that permits an enrollment.
    pub(super) fn count_password(&self, org: OrgId, password: &str) -> Result<(), TooMany> {
        self.count(Trier::Password(org, self.random.hash_one(password)))
    }

    /// Counts an attempt of an unauthenticated requester.
    pub(super) fn count_unauthenticated(&self, address: IpAddr) -> Result<(), TooMany> {
        locked(&self.addresses).count(network(address), Instant::now())
    }

    /// Whether the next unauthenticated attempt from there would be admitted; counts nothing.
    pub(super) fn look_at_unauthenticated(&self, address: IpAddr) -> Result<(), TooMany> {
        locked(&self.addresses).look(&network(address), Instant::now())
    }
}

/// What happens to a newcomer when no more can be remembered.
#[derive(Debug, Clone, Copy)]
enum Full {
    Admit,
    Refuse,
}

#[derive(Debug)]
struct Counts<K> {
    window: Duration,
    most: u32,
    remembered: usize,
    full: Full,
    by_key: HashMap<K, Count>,
    /// When to look for ended windows again, which takes a look at all of them.
    sweep_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    attempts: u32,
    ends: Instant,
}

impl<K: Eq + Hash> Counts<K> {
    fn new(window: Duration, most: u32, remembered: usize, full: Full) -> Self {
        Self { window, most, remembered, full, by_key: HashMap::new(), sweep_at: None }
    }

    fn look(&self, key: &K, now: Instant) -> Result<(), TooMany> {
        match self.by_key.get(key) {
            Some(count) if count.ends > now && count.attempts >= self.most => {
                Err(TooMany { retry_after: count.ends - now })
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, key: K, now: Instant) -> Result<(), TooMany> {
        self.look(&key, now)?;
        if !self.by_key.contains_key(&key) && !self.make_room(now) {
            return match self.full {
                Full::Admit => Ok(()),
                Full::Refuse => Err(TooMany { retry_after: self.window }),
            };
        }
        let ends = now + self.window;
        let count = self.by_key.entry(key).or_insert(Count { attempts: 0, ends });
        if count.ends <= now {
            *count = Count { attempts: 0, ends };
        }
        count.attempts += 1;
        Ok(())
    }

    /// Whether one more can be remembered, once those whose window has ended are forgotten.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.by_key.len() < self.remembered {
            return true;
        }
        if self.sweep_at.is_none_or(|at| at <= now) {
            self.by_key.retain(|_, count| count.ends > now);
            self.sweep_at = Some(now + self.window / SWEEPS_PER_WINDOW);
        }
        self.by_key.len() < self.remembered
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of an address that one customer of a network has: of IPv6 the first 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn counts(most: u32, remembered: usize, full: Full) -> (Counts<u32>, Instant) {
        (Counts::new(MINUTE, most, remembered, full), Instant::now())
    }

    #[test]
    fn attempts_beyond_the_limit_wait_for_the_end_of_the_window() {
        let (mut counts, begin) = counts(2, 9, Full::Refuse);
        counts.count(1, begin).unwrap();
        counts.count(1, begin + MINUTE / 4).unwrap();
        assert_eq!(counts.count(1, begin + MINUTE / 2), Err(TooMany { retry_after: MINUTE / 2 }));
        counts.count(2, begin + MINUTE / 2).unwrap();
        counts.count(1, begin + MINUTE).unwrap();
    }

    #[test]
    fn looking_counts_nothing() {
        let (mut counts, now) = counts(1, 9, Full::Refuse);
        for _ in 0..9 {
            counts.look(&1, now).unwrap();
        }
        counts.count(1, now).unwrap();
        assert!(counts.look(&1, now).is_err());
    }

    #[test]
    fn no_more_are_remembered_than_may_be() {
        for full in [Full::Admit, Full::Refuse] {
            let (mut counts, now) = counts(1, 100, full);
            for newcomer in 0..100_000 {
                let counted = counts.count(newcomer, now);
                assert_eq!(counted.is_ok(), newcomer < 100 || matches!(full, Full::Admit));
            }
            assert_eq!(counts.by_key.len(), 100);
            assert!(counts.count(0, now).is_err(), "those that are remembered stay counted");
            counts.count(100, now + MINUTE).unwrap();
            assert_eq!(counts.by_key.len(), 1, "ended windows make room");
        }
    }

    #[test]
    fn addresses_of_one_network_are_counted_together() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        let limits = AttemptLimits::default();
        assert!(Attempts::new(limits).is_some());
        assert!(Attempts::new(AttemptLimits { per_device: 0, ..limits }).is_none());
        for window in [Duration::ZERO, Duration::MAX] {
            assert!(Attempts::new(AttemptLimits { window, ..limits }).is_none());
        }
    }
}
