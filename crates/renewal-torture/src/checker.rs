//! The independent checker: it knows what was promised, what is in the database, and what devices and
//! operators wrote down. It shares no code with the product, and reads the tables with plain SQL.

mod actions;
mod answers;
mod blocks;
mod calls;
mod certificates;
mod decisions;
mod enrollment_tokens;
mod events;
mod index;
mod keys;
mod organisations;
mod refusals;
mod revocations;
mod superseded;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write};

use crate::journal::{CallEntry, Device, Entry};
use crate::snapshot::Snapshot;

/// What is known about a round when it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// What devices wrote down.
    pub(crate) entries: &'a [Entry],
    /// What operators wrote down.
    pub(crate) calls: &'a [CallEntry],
    /// Every device that there was.
    pub(crate) devices: &'a [Device],
    /// Whether the clock of a server was wrong for a while. The order of ids is not that of time then.
    pub(crate) clocks_stepped: bool,
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The promise, in words.
    pub(crate) promise: &'static str,
    /// The rows and answers concerned.
    pub(crate) evidence: String,
}

impl Violation {
    /// A promise that was not kept, and what shows it.
    pub(crate) fn of(promise: &'static str, evidence: impl Into<String>) -> Self {
        Self { promise, evidence: evidence.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "violated: {}", self.promise)?;
        self.evidence.lines().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Every promise that was not kept.
pub(crate) fn check(facts: Facts<'_>) -> Vec<Violation> {
    let checks: [fn(Facts<'_>) -> Vec<Violation>; 29] = [
        events::every_start_has_exactly_one_end,
        events::every_end_has_its_start,
        events::the_time_of_an_event_is_that_of_its_id,
        events::no_request_is_open,
        certificates::every_certificate_has_its_success,
        certificates::every_success_has_its_certificate,
        certificates::every_certificate_was_asked_for,
        certificates::no_serial_number_is_there_twice,
        certificates::a_row_says_what_its_certificate_says,
        organisations::each_is_where_it_belongs,
        enrollment_tokens::a_token_is_used_once,
        actions::no_action_is_without_an_actor,
        actions::every_token_has_its_actions,
        decisions::every_decision_has_its_end,
        decisions::every_end_that_needs_a_decision_has_it,
        revocations::a_revocation_is_told_three_times_alike,
        revocations::no_revoked_certificate_gets_another,
        blocks::a_block_is_there_if_its_actions_say_so,
        blocks::no_blocked_device_gets_a_certificate,
        keys::no_barred_key_is_certified,
        keys::no_two_devices_have_one_key,
        superseded::no_superseded_certificate_gets_another,
        calls::every_acknowledged_call_has_its_action,
        calls::no_reply_is_out_of_place,
        answers::every_held_certificate_has_its_row,
        answers::a_repeated_question_has_the_same_answer,
        answers::every_acknowledged_refusal_is_recorded,
        answers::nobody_gets_what_it_must_not,
        answers::no_answer_is_out_of_place,
    ];
    checks.iter().flat_map(|check| check(facts)).collect()
}

/// Rows, for people to read: one a line.
fn rows<T: Debug>(rows: impl IntoIterator<Item = T>) -> String {
    rows.into_iter().fold(String::new(), |mut text, row| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{row:?}");
        text
    })
}

/// Things by a key, in order.
fn by<K: Ord, T>(things: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for thing in things {
        groups.entry(key(&thing)).or_default().push(thing);
    }
    groups
}
