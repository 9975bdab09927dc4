//! Letting go of attempts: those that may go go, and no others. `retention_of_certificates` has the cases
//! of certificates and revocations.

use chrono::{DateTime, TimeDelta, Utc};

use super::steps::{NEW, actions, enroll, open};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    AttemptKind, CertificateOrigin, Clock, EventFilter, PageRequest, PageSize, RenewalEvent, RequestState,
    RetentionRule,
};

suite![
    old_attempts_go_as_a_whole_and_young_ones_stay,
    an_attempt_without_an_end_stays_however_old,
    an_attempt_that_ended_late_stays_with_its_start,
    the_last_success_of_a_device_stays_behind_any_number_of_failures,
    the_newest_attempts_of_each_device_stay,
    a_dry_run_of_attempts_counts_what_a_real_one_removes,
    a_walk_that_was_cut_off_is_begun_again,
    the_first_part_that_removes_events_records_the_action,
    no_attempt_of_another_organisation_goes,
    the_newest_record_is_an_event_or_a_certificate,
];

/// Everything older goes, and of each device `keep_attempts` stay.
pub(super) const fn rule(before: DateTime<Utc>, keep_attempts: u32) -> RetentionRule {
    RetentionRule {
        events_before: before,
        keep_attempts,
        certificates_before: before,
        revoked_before: before,
        dry_run: false,
    }
}

/// An attempt of a device that failed for this reason, or succeeded without one.
async fn attempt(
    stores: &Stores,
    samples: &Samples,
    device: &str,
    failure: Option<&str>,
) -> [RenewalEvent; 2] {
    let start = samples.start(device, AttemptKind::Renewal);
    let end = failure.map_or_else(|| samples.success(&start), |reason| samples.failed(&start, reason));
    let both = [start, end];
    stores.events.create_many(samples.org, &both).await.works();
    both
}

/// Walks through all events; how many were removed.
async fn prune_events(stores: &Stores, samples: &Samples, rule: &RetentionRule) -> u64 {
    let (mut removed, mut after, action) = (0, None, samples.pruned());
    loop {
        let batch = stores.retention.prune_events(samples.org, rule, after, &action).await.works();
        assert!(batch.next.is_none_or(|next| after.is_none_or(|after| next > after)), "it goes on");
        removed += batch.removed;
        after = batch.next;
        if after.is_none() {
            return removed;
        }
    }
}

/// What is left, oldest first.
async fn events(stores: &Stores, samples: &Samples) -> Vec<RenewalEvent> {
    let page = PageRequest::first(PageSize::MAX);
    let mut left = stores.events.list(samples.org, &EventFilter::new(), &page).await.works().items;
    left.reverse();
    left
}

async fn old_attempts_go_as_a_whole_and_young_ones_stay(stores: Stores) {
    let samples = Samples::of(1);
    for _ in 0..9 {
        attempt(&stores, &samples, "gateway", Some("denied")).await;
        attempt(&stores, &samples, "meter", None).await;
    }
    let begun = samples.start("gateway", AttemptKind::Recovery);
    let middle = samples.tick();
    let ended = samples.success(&begun);
    stores.events.create_many(samples.org, &[begun.clone(), ended.clone()]).await.works();
    let young = attempt(&stores, &samples, "meter", None).await;

    assert_eq!(prune_events(&stores, &samples, &rule(middle, 0)).await, 36);
    let left = [&[begun, ended][..], &young].concat();
    assert_eq!(events(&stores, &samples).await, left);
    assert_eq!(prune_events(&stores, &samples, &rule(middle, 0)).await, 0, "there is no more to remove");
    let first = DateTime::<Utc>::MIN_UTC;
    assert_eq!(prune_events(&stores, &samples, &rule(first, 0)).await, 0);
    assert_eq!(events(&stores, &samples).await, left);
}

