//! Reading page by page while others write.

use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{AttemptKind, EventFilter, EventType, PageRequest, PageSize};

suite![events_written_meanwhile_neither_repeat_nor_skip_others, a_page_after_the_last_event_is_empty];

async fn events_written_meanwhile_neither_repeat_nor_skip_others(stores: Stores) {
    let samples = Samples::of(1);
    for filter in [
        EventFilter::new(),
        EventFilter::new().event_types([EventType::RenewalStart, EventType::RecoveryStart]),
        EventFilter::new().device(samples.device("gateway").1),
    ] {
        let there =
            stores.events.list(samples.org, &filter, &PageRequest::first(PageSize::MAX)).await.works().items;
        let new: Vec<_> = (0..20).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
        stores.events.create_many(samples.org, &new).await.works();
        let expected: Vec<_> = new.iter().rev().chain(&there).map(crate::RenewalEvent::id).collect();

        let size = PageSize::nearest(3);
        let mut page = PageRequest::first(size);
        let mut read = Vec::new();
        loop {
            let answer = stores.events.list(samples.org, &filter, &page).await.works();
            read.extend(answer.items.iter().map(crate::RenewalEvent::id));
            let late = samples.start("gateway", AttemptKind::Recovery);
            stores.events.create(samples.org, &late).await.works();
            let Some(next) = answer.next else { break };
            page = PageRequest::resume(size, &filter.scope(samples.org), next).unwrap_or_default();
        }
        assert_eq!(read, expected, "{filter:?}");
    }
}

async fn a_page_after_the_last_event_is_empty(stores: Stores) {
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..2).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    stores.events.create_many(samples.org, &starts).await.works();
    let one = PageSize::nearest(1);
    let filter = EventFilter::new();
    let first = stores.events.list(samples.org, &filter, &PageRequest::first(one)).await.works();
    let Some(next) = first.next else { panic!("there is a second page") };
    let second = PageRequest::resume(one, &filter.scope(samples.org), next).unwrap_or_default();
    let second = stores.events.list(samples.org, &filter, &second).await.works();
    assert_eq!((second.items.len(), second.next), (1, None), "an absent cursor is the only mark of the end");
}
