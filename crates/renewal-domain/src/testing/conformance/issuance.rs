//! Opening requests, finding their answers, listing what is open. How they end is in `completions`.

use std::time::Duration;

use chrono::TimeDelta;

use super::steps::{NEW, answer, enroll, open, read_all, revoke};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    Answer, AttemptKind, CertificateOrigin, Clock, EventFilter, EventType, IdSource, NewRequest, OpenRequest,
    OpenRequestFilter, Opened, PageRequest, Purpose, RenewalEvent, RequestState, TokenId,
};

suite![
    opening_a_renewal_records_its_start,
    opening_an_enrollment_records_no_event,
    a_start_that_is_in_the_ledger_already_is_a_conflict,
    the_id_of_another_open_request_is_a_conflict,
    an_open_request_is_read_back_as_it_was_opened,
    the_same_request_again_finds_the_open_one,
    the_same_request_again_finds_its_certificate,
    a_certificate_that_expired_or_was_revoked_is_no_answer,
    another_certificate_presented_is_another_request,
    open_requests_are_listed_oldest_first_by_state_and_age,
];

use RequestState::{Pending, Signing};

/// The types of the events in the ledger, oldest first.
pub(super) async fn events(stores: &Stores, samples: &Samples) -> Vec<EventType> {
    let page = stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
    page.items.iter().rev().map(RenewalEvent::event_type).collect()
}

async fn opening_a_renewal_records_its_start(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let request = samples.request("gateway", "csr", 1, Signing);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let start = stores.events.get(samples.org, request.id().start_event()).await.works();
    assert_eq!(start, request.start_event());
    assert!(start.is_some());
}

async fn opening_an_enrollment_records_no_event(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 0, Pending);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    assert_eq!(events(&stores, &samples).await, []);
}

async fn a_start_that_is_in_the_ledger_already_is_a_conflict(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let request = samples.request("gateway", "csr", 1, Signing);
    let Some(start) = request.start_event() else { panic!("a renewal has a start") };
    stores.events.create(samples.org, &start).await.works();
    assert_conflict(&stores.issuance.open(samples.org, &request, &samples.rules()).await);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart]);
}

async fn the_id_of_another_open_request_is_a_conflict(stores: Stores) {
    let samples = Samples::of(1);
    let first = samples.request("gateway", "csr", 0, Signing);
    assert_eq!(open(&stores, &samples, &first).await, NEW);
    let enrollment = Purpose::Enrollment { token: None };
    let other = NewRequest { id: first.id(), ..samples.new_request("meter", "other", enrollment) };
    assert_conflict(&stores.issuance.open(samples.org, &OpenRequest::new(other), &samples.rules()).await);
    assert_eq!(stores.issuance.open_request(samples.org, first.id()).await.works(), Some(first));
}

async fn an_open_request_is_read_back_as_it_was_opened(stores: Stores) {
    let samples = Samples::of(1);
    let issued = enroll(&stores, &samples, "Zähler 7", 1).await;
    let mut purposes = vec![
        Purpose::Enrollment { token: None },
        Purpose::Enrollment { token: Some(TokenId::from(samples.ids.next())) },
    ];
    for (origin, kind) in CertificateOrigin::ALL
        .into_iter()
        .zip([AttemptKind::Renewal, AttemptKind::Recovery].into_iter().cycle())
    {
        let presented = samples.presented(1, origin).into();
        purposes.push(Purpose::Attempt { kind, presented });
    }
    for (number, purpose) in purposes.into_iter().enumerate() {
        // What has its first certificate from another authority has none of ours.
        let foreign = purpose.presented().is_some_and(|it| !it.origin().is_of_our_authority());
        let device = if foreign { "Zähler 8" } else { "Zähler 7" };
        for state in [Signing, Pending] {
            let csr = format!("csr {number} {state:?}");
            let plain = samples.new_request(device, &csr, purpose.clone());
            let request = OpenRequest::new(match state {
                Signing => plain,
                Pending => NewRequest {
                    state,
                    requested_lifetime: Some(Duration::from_hours(24)),
                    credential: "é".repeat(127),
                    source_address: "2001:db8::1".parse().ok(),
                    ..plain
                },
            });
            assert_eq!(open(&stores, &samples, &request).await, NEW);
            let read = stores.issuance.open_request(samples.org, request.id()).await.works();
            assert_eq!(read, Some(request));
        }
    }
    let unknown = samples.ids.next().into();
    assert_eq!(stores.issuance.open_request(samples.org, unknown).await.works(), None);
    let ended = stores.issuance.open_request(samples.org, issued.request_id).await.works();
    assert_eq!(ended, None);
}

