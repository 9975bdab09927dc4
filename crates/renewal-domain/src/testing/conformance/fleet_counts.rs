//! How much happened, who is failing, what is open: each against a reading of everything.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::steps::{NEW, end_with, enroll, open, read_all};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    AttemptKind, CertificateFilter, CertificateOrigin, Clock, DeviceId, EventCount, EventFilter, OpenCounts,
    OpenRequest, OpenRequestFilter, PageRequest, PageSize, RenewalEvent, RequestState,
};

suite![
    events_are_counted_by_type_and_reason,
    certificates_are_counted_by_when_they_expire,
    a_device_is_failing_until_it_succeeds,
    a_device_that_fails_again_and_again_is_one,
    open_requests_are_counted_by_state,
    open_requests_are_listed_by_device_and_kind,
    nothing_of_another_organisation_is_counted,
    a_store_that_works_says_so,
];

async fn record(stores: &Stores, samples: &Samples, events: &[RenewalEvent]) {
    stores.events.create_many(samples.org, events).await.works();
}

/// An attempt of a device that failed for this reason, or succeeded without one.
fn attempt(samples: &Samples, device: &str, kind: AttemptKind, failure: Option<&str>) -> [RenewalEvent; 2] {
    let start = samples.start(device, kind);
    let end = failure.map_or_else(|| samples.success(&start), |reason| samples.failed(&start, reason));
    [start, end]
}

/// Each instant with each.
fn pairs(instants: &[DateTime<Utc>]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    instants.iter().flat_map(|&one| instants.iter().map(move |&other| (one, other))).collect()
}

async fn events_are_counted_by_type_and_reason(stores: Stores) {
    use AttemptKind::{Recovery, Renewal};
    let samples = Samples::of(1);
    let mut instants = vec![samples.clock.now()];
    for round in 0..24 {
        let kind = if round % 3 == 0 { Recovery } else { Renewal };
        let failure = [None, Some("denied"), Some("key_too_weak"), Some("denied")][round % 4];
        let events = attempt(&samples, ["gateway", "meter"][round % 2], kind, failure);
        record(&stores, &samples, &events).await;
        instants.extend(events.iter().map(RenewalEvent::created_at).filter(|_| round % 8 == 0));
    }
    instants.push(samples.tick());
    for (from, to) in pairs(&instants) {
        let filter = EventFilter::new().from(from).to(to);
        let page = PageRequest::first(PageSize::MAX);
        let mut expected: BTreeMap<_, u64> = BTreeMap::new();
        for event in stores.events.list(samples.org, &filter, &page).await.works().items {
            *expected.entry((event.event_type(), event.reason().cloned())).or_default() += 1;
        }
        let expected = expected.into_iter();
        let expected = expected.map(|((event_type, reason), count)| EventCount { event_type, reason, count });
        let counted = stores.fleet.count_events(samples.org, from, to).await.works();
        assert_eq!(counted, expected.collect::<Vec<_>>(), "from {from} to {to}");
    }
}

async fn certificates_are_counted_by_when_they_expire(stores: Stores) {
    let samples = Samples::of(1);
    let begin = samples.clock.now();
    let in_days = |days| begin + TimeDelta::days(days);
    for number in 1..=24 {
        let request = samples.request(
            &format!("device {}", number % 9),
            &format!("csr {number}"),
            0,
            RequestState::Signing,
        );
        assert_eq!(open(&stores, &samples, &request).await, NEW);
        let end = samples.issued_until(&request, number, in_days(i64::from(number % 4)));
        end_with(&stores, &samples, &request, &end).await;
    }
    let second = TimeDelta::seconds(1);
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let instants = [first, begin - second, begin, in_days(1), in_days(2) - second, in_days(3), last];
    for (after, until) in pairs(&instants) {
        let filter = CertificateFilter::Expiring { after: Some(after), until: Some(until) };
        let page = PageRequest::first(PageSize::MAX);
        let listed = stores.fleet.certificates(samples.org, &filter, &page).await.works().items.len();
        let counted = stores.fleet.count_expiring(samples.org, after, until).await.works();
        assert_eq!(counted, listed as u64, "after {after} until {until}");
    }
}

/// A request that presents the certificate of this number, of another authority; with 0 an enrollment.
fn request(samples: &Samples, device: &str, number: u32, presented: u32, state: RequestState) -> OpenRequest {
    let csr = format!("csr {number}");
    if presented == 0 {
        return samples.request(device, &csr, 0, state);
    }
    let presented = samples.presented(presented, CertificateOrigin::Trusted);
    samples.presenting(device, &csr, presented, state)
}

/// How many devices are failing, asked and found by reading everything.
async fn failing(stores: &Stores, samples: &Samples, since: DateTime<Utc>) -> u64 {
    let page = PageRequest::first(PageSize::MAX);
    let events = stores.events.list(samples.org, &EventFilter::new().from(since), &page).await.works();
    let mut last_end: BTreeMap<DeviceId, &RenewalEvent> = BTreeMap::new();
    for event in events.items.iter().rev().filter(|event| event.stage() != crate::Stage::Start) {
        last_end.insert(event.device_id(), event);
    }
    let expected = last_end.values().filter(|event| event.reason().is_some()).count();
    let counted = stores.fleet.count_failing(samples.org, since).await.works();
    assert_eq!(counted, expected as u64, "since {since}");
    counted
}

