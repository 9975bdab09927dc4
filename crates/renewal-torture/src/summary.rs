//! What was done, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use tests::Backend;

use crate::checker::Facts;
use crate::journal::{Act, Answer, CallEntry, certificates_by_question};
use crate::plan::{Fault, Planned};

/// The numbers of a round, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rounds: usize,
    /// How many faults came about, of each of [`Fault::KINDS`].
    faults: [usize; Fault::KINDS.len()],
    certificates: usize,
    attempts: usize,
    successes: usize,
    abandoned: usize,
    answers: usize,
    lost: usize,
    /// Certificates that came again, to the same question.
    alike: usize,
    /// Answers that say to try again later.
    failed: usize,
    /// Answers that refuse, but for those to devices that ask what they must not have.
    refused: usize,
    /// Calls of operators, and those of them that were acknowledged.
    calls: usize,
    calls_done: usize,
    actions: usize,
    revocations: usize,
    pub(crate) violations: usize,
}

impl Counts {
    /// The numbers of one round.
    pub(crate) fn of(facts: Facts<'_>, plan: &[Planned], carried_out: &[bool]) -> Self {
        let Facts { snapshot, entries, calls, .. } = facts;
        let mut counts = Self { rounds: 1, certificates: snapshot.certificates.len(), ..Self::default() };
        for (planned, _) in plan.iter().zip(carried_out).filter(|(_, carried_out)| **carried_out) {
            counts.faults[planned.fault.kind()] += 1;
        }
        for event in &snapshot.events {
            counts.attempts += usize::from(event.stage == 0);
            counts.successes += usize::from(event.kind.ends_with("_success"));
            counts.abandoned += usize::from(event.reason.as_deref() == Some("abandoned"));
        }
        for entry in entries {
            match entry.answer {
                Answer::Lost => counts.lost += 1,
                Answer::Failed(_) | Answer::Later => counts.failed += 1,
                Answer::Refused(..) => {
                    let honest = matches!(entry.question.act, Act::Enroll | Act::Renew | Act::Recover);
                    counts.refused += usize::from(honest);
                }
                _ => {}
            }
        }
        counts.calls = calls.len();
        counts.calls_done = calls.iter().filter(|call: &&CallEntry| call.reply.is_done()).count();
        counts.actions = snapshot.actions.len();
        counts.revocations = snapshot.revocations.len();
        counts.answers = entries.len() - counts.lost;
        let questions = certificates_by_question(entries);
        let again = questions
            .iter()
            .map(|answers| answers.iter().filter(|(_, der)| *der == answers[0].1).count() - 1);
        counts.alike = again.sum();
        counts
    }

    /// Adds those of another round.
    pub(crate) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        for (sum, more) in self.faults.iter_mut().zip(other.faults) {
            *sum += more;
        }
        self.certificates += other.certificates;
        self.attempts += other.attempts;
        self.successes += other.successes;
        self.abandoned += other.abandoned;
        self.answers += other.answers;
        self.lost += other.lost;
        self.alike += other.alike;
        self.failed += other.failed;
        self.refused += other.refused;
        self.calls += other.calls;
        self.calls_done += other.calls_done;
        self.actions += other.actions;
        self.revocations += other.revocations;
        self.violations += other.violations;
    }

    /// Each number, with what it counts.
    fn named(&self) -> Vec<(&'static str, usize)> {
        let faults = Fault::KINDS.iter().copied().zip(self.faults);
        let mut named = vec![("rounds", self.rounds)];
        named.extend(faults);
        named.extend([
            ("certificates", self.certificates),
            ("attempts", self.attempts),
            ("- that succeeded", self.successes),
            ("- that were abandoned", self.abandoned),
            ("answers", self.answers),
            ("answers lost", self.lost),
            ("retries answered alike", self.alike),
            ("answers that put off", self.failed),
            ("honest devices refused", self.refused),
            ("calls of operators", self.calls),
            ("- that were acknowledged", self.calls_done),
            ("actions", self.actions),
            ("revocations", self.revocations),
            ("violations", self.violations),
        ]);
        named
    }
}

/// The numbers of each backend, side by side.
#[derive(Debug, Default)]
pub(crate) struct Summary(BTreeMap<&'static str, (Counts, Duration)>);

impl Summary {
    /// Takes the numbers of a backend, and how long they took.
    pub(crate) fn add(&mut self, backend: Backend, counts: Counts, time: Duration) {
        self.0.insert(backend.name(), (counts, time));
    }

    /// How many promises were not kept.
    pub(crate) fn violations(&self) -> usize {
        self.0.values().map(|(counts, _)| counts.violations).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header([""].into_iter().chain(self.0.keys().copied()));
        let columns: Vec<_> = self.0.values().map(|(counts, _)| counts.named()).collect();
        for (row, (name, _)) in Counts::default().named().into_iter().enumerate() {
            let numbers = columns.iter().map(|column| column[row].1.to_string());
            table.add_row([name.to_owned()].into_iter().chain(numbers));
        }
        let times = self.0.values().map(|(_, time)| time.as_secs().to_string());
        table.add_row(["seconds".to_owned()].into_iter().chain(times));
        write!(f, "{table}")
    }
}
