//! Listing any history with any filter gives what a naive reading of the filter gives.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use renewal_domain::testing::MemoryStore;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, EventFilter, EventType, PageRequest, PageSize, ReasonCode, RenewalEvent, RenewalEventStore,
};

const DEVICES: [&str; 3] = ["gateway", "meter", "robot"];
const REASONS: [&str; 3] = ["denied", "key_too_weak", "abandoned"];

/// One attempt: its device, its kind, and how it ended, if it did.
#[derive(Debug, Clone)]
struct Attempt {
    device: &'static str,
    kind: AttemptKind,
    end: Option<Result<(), &'static str>>,
}

/// The conditions of a filter, as plain values; times are offsets from the first event, in ms.
#[derive(Debug, Clone)]
struct Conditions {
    device: Option<&'static str>,
    types: Vec<EventType>,
    reason: Option<&'static str>,
    attempt: Option<usize>,
    from: Option<i64>,
    to: Option<i64>,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let end = prop_oneof![
        Just(None),
        Just(Some(Ok(()))),
        select(REASONS.to_vec()).prop_map(|reason| Some(Err(reason)))
    ];
    let kind = select(vec![AttemptKind::Renewal, AttemptKind::Recovery]);
    let attempt = (select(DEVICES.to_vec()), kind, end);
    prop::collection::vec(attempt.prop_map(|(device, kind, end)| Attempt { device, kind, end }), 1..25)
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let time = || proptest::option::of(-2_000i64..60_000);
    (
        proptest::option::of(select(DEVICES.to_vec())),
        subsequence(EventType::ALL.to_vec(), 0..=6),
        proptest::option::of(select(REASONS.to_vec())),
        proptest::option::weighted(0.2, 0usize..25),
        time(),
        time(),
    )
        .prop_map(|(device, types, reason, attempt, from, to)| Conditions {
            device,
            types,
            reason,
            attempt,
            from,
            to,
        })
}

/// The events of the attempts, oldest first.
fn history(samples: &Samples, attempts: &[Attempt]) -> Vec<RenewalEvent> {
    let mut events = Vec::new();
    for attempt in attempts {
        let start = samples.start(attempt.device, attempt.kind);
        events.push(start.clone());
        events.extend(attempt.end.map(|end| match end {
            Ok(()) => samples.success(&start),
            Err(reason) => samples.failed(&start, reason),
        }));
    }
    events
}

proptest! {
    #[test]
    fn any_filter_lists_what_a_naive_reading_of_it_lists(
        attempts in attempts(), conditions in conditions(), size in 1u64..20
    ) {
        let samples = Samples::of(1);
        let events = history(&samples, &attempts);
        let begin = events[0].created_at();
        let at = |ms: i64| -> DateTime<Utc> { begin + TimeDelta::milliseconds(ms) };
        let starts: Vec<_> = events.iter().filter(|e| e.id() == e.attempt_id().into()).collect();
        let attempt = conditions.attempt.map(|n| starts[n % starts.len()].attempt_id());

        let expected: Vec<_> = events
            .iter()
            .rev()
            .filter(|e| conditions.device.is_none_or(|name| samples.device(name).1 == e.device_id()))
            .filter(|e| conditions.types.is_empty() || conditions.types.contains(&e.event_type()))
            .filter(|e| conditions.reason.is_none_or(|r| e.reason().is_some_and(|have| have.as_str() == r)))
            .filter(|e| attempt.is_none_or(|attempt| attempt == e.attempt_id()))
            .filter(|e| conditions.from.is_none_or(|from| e.created_at() >= at(from)))
            .filter(|e| conditions.to.is_none_or(|to| e.created_at() < at(to)))
            .cloned()
            .collect();

        let mut filter = EventFilter::new().event_types(conditions.types.iter().copied());
        if let Some(device) = conditions.device { filter = filter.device(samples.device(device).1); }
        if let Some(reason) = conditions.reason { filter = filter.reason(ReasonCode::from_static(reason)); }
        if let Some(attempt) = attempt { filter = filter.attempt(attempt); }
        if let Some(from) = conditions.from { filter = filter.from(at(from)); }
        if let Some(to) = conditions.to { filter = filter.to(at(to)); }

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(async {
            let store = MemoryStore::new();
            store.create_many(samples.org, &events).await.unwrap();
            let size = PageSize::nearest(size);
            let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
            loop {
                let found = store.list(samples.org, &filter, &page).await.unwrap();
                read.extend(found.items);
                let Some(next) = found.next else { break read };
                page = PageRequest::resume(size, &filter.scope(samples.org), next).unwrap();
            }
        });
        prop_assert_eq!(read, expected);
    }
}