async fn a_device_is_failing_until_it_succeeds(stores: Stores) {
    use AttemptKind::{Recovery, Renewal};
    let samples = Samples::of(1);
    let begin = samples.clock.now();
    assert_eq!(failing(&stores, &samples, begin).await, 0);
    record(&stores, &samples, &attempt(&samples, "gateway", Renewal, None)).await;
    assert_eq!(failing(&stores, &samples, begin).await, 0);
    let failure = attempt(&samples, "gateway", Renewal, Some("denied"));
    record(&stores, &samples, &failure).await;
    assert_eq!(failing(&stores, &samples, begin).await, 1);
    record(&stores, &samples, &attempt(&samples, "meter", Recovery, Some("denied"))).await;
    assert_eq!(failing(&stores, &samples, begin).await, 2);
    // A start changes nothing; a success does, of whichever kind.
    record(&stores, &samples, &[samples.start("gateway", Recovery)]).await;
    assert_eq!(failing(&stores, &samples, begin).await, 2);
    record(&stores, &samples, &attempt(&samples, "gateway", Recovery, None)).await;
    assert_eq!(failing(&stores, &samples, begin).await, 1);
    let ms = TimeDelta::milliseconds(1);
    for since in [failure[1].created_at(), failure[1].created_at() + ms, samples.tick()] {
        failing(&stores, &samples, since).await;
    }
}

async fn a_device_that_fails_again_and_again_is_one(stores: Stores) {
    let samples = Samples::of(1);
    let begin = samples.clock.now();
    for round in 0..9 {
        let kind = if round % 2 == 0 { AttemptKind::Renewal } else { AttemptKind::Recovery };
        let device = if round < 6 { "gateway" } else { "meter" };
        let failure = attempt(&samples, device, kind, Some("denied"));
        record(&stores, &samples, &failure).await;
        assert_eq!(failing(&stores, &samples, begin).await, if round < 6 { 1 } else { 2 });
        assert_eq!(failing(&stores, &samples, failure[1].created_at()).await, 1);
    }
}

async fn open_requests_are_counted_by_state(stores: Stores) {
    use RequestState::{Pending, Signing};
    let samples = Samples::of(1);
    let mut expected = OpenCounts::default();
    for (number, state) in (1..).zip([Pending, Signing, Pending, Signing, Signing]) {
        assert_eq!(stores.fleet.count_open(samples.org).await.works(), expected);
        let request = request(&samples, "gateway", number, number % 2, state);
        assert_eq!(open(&stores, &samples, &request).await, NEW);
        let (count, oldest) = match state {
            Signing => (&mut expected.signing, &mut expected.oldest_signing),
            Pending => (&mut expected.pending, &mut expected.oldest_pending),
        };
        *count += 1;
        oldest.get_or_insert(request.opened_at());
    }
    assert_eq!(stores.fleet.count_open(samples.org).await.works(), expected);
}

async fn open_requests_are_listed_by_device_and_kind(stores: Stores) {
    let samples = Samples::of(1);
    let mut all = Vec::new();
    for number in 0..12 {
        let device = ["gateway", "meter"][number as usize % 2];
        let state = if number % 5 == 0 { RequestState::Pending } else { RequestState::Signing };
        let request = request(&samples, device, number, number % 3, state);
        assert_eq!(open(&stores, &samples, &request).await, NEW);
        all.push(request);
    }
    let devices = [None, Some(samples.device("meter").1), Some(samples.device("robot").1)];
    for (device, attempts_only) in devices.into_iter().flat_map(|device| [(device, false), (device, true)]) {
        for state in [None, Some(RequestState::Signing)] {
            let filter = OpenRequestFilter { state, device, attempts_only, ..OpenRequestFilter::default() };
            let expected: Vec<_> = all.iter().filter(|request| filter.matches(request)).cloned().collect();
            let (store, org) = (&stores.issuance, samples.org);
            let read = read_all!(2, filter.scope(org), |page| store.open_requests(org, &filter, &page));
            assert_eq!(read, expected, "{filter:?}");
        }
    }
}

async fn nothing_of_another_organisation_is_counted(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let begin = ours.clock.now();
    record(&stores, &ours, &attempt(&ours, "gateway", AttemptKind::Renewal, Some("denied"))).await;
    enroll(&stores, &ours, "meter", 1).await;
    let waiting = request(&ours, "robot", 1, 1, RequestState::Pending);
    assert_eq!(open(&stores, &ours, &waiting).await, NEW);

    let until = begin + TimeDelta::days(400);
    for (org, there) in [(ours.org, true), (theirs.org, false)] {
        let fleet = &stores.fleet;
        assert_eq!(fleet.count_expiring(org, begin, until).await.works(), u64::from(there));
        assert_eq!(!fleet.count_events(org, begin, until).await.works().is_empty(), there);
        assert_eq!(fleet.count_failing(org, begin).await.works(), u64::from(there));
        assert_eq!(fleet.count_open(org).await.works() != OpenCounts::default(), there);
    }
}

async fn a_store_that_works_says_so(stores: Stores) {
    stores.fleet.check().await.works();
}
