//! Starts and ends.

use super::{Facts, Violation, by, rows};
use crate::snapshot::Event;

/// How the type of a start ends.
const START: &str = "_start";

/// Every start has exactly one end, of its own kind, later than itself.
pub(super) fn every_start_has_exactly_one_end(facts: Facts<'_>) -> Vec<Violation> {
    let attempts = by(&facts.snapshot.events, |event| event.attempt);
    let broken = attempts.into_values().filter(|attempt| {
        let (starts, ends): (Vec<&Event>, Vec<&Event>) = attempt.iter().partition(|event| is_start(event));
        match (&starts[..], &ends[..]) {
            ([start], [end]) => !is_end_of(start, end),
            // That is the next check's.
            ([], _) => false,
            _ => true,
        }
    });
    let promise = "every start has exactly one end";
    broken.map(|attempt| Violation::of(promise, rows(attempt))).collect()
}

/// No end is without a start, and a start's attempt is its own id.
pub(super) fn every_end_has_its_start(facts: Facts<'_>) -> Vec<Violation> {
    let attempts = by(&facts.snapshot.events, |event| event.attempt);
    let broken = attempts.into_iter().filter(|(attempt, events)| {
        let start = events.iter().find(|event| is_start(event));
        start.is_none_or(|start| start.id != *attempt)
    });
    let promise = "no end is without a start";
    broken.map(|(_, events)| Violation::of(promise, rows(events))).collect()
}

/// The time of an event is the millisecond in its id (RFC 9562, section 5.7).
pub(super) fn the_time_of_an_event_is_that_of_its_id(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.snapshot.events.iter().filter(|event| {
        let millisecond = i128::try_from(event.id.as_u128() >> 80);
        event.id.get_version_num() != 7
            || millisecond.ok() != Some(i128::from(event.created_at) / 1_000)
            || event.created_at % 1_000 != 0
    });
    let promise = "the time of an event is that of its id";
    broken.map(|event| Violation::of(promise, rows([event]))).collect()
}

/// When everything has ended, no request is open.
pub(super) fn no_request_is_open(facts: Facts<'_>) -> Vec<Violation> {
    let open = &facts.snapshot.open;
    open.iter().map(|request| Violation::of("no request is left open", rows([request]))).collect()
}

fn is_start(event: &Event) -> bool {
    event.stage == 0
}

fn is_end_of(start: &Event, end: &Event) -> bool {
    let kind = start.kind.strip_suffix(START);
    let outcome = kind.and_then(|kind| end.kind.strip_prefix(kind));
    let complete = match outcome {
        Some("_success") => end.new_expiration.is_some() && end.reason.is_none(),
        Some("_failed") => end.new_expiration.is_none() && end.reason.is_some(),
        _ => false,
    };
    complete && end.id > start.id && (end.org, end.device) == (start.org, start.device)
}
