//! Letting go of certificates and of revocations.

use chrono::{DateTime, TimeDelta, Utc};

use super::retention::rule;
use super::steps::{NEW, actions, end_with, open, renew, revoke};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::testing::samples::{OTHER_ISSUER, OUR_ISSUER};
use crate::{
    CertificateFilter, CertificateOrigin, CertificateRecord, Clock, OpenRefusal, Opened, PageRequest,
    PageSize, RequestState, RetentionRule, Serial,
};

suite![
    certificates_go_by_when_they_expired_and_the_latest_ones_stay,
    a_revoked_certificate_stays_as_long_as_it_is_listed,
    a_dry_run_of_certificates_counts_what_a_real_one_removes,
    no_certificate_of_another_organisation_goes,
    a_revocation_outlives_the_row_of_its_certificate,
    revocations_go_by_when_their_certificates_expired,
    a_dry_run_of_revocations_counts_what_a_real_one_removes,
    no_revocation_of_another_organisation_goes,
    the_first_part_of_a_walk_that_removes_something_records_the_action,
];

/// Walks through all certificates; how many were removed.
async fn prune_certificates(stores: &Stores, samples: &Samples, rule: &RetentionRule) -> u64 {
    let (mut removed, mut after, action) = (0, None, samples.pruned());
    loop {
        let last = after.clone();
        let batch = stores.retention.prune_certificates(samples.org, rule, last, &action).await.works();
        assert!(batch.next.is_none() || batch.next > after, "it goes on");
        removed += batch.removed;
        after = batch.next;
        if after.is_none() {
            return removed;
        }
    }
}

/// Walks through all revocations; how many were removed.
async fn prune_revocations(stores: &Stores, samples: &Samples, rule: &RetentionRule) -> u64 {
    let (mut removed, mut after, action) = (0, None, samples.pruned());
    loop {
        let batch = stores.retention.prune_revocations(samples.org, rule, after, &action).await.works();
        assert!(batch.next.is_none() || batch.next > after, "it goes on");
        removed += batch.removed;
        after = batch.next;
        if after.is_none() {
            return removed;
        }
    }
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
    assert_eq!(open(stores, samples, &request).await, NEW);
    end_with(stores, samples, &request, &samples.issued_until(&request, number, end)).await
}

/// The numbers of the certificates that a device has, oldest first.
async fn certificates(stores: &Stores, samples: &Samples, device: &str) -> Vec<String> {
    let filter = CertificateFilter::OfDevice(samples.device(device).1);
    let page = PageRequest::first(PageSize::MAX);
    let found = stores.fleet.certificates(samples.org, &filter, &page).await.works().items;
    found.iter().rev().map(|certificate| certificate.serial.to_string()).collect()
}

/// The serial numbers of what is revoked, in the order of recording.
async fn revocations(stores: &Stores, samples: &Samples) -> Vec<Serial> {
    let page = PageRequest::first(PageSize::MAX);
    let found = stores.revocations.revocations(samples.org, &page).await.works().items;
    found.into_iter().map(|revoked| revoked.serial).collect()
}

/// Records revocations of another authority's certificates with these numbers and ends.
async fn revoke_foreign(stores: &Stores, samples: &Samples, ends: &[(u32, Option<DateTime<Utc>>)]) {
    let each = ends.iter();
    let revocations: Vec<_> = each
        .map(|(number, end)| samples.foreign_revocation(OTHER_ISSUER, &samples.serial(*number), *end))
        .collect();
    let recorded = stores.revocations.revoke(samples.org, &revocations, None).await.works();
    assert_eq!(recorded.len(), ends.len());
}

