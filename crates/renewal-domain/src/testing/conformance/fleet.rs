//! Which certificates there are, and which of them are current.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::steps::{NEW, end_with, open, open_under, read_all};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    CertificateFilter, CertificateRecord, Clock, Completed, KeyReuse, OpenRequest, OpenRules, PageRequest,
    PageSize, RequestState, Revocation, RevocationReason,
};

suite![
    every_listing_of_certificates_holds_what_its_definition_says,
    a_listing_goes_on_within_a_second_while_others_renew,
    the_certificate_of_the_latest_request_is_current_whenever_it_was_recorded,
    of_16_certificates_of_one_device_at_once_the_latest_is_current,
    a_revoked_certificate_is_no_longer_current,
    certificates_with_one_key_are_listed_newest_first,
    certificates_of_another_organisation_are_not_listed,
];

/// All that do not expire before the instant.
fn expiring(after: DateTime<Utc>) -> CertificateFilter {
    CertificateFilter::Expiring { after: Some(after), until: None }
}

/// A request of a device for the certificate of this number, opened.
async fn opened(stores: &Stores, samples: &Samples, device: &str, number: u32) -> OpenRequest {
    let request = samples.request(device, &format!("csr {number}"), 0, RequestState::Signing);
    assert_eq!(open(stores, samples, &request).await, NEW);
    request
}

/// Ends the request with the certificate of this number.
async fn recorded(
    stores: &Stores,
    samples: &Samples,
    request: &OpenRequest,
    number: u32,
    end: DateTime<Utc>,
) -> CertificateRecord {
    end_with(stores, samples, request, &samples.issued_until(request, number, end)).await
}

/// A device gets the certificate of this number.
async fn issued(
    stores: &Stores,
    samples: &Samples,
    device: &str,
    number: u32,
    end: DateTime<Utc>,
) -> CertificateRecord {
    let request = opened(stores, samples, device, number).await;
    recorded(stores, samples, &request, number, end).await
}

/// The certificate after it was revoked at this instant.
async fn revoked(
    stores: &Stores,
    samples: &Samples,
    certificate: &CertificateRecord,
    at: DateTime<Utc>,
) -> CertificateRecord {
    let (mut revoked, action) = samples.revocation_of(certificate, RevocationReason::KeyCompromise);
    revoked.revocation = Revocation { at, ..revoked.revocation };
    let revocations = [(revoked, action)];
    stores.revocations.revoke(samples.org, &revocations, None).await.works();
    let expected = CertificateRecord { revocation: Some(revocations[0].0.revocation), ..certificate.clone() };
    let read = stores.issuance.certificate(samples.org, &certificate.serial).await.works();
    assert_eq!(read.as_ref(), Some(&expected));
    expected
}

/// The whole listing, in pages of this size.
async fn listed(
    stores: &Stores,
    samples: &Samples,
    filter: &CertificateFilter,
    size: u64,
) -> Vec<CertificateRecord> {
    read_all!(size, filter.scope(samples.org), |page| stores.fleet.certificates(samples.org, filter, &page))
}

async fn every_listing_of_certificates_holds_what_its_definition_says(stores: Stores) {
    let samples = Samples::of(1);
    let begin = samples.clock.now();
    let ends = [10, 20, 30].map(|days| begin + TimeDelta::days(days));
    // Of each certificate, whether it is current.
    let mut all: Vec<(CertificateRecord, bool)> = Vec::new();
    for number in 1..=36 {
        let device = number % 14;
        let end = ends[number as usize % 3];
        let new = issued(&stores, &samples, &format!("device {device}"), number, end).await;
        for (old, current) in &mut all {
            *current &= old.device_id != new.device_id;
        }
        all.push((new, true));
    }
    for (number, (certificate, current)) in (0..).zip(&mut all) {
        if number % 5 == 0 {
            let at = begin + TimeDelta::days(number / 10);
            *certificate = revoked(&stores, &samples, certificate, at).await;
            *current = false;
        }
    }

    let second = TimeDelta::seconds(1);
    let instants = [None, Some(ends[0] - second), Some(ends[0]), Some(ends[1]), Some(ends[2])];
    let ranges = instants.iter().flat_map(|&after| instants.map(|until| (after, until)));
    let mut filters: Vec<_> =
        ranges.map(|(after, until)| CertificateFilter::Expiring { after, until }).collect();
    filters.extend(instants.iter().flatten().map(|&now| CertificateFilter::ExpiredBefore(now)));
    filters.push(CertificateFilter::ExpiredBefore(ends[2] + second));
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    filters.push(CertificateFilter::Expiring { after: Some(first), until: Some(last) });
    filters.push(CertificateFilter::ExpiredBefore(last));
    filters.push(CertificateFilter::Revoked);
    filters.extend(["csr 1", "csr 36", "csr 37"].map(|csr| CertificateFilter::OfKey(samples.key(csr))));
    filters.extend(["device 1", "device 5"].map(|name| CertificateFilter::OfDevice(samples.device(name).1)));
    for filter in filters {
        let matching = all.iter().filter(|(certificate, current)| filter.matches(certificate, *current));
        let mut expected: Vec<_> = matching.map(|(certificate, _)| certificate.clone()).collect();
        expected.sort_by_key(|certificate| filter.position(certificate));
        if !filter.ascending() {
            expected.reverse();
        }
        for size in [1, 3, 1_000] {
            assert_eq!(listed(&stores, &samples, &filter, size).await, expected, "{filter:?}, {size} a page");
        }
    }
}