async fn an_attempt_without_an_end_stays_however_old(stores: Stores) {
    let samples = Samples::of(1);
    let presented = samples.presented(1, CertificateOrigin::Adopted);
    let request = samples.presenting("gateway", "csr", presented, RequestState::Pending);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let alone = samples.start("meter", AttemptKind::Renewal);
    stores.events.create(samples.org, &alone).await.works();
    for _ in 0..6 {
        attempt(&stores, &samples, "gateway", Some("denied")).await;
    }
    let later = samples.tick() + TimeDelta::days(4_000);
    assert_eq!(prune_events(&stores, &samples, &rule(later, 0)).await, 12);
    let start = request.start_event().unwrap_or_else(|| panic!("an attempt has a start"));
    assert_eq!(events(&stores, &samples).await, [start, alone]);

    // It can still be ended.
    let end = samples.issued(&request, 7);
    stores.issuance.complete(samples.org, request.id(), &end).await.works();
    assert_eq!(prune_events(&stores, &samples, &rule(later, 0)).await, 0, "it is the last success now");
}

async fn an_attempt_that_ended_late_stays_with_its_start(stores: Stores) {
    let samples = Samples::of(1);
    let waiting = samples.start("gateway", AttemptKind::Renewal);
    for _ in 0..5 {
        attempt(&stores, &samples, "gateway", Some("denied")).await;
    }
    let middle = samples.tick();
    let end = samples.failed(&waiting, "denied");
    let after_it = attempt(&stores, &samples, "gateway", Some("denied")).await;
    stores.events.create_many(samples.org, &[waiting.clone(), end.clone()]).await.works();
    assert_eq!(prune_events(&stores, &samples, &rule(middle, 0)).await, 10);
    assert_eq!(events(&stores, &samples).await, [&[waiting, end][..], &after_it].concat());
}

async fn the_last_success_of_a_device_stays_behind_any_number_of_failures(stores: Stores) {
    let samples = Samples::of(1);
    attempt(&stores, &samples, "gateway", None).await;
    let others = attempt(&stores, &samples, "meter", None).await;
    attempt(&stores, &samples, "gateway", Some("denied")).await;
    let last = attempt(&stores, &samples, "gateway", None).await;
    let mut failures = Vec::new();
    for _ in 0..700 {
        let start = samples.start("gateway", AttemptKind::Renewal);
        failures.push(samples.failed(&start, "denied"));
        failures.push(start);
    }
    stores.events.create_many(samples.org, &failures).await.works();
    let later = samples.tick();
    assert_eq!(prune_events(&stores, &samples, &rule(later, 0)).await, 2 + 2 + 1_400);
    assert_eq!(events(&stores, &samples).await, [others, last].concat());
}

async fn the_newest_attempts_of_each_device_stay(stores: Stores) {
    let samples = Samples::of(1);
    let mut all = Vec::new();
    for round in 0..6 {
        for device in ["gateway", "meter"] {
            let failure = (round > 1).then_some("denied");
            all.push((round, device, attempt(&stores, &samples, device, failure).await));
        }
    }
    // One that is open counts, too.
    let open = samples.start("meter", AttemptKind::Renewal);
    stores.events.create(samples.org, &open).await.works();
    let later = samples.tick();
    for keep in [5, 3, 1, 0] {
        prune_events(&stores, &samples, &rule(later, keep)).await;
        let stays = |&(round, device, _): &(u32, &str, _)| {
            let newer = 5 - round + u32::from(device == "meter");
            newer < keep || round == 1
        };
        let left = all.iter().filter(|one| stays(one)).flat_map(|(_, _, both)| both.clone());
        let left: Vec<_> = left.chain([open.clone()]).collect();
        assert_eq!(events(&stores, &samples).await, left, "{keep} are kept");
    }
}

async fn a_dry_run_of_attempts_counts_what_a_real_one_removes(stores: Stores) {
    let samples = Samples::of(1);
    for round in 0..7 {
        attempt(&stores, &samples, "gateway", (round % 3 == 0).then_some("denied")).await;
    }
    let real = rule(samples.tick() + TimeDelta::days(1), 2);
    let dry = RetentionRule { dry_run: true, ..real };
    let all = events(&stores, &samples).await;
    assert_eq!(prune_events(&stores, &samples, &dry).await, 10, "two stay, of which one is the last success");
    assert_eq!(events(&stores, &samples).await, all);
    assert_eq!(actions(&stores, &samples).await, [], "nothing was done");
    assert_eq!(prune_events(&stores, &samples, &real).await, 10);
    assert_eq!(events(&stores, &samples).await, all[10..]);
}

