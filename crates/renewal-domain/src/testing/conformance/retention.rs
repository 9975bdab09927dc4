//! Letting go of history: what may go goes, and nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Stores, Works, suite};
use crate::testing::samples::Samples;
use crate::{
    AttemptKind, CertificateFilter, CertificateRecord, Clock, EventFilter, PageRequest, PageSize,
    RenewalEvent, RequestState, RetentionRule, Revocation, RevocationReason, Standing,
};

suite![
    old_attempts_go_as_a_whole_and_young_ones_stay,
    an_attempt_without_an_end_stays_however_old,
    an_attempt_that_ended_late_stays_with_its_start,
    the_last_success_of_a_device_stays_behind_any_number_of_failures,
    the_newest_attempts_of_each_device_stay,
    a_dry_run_counts_what_a_real_one_removes,
    a_walk_that_was_cut_off_is_begun_again,
    certificates_go_by_when_they_expired_and_current_ones_stay,
    a_revoked_certificate_stays_as_long_as_it_is_listed,
    nothing_of_another_organisation_goes,
];

/// Everything older goes, and of each device `keep_attempts` stay.
const fn rule(before: DateTime<Utc>, keep_attempts: u32) -> RetentionRule {
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
    let (mut removed, mut after) = (0, None);
    loop {
        let batch = stores.retention.prune_events(samples.org, rule, after).await.works();
        assert!(batch.next.is_none_or(|next| after.is_none_or(|after| next > after)), "it goes on");
        removed += batch.removed;
        after = batch.next;
        if after.is_none() {
            return removed;
        }
    }
}