async fn a_listing_goes_on_within_a_second_while_others_renew(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let (end, later) = (now + TimeDelta::days(10), now + TimeDelta::days(20));
    let mut all = Vec::new();
    for number in 1..=12 {
        all.push(issued(&stores, &samples, &format!("device {number}"), number, end).await);
    }
    let filter = CertificateFilter::Expiring { after: Some(now), until: Some(end) };
    let size = PageSize::nearest(4);
    let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
    for number in 1.. {
        let answer = stores.fleet.certificates(samples.org, &filter, &page).await.works();
        read.extend(answer.items);
        let Some(next) = answer.next else { break };
        // One of those that were read, and the last one of those that were not.
        issued(&stores, &samples, &format!("device {number}"), 100 + number, later).await;
        issued(&stores, &samples, &format!("device {}", 13 - number), 200 + number, later).await;
        page = PageRequest::resume(size, &filter.scope(samples.org), next).unwrap_or_default();
    }
    assert_eq!(read, all[..10], "the last two had renewed before it was their turn");
}

async fn the_certificate_of_the_latest_request_is_current_whenever_it_was_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let [first, second, third] = [
        opened(&stores, &samples, "gateway", 1).await,
        opened(&stores, &samples, "gateway", 2).await,
        opened(&stores, &samples, "gateway", 3).await,
    ];
    // The later, the sooner it ends.
    let in_days = |days| now + TimeDelta::days(days);
    let certificate = recorded(&stores, &samples, &second, 2, in_days(20)).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, std::slice::from_ref(&certificate));
    recorded(&stores, &samples, &first, 1, in_days(30)).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, [certificate]);
    let certificate = recorded(&stores, &samples, &third, 3, in_days(10)).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, [certificate]);
}

async fn of_16_certificates_of_one_device_at_once_the_latest_is_current(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    for round in 0..4 {
        let device = format!("gateway {round}");
        let mut requests = Vec::new();
        for number in 1..=16 {
            requests.push(opened(&stores, &samples, &device, round * 100 + number).await);
        }
        let ends: Vec<_> = (round * 100 + 1..)
            .zip(&requests)
            .map(|(number, request)| samples.issued_until(request, number, now + TimeDelta::days(10)))
            .collect();
        let race = requests.iter().zip(&ends);
        let race = race.map(|(request, end)| stores.issuance.complete(samples.org, request.id(), end));
        for done in join_all(race).await {
            assert_eq!(done.works(), Completed::Recorded);
        }
        let current = listed(&stores, &samples, &expiring(now), 10).await;
        assert_eq!(current.last(), ends.last().and_then(|end| end.certificate()));
        assert_eq!(current.len(), round as usize + 1);
    }
}

async fn a_revoked_certificate_is_no_longer_current(stores: Stores) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let end = now + TimeDelta::days(10);
    let old = issued(&stores, &samples, "gateway", 1, end).await;
    let current = issued(&stores, &samples, "gateway", 2, end).await;
    let other = issued(&stores, &samples, "meter", 3, end).await;

    let old = revoked(&stores, &samples, &old, now).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, [current.clone(), other.clone()]);
    let current = revoked(&stores, &samples, &current, now).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, std::slice::from_ref(&other));
    assert_eq!(stores.fleet.count_expiring(samples.org, now, end).await.works(), 1);
    assert_eq!(listed(&stores, &samples, &CertificateFilter::Revoked, 10).await, [current, old]);
    let again = issued(&stores, &samples, "gateway", 4, end).await;
    assert_eq!(listed(&stores, &samples, &expiring(now), 10).await, [other, again]);
}

async fn certificates_with_one_key_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for number in 1..=5 {
        let request = samples.request(&format!("device {number}"), "shared", 0, RequestState::Signing);
        let rules = OpenRules { key_reuse: KeyReuse::Allow, ..samples.rules() };
        assert_eq!(open_under(&stores, &samples, &request, &rules).await, NEW);
        expected.insert(0, end_with(&stores, &samples, &request, &samples.issued(&request, number)).await);
    }
    issued(&stores, &samples, "meter", 6, samples.clock.now()).await;
    let filter = CertificateFilter::OfKey(samples.key("shared"));
    assert_eq!(listed(&stores, &samples, &filter, 2).await, expected);
}

async fn certificates_of_another_organisation_are_not_listed(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let now = ours.clock.now();
    let end = now + TimeDelta::days(10);
    let certificate = issued(&stores, &ours, "gateway", 1, end).await;
    let to_revoke = issued(&stores, &ours, "meter", 2, end).await;
    // The same number, of a device of the same name.
    let other = issued(&stores, &theirs, "gateway", 1, end).await;
    let also_revoked = revoked(&stores, &ours, &to_revoke, now).await;
    for (samples, current, gone) in [(&ours, certificate, vec![also_revoked]), (&theirs, other, vec![])] {
        assert_eq!(listed(&stores, samples, &CertificateFilter::Revoked, 10).await, gone);
        let expired = CertificateFilter::ExpiredBefore(end + TimeDelta::seconds(1));
        for filter in [expiring(now), expired, CertificateFilter::OfKey(samples.key("csr 1"))] {
            assert_eq!(listed(&stores, samples, &filter, 10).await, std::slice::from_ref(&current));
        }
    }
}