async fn a_walk_that_was_cut_off_is_begun_again(stores: Stores) {
    let samples = Samples::of(1);
    let attempt = |_| {
        let start = samples.start("gateway", AttemptKind::Renewal);
        let end = samples.failed(&start, "denied");
        [start, end]
    };
    let all: Vec<_> = (0..1_300).flat_map(attempt).collect();
    stores.events.create_many(samples.org, &all).await.works();
    let later = samples.tick();
    let rule = rule(later, 1);
    let first = stores.retention.prune_events(samples.org, &rule, None, &samples.pruned()).await.works();
    let Some(next) = first.next else { panic!("{first:?} is not all") };
    let second =
        stores.retention.prune_events(samples.org, &rule, Some(next), &samples.pruned()).await.works();
    assert!(first.removed > 0 && second.removed > 0, "{first:?}, {second:?}");
    let rest = prune_events(&stores, &samples, &rule).await;
    assert_eq!(first.removed + second.removed + rest, 2_598);
    assert_eq!(events(&stores, &samples).await.len(), 2);
}

async fn the_first_part_that_removes_events_records_the_action(stores: Stores) {
    let samples = Samples::of(1);
    let mut both = Vec::new();
    for _ in 0..300 {
        let start = samples.start("gateway", AttemptKind::Renewal);
        both.extend([samples.failed(&start, "denied"), start]);
    }
    stores.events.create_many(samples.org, &both).await.works();
    let (kept, all) = (rule(samples.tick(), 300), rule(samples.tick(), 0));
    assert_eq!(prune_events(&stores, &samples, &kept).await, 0);
    assert_eq!(actions(&stores, &samples).await, [], "nothing was removed");

    let (mut after, action, mut parts) = (None, samples.pruned(), 0);
    loop {
        let batch = stores.retention.prune_events(samples.org, &all, after, &action).await.works();
        assert!(batch.removed > 0 || batch.next.is_none(), "{batch:?}");
        assert_eq!(actions(&stores, &samples).await, std::slice::from_ref(&action));
        parts += 1;
        after = batch.next;
        if after.is_none() {
            break;
        }
    }
    assert!(parts > 1, "600 events are more than one part");
    assert_eq!(events(&stores, &samples).await, []);
}

async fn no_attempt_of_another_organisation_goes(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let now = ours.clock.now();
    for samples in [&ours, &theirs] {
        for _ in 0..3 {
            attempt(&stores, samples, "gateway", Some("denied")).await;
        }
    }
    let rule = rule(now + TimeDelta::days(1), 0);
    let before = events(&stores, &theirs).await;
    assert_eq!(prune_events(&stores, &ours, &rule).await, 6);
    assert_eq!(events(&stores, &ours).await, []);
    assert_eq!(events(&stores, &theirs).await, before);
    assert_eq!(actions(&stores, &theirs).await, []);
}

async fn the_newest_record_is_an_event_or_a_certificate(stores: Stores) {
    let (samples, others) = (Samples::of(1), Samples::of(2));
    let newest = async || stores.retention.newest_record(samples.org).await.works();
    assert_eq!(newest().await, None);
    let certificate = enroll(&stores, &samples, "gateway", 1).await;
    assert_eq!(newest().await, Some(certificate.request_id.created_at()));
    let [start, end] = attempt(&stores, &samples, "meter", None).await;
    assert!(end.created_at() > start.created_at());
    assert_eq!(newest().await, Some(end.created_at()));
    let certificate = enroll(&stores, &samples, "robot", 2).await;
    assert_eq!(newest().await, Some(certificate.request_id.created_at()));
    // An earlier one does not count any more, and none of another organisation.
    stores.events.create(samples.org, &end).await.works();
    others.clock.advance(TimeDelta::days(1));
    enroll(&stores, &others, "gateway", 1).await;
    assert_eq!(newest().await, Some(certificate.request_id.created_at()));
}
