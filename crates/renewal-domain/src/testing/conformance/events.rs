//! Appending to the ledger and reading one event.

use chrono::{DateTime, Utc};

use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{AttemptKind, IdSource, RenewalEvent};

suite![
    an_event_is_read_back_as_it_was_written,
    the_ends_of_the_calendar_are_kept,
    an_event_that_is_not_there_is_none,
    writing_the_same_event_again_changes_nothing,
    another_event_with_the_same_id_is_a_conflict,
    an_attempt_has_one_start_and_one_end,
    a_batch_is_written_whole_or_not_at_all,
    a_batch_may_be_larger_than_one_statement,
    an_empty_batch_is_no_error,
];

async fn an_event_is_read_back_as_it_was_written(stores: Stores) {
    let samples = Samples::of(1);
    for kind in [AttemptKind::Renewal, AttemptKind::Recovery] {
        let start = samples.start("gateway", kind);
        let other = samples.start("gateway", kind);
        let ends = [samples.success(&start), samples.failed(&other, "key_too_weak")];
        for event in [start, other].into_iter().chain(ends) {
            stores.events.create(samples.org, &event).await.works();
            let read = stores.events.get(samples.org, event.id()).await.works();
            assert_eq!(read, Some(event));
        }
    }
}

async fn the_ends_of_the_calendar_are_kept(stores: Stores) {
    let samples = Samples::of(1);
    for time in ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"] {
        let time: DateTime<Utc> = time.parse().unwrap_or_default();
        let device = samples.device("gateway").1;
        let start = RenewalEvent::start(samples.ids.next(), samples.org, device, AttemptKind::Recovery, time);
        stores.events.create(samples.org, &start).await.works();
        assert_eq!(stores.events.get(samples.org, start.id()).await.works(), Some(start));
    }
}

async fn an_event_that_is_not_there_is_none(stores: Stores) {
    let samples = Samples::of(1);
    assert_eq!(stores.events.get(samples.org, samples.ids.next()).await.works(), None);
}

async fn writing_the_same_event_again_changes_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    let end = samples.failed(&start, "denied");
    for _ in 0..3 {
        stores.events.create(samples.org, &start).await.works();
        stores.events.create_many(samples.org, &[start.clone(), end.clone(), end.clone()]).await.works();
    }
    let page =
        stores.events.list(samples.org, &crate::EventFilter::new(), &crate::PageRequest::default()).await;
    assert_eq!(page.works().items, [end, start]);
}

async fn another_event_with_the_same_id_is_a_conflict(stores: Stores) {
    let samples = Samples::of(1);
    let first = samples.start("gateway", AttemptKind::Renewal);
    let other = RenewalEvent::start(
        first.id(),
        samples.org,
        samples.device("meter").1,
        AttemptKind::Renewal,
        first.old_cert_expiration(),
    );
    stores.events.create(samples.org, &first).await.works();
    assert_conflict(&stores.events.create(samples.org, &other).await);
    assert_conflict(&stores.events.create_many(samples.org, &[other]).await);
    assert_eq!(stores.events.get(samples.org, first.id()).await.works(), Some(first));
}

async fn an_attempt_has_one_start_and_one_end(stores: Stores) {
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    let success = samples.success(&start);
    let failed = samples.failed(&start, "abandoned");
    stores.events.create_many(samples.org, &[start, success]).await.works();
    assert_conflict(&stores.events.create(samples.org, &failed).await);
    assert_eq!(stores.events.get(samples.org, failed.id()).await.works(), None);
}

async fn a_batch_is_written_whole_or_not_at_all(stores: Stores) {
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    let first_end = samples.failed(&start, "denied");
    stores.events.create_many(samples.org, &[start.clone(), first_end]).await.works();
    let innocent = samples.start("meter", AttemptKind::Renewal);
    let second_end = samples.success(&start);
    assert_conflict(&stores.events.create_many(samples.org, &[innocent.clone(), second_end]).await);
    assert_eq!(stores.events.get(samples.org, innocent.id()).await.works(), None);
}

async fn a_batch_may_be_larger_than_one_statement(stores: Stores) {
    let samples = Samples::of(1);
    let events: Vec<_> = (0..8_000).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();

    stores.events.create_many(samples.org, &events).await.works();
    for event in [&events[0], &events[events.len() / 2], &events[events.len() - 1]] {
        assert_eq!(stores.events.get(samples.org, event.id()).await.works().as_ref(), Some(event));
    }
}

async fn an_empty_batch_is_no_error(stores: Stores) {
    stores.events.create_many(Samples::of(1).org, &[]).await.works();
}
