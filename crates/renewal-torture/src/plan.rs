//! What is broken, and when: from a seed, and nothing else.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use ::tests::Backend;
use fastrand::Rng;

/// How long a round breaks things.
pub(crate) const TURMOIL: Duration = Duration::from_millis(2_500);

/// The fewest and the most faults in a round.
const FAULTS: RangeInclusive<usize> = 2..=6;

/// How long a fault lasts, in milliseconds: most are short, so that there is something to break.
const SHORT: Range<u64> = 10..300;
const LONG: Range<u64> = 300..1_500;

/// When the first fault is, in milliseconds, at the earliest, and how long before the end the last.
const FIRST: u64 = 250;
const LAST: u64 = 250;

/// How far a clock is stepped at most, in seconds: less than a certificate is valid for.
const FARTHEST_STEP: i64 = 100 * 24 * 60 * 60;

/// One thing that breaks. Where it lasts, it lasts for [`Planned::lasting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// `kill -9` of a server, started again afterwards.
    KillServer(usize),
    /// SIGSTOP of a server, then SIGCONT.
    FreezeServer(usize),
    /// The clock that a server sees goes ahead or back, by so many seconds, then back.
    StepClock(usize, i64),
    /// What devices and operators have open to a server is cut, after it has sent so many more octets.
    CutClients(usize, u64),
    /// What a server has open to the database is cut, after the database has sent so many more octets.
    CutDatabase(usize, u64),
    /// Every session in the database is ended by an administrator.
    EndSessions,
    /// The database is killed, and started again afterwards.
    KillDatabase,
    /// SIGSTOP of the database, then SIGCONT.
    FreezeDatabase,
    /// A session of somebody else's holds the tables, so that every connection of a pool waits.
    LockTables,
    /// The disk of the ledger has no room.
    FillDisk,
}

impl Fault {
    /// The kinds of faults, in the order of the summary.
    pub(crate) const KINDS: [&'static str; 10] = [
        "server killed",
        "server frozen",
        "clock stepped",
        "clients cut off",
        "database cut off",
        "sessions ended",
        "database killed",
        "database frozen",
        "tables locked",
        "disk full",
    ];

    /// Whether it steps a clock.
    pub(crate) fn steps_a_clock(self) -> bool {
        matches!(self, Self::StepClock(..))
    }

    /// Which of [`Fault::KINDS`] it is.
    pub(crate) fn kind(self) -> usize {
        match self {
            Self::KillServer(_) => 0,
            Self::FreezeServer(_) => 1,
            Self::StepClock(..) => 2,
            Self::CutClients(..) => 3,
            Self::CutDatabase(..) => 4,
            Self::EndSessions => 5,
            Self::KillDatabase => 6,
            Self::FreezeDatabase => 7,
            Self::LockTables => 8,
            Self::FillDisk => 9,
        }
    }

    /// A fault that this database can have. Servers are killed twice as often as anything else.
    fn random(random: &mut Rng, backend: Backend) -> Self {
        let server = random.usize(..servers(backend));
        let octets = *random.choice(&[0, 1, 40, 400, 2_000]).unwrap_or(&0);
        let step = if random.bool() { 120 } else { FARTHEST_STEP };
        let common = [
            Self::KillServer(server),
            Self::KillServer(server),
            Self::FreezeServer(server),
            Self::StepClock(server, random.i64(-step..=step)),
            Self::CutClients(server, octets),
            Self::LockTables,
        ];
        let others: &[Self] = match backend {
            Backend::Sqlite => &[Self::FillDisk, Self::FillDisk],
            Backend::Postgres | Backend::MariaDb => &[
                Self::CutDatabase(server, octets),
                Self::EndSessions,
                Self::KillDatabase,
                Self::FreezeDatabase,
            ],
        };
        let all = [&common[..], others].concat();
        all[random.usize(..all.len())]
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::KINDS[self.kind()])?;
        match self {
            Self::KillServer(server) | Self::FreezeServer(server) => write!(f, " (server {server})"),
            Self::StepClock(server, seconds) => write!(f, " (server {server}, {seconds:+} s)"),
            Self::CutClients(server, octets) | Self::CutDatabase(server, octets) => {
                write!(f, " (server {server}, after {octets} octets)")
            }
            Self::EndSessions
            | Self::KillDatabase
            | Self::FreezeDatabase
            | Self::LockTables
            | Self::FillDisk => Ok(()),
        }
    }
}

/// A fault, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    /// After the beginning of the turmoil.
    pub(crate) at: Duration,
    pub(crate) fault: Fault,
    pub(crate) lasting: Duration,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, fault, lasting } = self;
        write!(f, "at {} ms, for {} ms: {fault}", at.as_millis(), lasting.as_millis())
    }
}

/// How many servers there are: two processes share no SQLite file.
pub(crate) fn servers(backend: Backend) -> usize {
    match backend {
        Backend::Sqlite => 1,
        Backend::Postgres | Backend::MariaDb => 2,
    }
}

/// The random numbers of one round: of its faults with `stream` 0, of its devices and operators with others.
pub(crate) fn random(seed: u64, backend: Backend, round: u32, stream: u64) -> Rng {
    let mut state = seed;
    for part in [backend as u64, round.into(), stream] {
        // The constant of splitmix64 keeps neighbours apart.
        state = Rng::with_seed(state ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).u64(..);
    }
    Rng::with_seed(state)
}

/// The faults of one round, the first one first.
pub(crate) fn plan(seed: u64, backend: Backend, round: u32) -> Vec<Planned> {
    let mut random = random(seed, backend, round, 0);
    let latest = u64::try_from(TURMOIL.as_millis()).unwrap_or(u64::MAX) - LAST;
    let number = random.usize(FAULTS);
    let mut plan: Vec<_> = (0..number)
        .map(|_| {
            let lasting = if random.u8(..4) == 0 { LONG } else { SHORT };
            Planned {
                at: Duration::from_millis(random.u64(FIRST..latest)),
                fault: Fault::random(&mut random, backend),
                lasting: Duration::from_millis(random.u64(lasting)),
            }
        })
        .collect();
    plan.sort_by_key(|planned| planned.at);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_plan() {
        for backend in Backend::ALL {
            assert_eq!(plan(7, backend, 3), plan(7, backend, 3));
            assert_ne!(plan(7, backend, 3), plan(7, backend, 4));
            assert_ne!(plan(7, backend, 3), plan(8, backend, 3));
        }
    }

    #[test]
    fn every_kind_of_fault_is_planned_where_it_can_be() {
        let mut seen = std::collections::BTreeSet::new();
        for backend in Backend::ALL {
            let kinds =
                (0..200).flat_map(|round| plan(1, backend, round)).map(|planned| planned.fault.kind());
            let kinds: std::collections::BTreeSet<_> = kinds.collect();
            assert_eq!(kinds.contains(&9), backend == Backend::Sqlite);
            assert_eq!(kinds.contains(&6), backend != Backend::Sqlite);
            seen.extend(kinds);
        }
        assert_eq!(seen.len(), Fault::KINDS.len());
    }
}