async fn certificates_go_by_when_they_expired_and_the_latest_ones_stay(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let second = TimeDelta::seconds(1);
    for number in 1..=9 {
        issued(&stores, &samples, "gateway", number, now - second).await;
    }
    issued(&stores, &samples, "gateway", 10, now).await;
    let latest = issued(&stores, &samples, "gateway", 11, now - second).await;
    issued(&stores, &samples, "meter", 12, now - second).await;
    let before = RetentionRule { revoked_before: DateTime::<Utc>::MIN_UTC, ..rule(now, 0) };
    assert_eq!(prune_certificates(&stores, &samples, &before).await, 9);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["0a", "0b"]);
    assert_eq!(certificates(&stores, &samples, "meter").await, ["0c"], "it is the only one");

    // The last word about a device stays, though it is that the certificate is revoked.
    revoke(&stores, &samples, &latest).await;
    assert_eq!(prune_certificates(&stores, &samples, &before).await, 0);
    assert_eq!(prune_certificates(&stores, &samples, &rule(now + second, 0)).await, 1);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["0b"]);
    issued(&stores, &samples, "gateway", 13, now).await;
    assert_eq!(prune_certificates(&stores, &samples, &rule(now + second, 0)).await, 1);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["0d"]);
}

async fn a_revoked_certificate_stays_as_long_as_it_is_listed(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let hour = TimeDelta::hours(1);
    for (number, hours) in (1..).zip([3, 2, 1]) {
        let certificate = issued(&stores, &samples, "gateway", number, now - hour * hours).await;
        revoke(&stores, &samples, &certificate).await;
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

async fn a_dry_run_of_certificates_counts_what_a_real_one_removes(stores: Stores) {
    let samples = Samples::of(1);
    for number in 1..=7 {
        issued(&stores, &samples, "gateway", number, samples.clock.now()).await;
    }
    let real = rule(samples.tick() + TimeDelta::days(1), 0);
    let dry = RetentionRule { dry_run: true, ..real };
    assert_eq!(prune_certificates(&stores, &samples, &dry).await, 6, "the latest one stays");
    assert_eq!(certificates(&stores, &samples, "gateway").await.len(), 7);
    assert_eq!(actions(&stores, &samples).await, [], "nothing was done");
    assert_eq!(prune_certificates(&stores, &samples, &real).await, 6);
    assert_eq!(certificates(&stores, &samples, "gateway").await, ["07"]);
}

async fn no_certificate_of_another_organisation_goes(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let now = ours.clock.now();
    for samples in [&ours, &theirs] {
        for number in 1..=3 {
            issued(&stores, samples, "gateway", number, now).await;
        }
    }
    let rule = rule(now + TimeDelta::days(1), 0);
    assert_eq!(prune_certificates(&stores, &ours, &rule).await, 2);
    assert_eq!(certificates(&stores, &ours, "gateway").await, ["03"]);
    assert_eq!(certificates(&stores, &theirs, "gateway").await, ["01", "02", "03"]);
    assert_eq!(actions(&stores, &theirs).await, []);
}

async fn a_revocation_outlives_the_row_of_its_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let end = samples.clock.now() + TimeDelta::hours(1);
    let certificate = issued(&stores, &samples, "gateway", 1, end).await;
    renew(&stores, &samples, "gateway", 1, 2).await;
    let revocation = revoke(&stores, &samples, &certificate).await;
    let over = rule(end + TimeDelta::seconds(1), 0);
    assert_eq!(prune_certificates(&stores, &samples, &over).await, 1);
    assert_eq!(stores.issuance.certificate(samples.org, &certificate.serial).await.works(), None);
    let found = async || {
        let found = stores.revocations.revocation(samples.org, &OUR_ISSUER, &certificate.serial).await;
        found.works().map(|revoked| revoked.revocation)
    };
    assert_eq!(found().await, Some(revocation));
    let presented = samples.presented(1, CertificateOrigin::Adopted);
    let request = samples.presenting("meter", "csr", presented, RequestState::Signing);
    let refused = Opened::Refused(OpenRefusal::Revoked(revocation));
    assert_eq!(open(&stores, &samples, &request).await, refused);

    assert_eq!(prune_revocations(&stores, &samples, &over).await, 1);
    assert_eq!(found().await, None);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
}

async fn revocations_go_by_when_their_certificates_expired(stores: Stores) {
    let samples = Samples::of(1);
    let (now, second) = (samples.clock.now(), TimeDelta::seconds(1));
    let ends = [None, Some(now - second), Some(now), Some(now - second), Some(now + second)];
    let ends: Vec<_> = (1..).zip(ends.into_iter().cycle().take(15)).collect();
    revoke_foreign(&stores, &samples, &ends).await;
    let ending = |before: DateTime<Utc>| {
        let stays = ends.iter().filter(move |(_, end)| end.is_none_or(|end| end >= before));
        stays.map(|(number, _)| samples.serial(*number)).collect::<Vec<_>>()
    };
    // Neither of the two limits alone lets one go.
    let first = DateTime::<Utc>::MIN_UTC;
    let later = now + TimeDelta::days(1);
    for rule in [
        RetentionRule { revoked_before: first, ..rule(later, 0) },
        RetentionRule { certificates_before: first, ..rule(later, 0) },
    ] {
        assert_eq!(prune_revocations(&stores, &samples, &rule).await, 0);
    }
    for (before, removed) in [(now, 6), (now + second, 3), (later, 3)] {
        assert_eq!(prune_revocations(&stores, &samples, &rule(before, 0)).await, removed);
        assert_eq!(revocations(&stores, &samples).await, ending(before));
    }
    assert_eq!(revocations(&stores, &samples).await.len(), 3, "those whose end is not known");
}

async fn a_dry_run_of_revocations_counts_what_a_real_one_removes(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    revoke_foreign(&stores, &samples, &[(1, Some(now)), (2, None), (3, Some(now))]).await;
    let before = actions(&stores, &samples).await;
    let real = rule(now + TimeDelta::days(1), 0);
    let dry = RetentionRule { dry_run: true, ..real };
    assert_eq!(prune_revocations(&stores, &samples, &dry).await, 2);
    assert_eq!(revocations(&stores, &samples).await, [1, 2, 3].map(|number| samples.serial(number)));
    assert_eq!(actions(&stores, &samples).await, before, "nothing was done");
    assert_eq!(prune_revocations(&stores, &samples, &real).await, 2);
    assert_eq!(revocations(&stores, &samples).await, [samples.serial(2)]);
}

async fn no_revocation_of_another_organisation_goes(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let now = ours.clock.now();
    for samples in [&ours, &theirs] {
        revoke_foreign(&stores, samples, &[(1, Some(now))]).await;
    }
    let before = actions(&stores, &theirs).await;
    assert_eq!(prune_revocations(&stores, &ours, &rule(now + TimeDelta::days(1), 0)).await, 1);
    assert_eq!(revocations(&stores, &ours).await, []);
    assert_eq!(revocations(&stores, &theirs).await, [theirs.serial(1)]);
    assert_eq!(actions(&stores, &theirs).await, before);
}

async fn the_first_part_of_a_walk_that_removes_something_records_the_action(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    for number in 1..=3 {
        issued(&stores, &samples, "gateway", number, now).await;
    }
    revoke_foreign(&stores, &samples, &[(1, Some(now))]).await;
    let mut expected = actions(&stores, &samples).await;
    let retention = &stores.retention;
    let (nothing, all) = (rule(now, 0), rule(now + TimeDelta::days(1), 0));
    let walk = samples.pruned();
    retention.prune_certificates(samples.org, &nothing, None, &walk).await.works();
    retention.prune_revocations(samples.org, &nothing, None, &walk).await.works();
    assert_eq!(actions(&stores, &samples).await, expected, "nothing was removed");

    let batch = retention.prune_certificates(samples.org, &all, None, &walk).await.works();
    assert_eq!(batch.removed, 2);
    expected.push(walk.clone());
    assert_eq!(actions(&stores, &samples).await, expected);
    let batch = retention.prune_revocations(samples.org, &all, None, &walk).await.works();
    assert_eq!(batch.removed, 1);
    assert_eq!(actions(&stores, &samples).await, expected, "a walk has one action");
    assert_eq!(prune_certificates(&stores, &samples, &all).await, 0, "there is no more to remove");
    assert_eq!(actions(&stores, &samples).await, expected);
}