/// Walks through all certificates; how many were removed.
async fn prune_certificates(stores: &Stores, samples: &Samples, rule: &RetentionRule) -> u64 {
    let (mut removed, mut after) = (0, None);
    loop {
        let batch = stores.retention.prune_certificates(samples.org, rule, after.clone()).await.works();
        assert!(batch.next.is_none() || batch.next > after, "it goes on");
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
    let request = samples.request("gateway", "csr", 1, RequestState::Pending);
    stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await.works();
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

async fn a_dry_run_counts_what_a_real_one_removes(stores: Stores) {
    let samples = Samples::of(1);
    for round in 0..7 {
        attempt(&stores, &samples, "gateway", (round % 3 == 0).then_some("denied")).await;
        issued(&stores, &samples, "gateway", round + 1, samples.clock.now()).await;
    }
    let real = rule(samples.tick() + TimeDelta::days(1), 2);
    let dry = RetentionRule { dry_run: true, ..real };
    let all = events(&stores, &samples).await;
    let counted =
        (prune_events(&stores, &samples, &dry).await, prune_certificates(&stores, &samples, &dry).await);
    assert_eq!(events(&stores, &samples).await, all);
    assert_eq!(certificates(&stores, &samples, "gateway").await.len(), 7);
    let removed =
        (prune_events(&stores, &samples, &real).await, prune_certificates(&stores, &samples, &real).await);
    assert_eq!(counted, removed);
    // The current certificate stays; and of the attempts two, of which one is the last success.
    assert_eq!(removed, (10, 6));
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
    let first = stores.retention.prune_events(samples.org, &rule, None).await.works();
    let Some(next) = first.next else { panic!("{first:?} is not all") };
    let second = stores.retention.prune_events(samples.org, &rule, Some(next)).await.works();
    assert!(first.removed > 0 && second.removed > 0, "{first:?}, {second:?}");
    let rest = prune_events(&stores, &samples, &rule).await;
    assert_eq!(first.removed + second.removed + rest, 2_598);
    assert_eq!(events(&stores, &samples).await.len(), 2);
}

/// A device gets the certificate of this number.
async fn issued(
    stores: &Stores,
    samples: &Samples,
    device: &str,
    number: u32,
    end: DateTime<Utc>,
) -> CertificateRecord {
    let request = samples.request(device, &format!("csr {number}"), 0, RequestState::Signing);
    stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await.works();
    let end = samples.issued_until(&request, number, end);
    stores.issuance.complete(samples.org, request.id(), &end).await.works();
    let Some(certificate) = end.certificate() else { panic!("issued") };
    certificate.clone()
}

async fn revoked(stores: &Stores, samples: &Samples, certificate: &CertificateRecord) {
    let revocation = Revocation { at: samples.clock.now(), reason: RevocationReason::KeyCompromise };
    stores.issuance.revoke(samples.org, &certificate.serial, &revocation).await.works();
}

/// The numbers of the certificates that a device has, oldest first.
async fn certificates(stores: &Stores, samples: &Samples, device: &str) -> Vec<String> {
    let filter = CertificateFilter::OfDevice(samples.device(device).1);
    let page = PageRequest::first(PageSize::MAX);
    let found = stores.fleet.certificates(samples.org, &filter, &page).await.works().items;
    found.iter().rev().map(|certificate| certificate.serial.to_string()).collect()
}

async fn certificates_go_by_when_they_expired_and_current_ones_stay(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let second = TimeDelta::seconds(1);
    for number in 1..=9 {
        issued(&stores, &samples, "gateway", number, now - second).await;
    }
    issued(&stores, &samples, "gateway", 10, now).await;
    let current = issued(&stores, &samples, "gateway", 11, now - second).await;
    issued(&stores, &samples, "meter", 12, now - second).await;
    let before = RetentionRule { revoked_before: DateTime::<Utc>::MIN_UTC, ..rule(now, 0) };
    assert_eq!(prune_certificates(&stores, &samples, &before).await, 9);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["0a", "0b"]);
    assert_eq!(certificates(&stores, &samples, "meter").await, ["0c"], "it is the only one");

    // One that is current no more is like any other.
    revoked(&stores, &samples, &current).await;
    assert_eq!(prune_certificates(&stores, &samples, &before).await, 0);
    assert_eq!(prune_certificates(&stores, &samples, &rule(now + second, 0)).await, 2);
    assert_eq!(certificates(&stores, &samples, "gateway").await, Vec::<String>::new());
}

async fn a_revoked_certificate_stays_as_long_as_it_is_listed(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let hour = TimeDelta::hours(1);
    for (number, hours) in (1..).zip([3, 2, 1]) {
        let certificate = issued(&stores, &samples, "gateway", number, now - hour * hours).await;
        revoked(&stores, &samples, &certificate).await;
        issued(&stores, &samples, "gateway", 10 + number, now - hour * hours).await;
    }
    issued(&stores, &samples, "gateway", 20, now).await;
    let listed = RetentionRule { revoked_before: now - hour * 2, ..rule(now - hour, 0) };
    assert_eq!(prune_certificates(&stores, &samples, &listed).await, 3);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["02", "03", "0d", "14"]);
    // Off the list, it stays as long as one that was never revoked.
    let off_the_list = RetentionRule { revoked_before: now, ..rule(now - hour, 0) };
    assert_eq!(prune_certificates(&stores, &samples, &off_the_list).await, 1);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["03", "0d", "14"]);
}

async fn nothing_of_another_organisation_goes(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let now = ours.clock.now();
    for samples in [&ours, &theirs] {
        for number in 1..=3 {
            attempt(&stores, samples, "gateway", Some("denied")).await;
            issued(&stores, samples, "gateway", number, now).await;
        }
    }
    let rule = rule(now + TimeDelta::days(1), 0);
    let before = events(&stores, &theirs).await;
    assert_eq!(prune_events(&stores, &ours, &rule).await, 6);
    assert_eq!(prune_certificates(&stores, &ours, &rule).await, 2);
    assert_eq!(events(&stores, &ours).await, []);
    assert_eq!(events(&stores, &theirs).await, before);
    assert_eq!(certificates(&stores, &theirs, "gateway").await, ["01", "02", "03"]);
}
