//! Every filter against the definition: what [`EventFilter::matches`] says of each event.

use chrono::TimeDelta;

use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{AttemptKind, EventFilter, EventType, PageRequest, PageSize, ReasonCode, RenewalEvent};

suite![every_filter_lets_through_what_its_definition_says, a_time_range_includes_its_start_and_not_its_end];

/// A history with several devices, both kinds of attempt, two reasons and an open attempt.
async fn history(stores: &Stores, samples: &Samples) -> Vec<RenewalEvent> {
    let mut events = Vec::new();
    for round in 0..12 {
        let device = ["gateway", "meter", "robot"][round % 3];
        let kind = [AttemptKind::Renewal, AttemptKind::Recovery][round % 2];
        let start = samples.start(device, kind);
        match round % 4 {
            0 => events.push(samples.success(&start)),
            1 => events.push(samples.failed(&start, "denied")),
            2 => events.push(samples.failed(&start, "key_too_weak")),
            _ => {}
        }
        events.push(start);
    }
    stores.events.create_many(samples.org, &events).await.works();
    events.sort_by_key(|event| std::cmp::Reverse(event.id()));
    events
}

/// Filters with every combination of the conditions.
fn filters(samples: &Samples, events: &[RenewalEvent]) -> Vec<EventFilter> {
    let mut filters = vec![EventFilter::new()];
    let mut widen = |condition: &dyn Fn(EventFilter) -> EventFilter| {
        let more: Vec<_> = filters.iter().cloned().map(condition).collect();
        filters.extend(more);
    };
    let middle = &events[events.len() / 2];
    widen(&|filter| filter.device(samples.device("meter").1));
    widen(&|filter| filter.event_type(EventType::RecoveryFailed));
    widen(&|filter| filter.event_types([EventType::RenewalFailed, EventType::RenewalStart]));
    widen(&|filter| filter.reason(ReasonCode::from_static("denied")));
    widen(&|filter| filter.attempt(middle.attempt_id()));
    widen(&|filter| filter.from(events[events.len() - 4].created_at()));
    widen(&|filter| filter.to(events[3].created_at()));
    filters
}

async fn every_filter_lets_through_what_its_definition_says(stores: Stores) {
    let samples = Samples::of(1);
    let events = history(&stores, &samples).await;
    for filter in filters(&samples, &events) {
        let expected: Vec<_> = events.iter().filter(|event| filter.matches(event)).cloned().collect();
        for size in [1, 2, 1_000] {
            let mut read = Vec::new();
            let mut page = PageRequest::first(PageSize::nearest(size));
            loop {
                let answer = stores.events.list(samples.org, &filter, &page).await.works();
                assert!(answer.items.len() <= page.size());
                read.extend(answer.items);
                let Some(next) = answer.next else { break };
                let resumed = PageRequest::resume(PageSize::nearest(size), &filter.scope(samples.org), next);
                page = resumed.unwrap_or_else(|error| panic!("{error}"));
            }
            assert_eq!(read, expected, "{filter:?}, {size} a page");
        }
    }
}

async fn a_time_range_includes_its_start_and_not_its_end(stores: Stores) {
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    stores.events.create(samples.org, &start).await.works();
    let (at, ms) = (start.created_at(), TimeDelta::milliseconds(1));
    let count = async |filter: EventFilter| {
        stores.events.list(samples.org, &filter, &PageRequest::default()).await.works().items.len()
    };
    assert_eq!(count(EventFilter::new().from(at).to(at + ms)).await, 1);
    assert_eq!(count(EventFilter::new().to(at)).await, 0);
    assert_eq!(count(EventFilter::new().from(at + TimeDelta::microseconds(1))).await, 0);
    assert_eq!(
        count(EventFilter::new().from(at + ms).to(at)).await,
        0,
        "a range the wrong way round is empty"
    );
}