async fn the_same_request_again_finds_the_open_one(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    for presented in [0, 1] {
        let first = samples.request("gateway", "csr", presented, Pending);
        let again = samples.request("gateway", "csr", presented, Pending);
        assert_eq!(open(&stores, &samples, &first).await, NEW);
        let before = events(&stores, &samples).await;
        let answer = Answer::Open(Box::new(first));
        let found = stores.issuance.answer(samples.org, &again, samples.clock.now()).await.works();
        assert_eq!(found.as_ref(), Some(&answer));
        assert_eq!(open(&stores, &samples, &again).await, Opened::Answered(answer));
        assert_eq!(events(&stores, &samples).await, before);
    }
}

async fn the_same_request_again_finds_its_certificate(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    for presented in [1, 0] {
        let first = samples.request("gateway", "csr", presented, Signing);
        let issued = answer(&stores, &samples, &first, 10 + presented).await;
        let before = events(&stores, &samples).await;
        let again = samples.request("gateway", "csr", presented, Signing);
        let answer = Answer::Issued(Box::new(issued));
        let found = stores.issuance.answer(samples.org, &again, samples.clock.now()).await.works();
        assert_eq!(found.as_ref(), Some(&answer));
        assert_eq!(open(&stores, &samples, &again).await, Opened::Answered(answer));
        assert_eq!(events(&stores, &samples).await, before);
        assert_eq!(stores.issuance.open_request(samples.org, again.id()).await.works(), None);
    }
}

async fn a_certificate_that_expired_or_was_revoked_is_no_answer(stores: Stores) {
    let samples = Samples::of(1);
    for (number, device) in (10..).zip(["expired", "revoked"]) {
        let first = samples.request(device, device, 0, Signing);
        let certificate = answer(&stores, &samples, &first, number).await;
        if device == "revoked" {
            revoke(&stores, &samples, &certificate).await;
        } else {
            samples.clock.set(certificate.not_after + TimeDelta::seconds(1));
        }
        let again = samples.request(device, device, 0, Signing);
        assert_eq!(stores.issuance.answer(samples.org, &again, samples.clock.now()).await.works(), None);
        assert_eq!(open(&stores, &samples, &again).await, NEW, "{device}");
    }
}

async fn another_certificate_presented_is_another_request(stores: Stores) {
    let samples = Samples::of(1);
    let trusted = |csr, presented| {
        let presented = samples.presented(presented, CertificateOrigin::Trusted);
        samples.presenting("gateway", csr, presented, Pending)
    };
    let requests = [
        trusted("csr", 1),
        trusted("csr", 2),
        trusted("other", 1),
        samples.request("gateway", "csr", 0, Pending),
    ];
    for request in requests {
        assert_eq!(stores.issuance.answer(samples.org, &request, samples.clock.now()).await.works(), None);
        assert_eq!(open(&stores, &samples, &request).await, NEW);
    }
}

async fn open_requests_are_listed_oldest_first_by_state_and_age(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let mut all = Vec::new();
    for (n, state) in [Signing, Pending, Pending, Signing, Pending].into_iter().enumerate() {
        let request = samples.request("gateway", &format!("csr {n}"), 1, state);
        assert_eq!(open(&stores, &samples, &request).await, NEW);
        all.push(request);
    }
    let limits = [None, Some(all[3].opened_at()), Some(all[0].opened_at())];
    for (state, opened_before) in
        [None, Some(Signing), Some(Pending)].into_iter().flat_map(|state| limits.map(|limit| (state, limit)))
    {
        let filter = OpenRequestFilter { state, opened_before, ..OpenRequestFilter::default() };
        let expected: Vec<_> = all.iter().filter(|request| filter.matches(request)).cloned().collect();
        let (store, org) = (&stores.issuance, samples.org);
        let read = read_all!(2, filter.scope(org), |page| store.open_requests(org, &filter, &page));
        assert_eq!(read, expected, "{filter:?}");
    }
}
