//! Opening and completing requests; reading and revoking certificates.

use chrono::TimeDelta;

use super::{Stores, Works, assert_conflict, suite};
use crate::testing::samples::Samples;
use crate::{
    Answer, CertificateFilter, Clock, Completed, EventFilter, EventType, IdSource, OpenRequest,
    OpenRequestFilter, Opened, PageRequest, PageSize, RequestState, Revocation, RevocationReason, Serial,
    Standing,
};

suite![
    opening_a_renewal_records_its_start,
    opening_an_enrollment_records_no_event,
    a_start_that_is_in_the_ledger_already_is_a_conflict,
    an_open_request_is_read_back_as_it_was_opened,
    the_same_request_again_finds_the_open_one,
    the_same_request_again_finds_its_certificate,
    a_certificate_that_expired_or_was_revoked_is_no_answer,
    another_certificate_presented_is_another_request,
    completing_records_event_and_certificate_and_closes_the_request,
    a_failed_attempt_leaves_no_certificate,
    a_completion_that_is_too_late_records_nothing,
    an_attempt_ended_by_an_event_alone_is_closed_too,
    a_serial_number_that_is_in_use_is_a_conflict_and_leaves_the_request_open,
    open_requests_are_listed_oldest_first_by_state_and_age,
    certificates_of_a_device_are_listed_newest_first,
    a_first_revocation_stands,
    what_was_never_issued_cannot_be_revoked,
];

use RequestState::{Pending, Signing};

async fn open(stores: &Stores, samples: &Samples, request: &OpenRequest) -> Opened {
    stores.issuance.open(samples.org, request, Standing::NotRevoked, samples.clock.now()).await.works()
}

async fn events(stores: &Stores, samples: &Samples) -> Vec<EventType> {
    let page = stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
    page.items.iter().rev().map(crate::RenewalEvent::event_type).collect()
}

fn serial(number: u32) -> Serial {
    Serial::from_be_bytes(&number.to_be_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

async fn opening_a_renewal_records_its_start(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    assert_eq!(open(&stores, &samples, &request).await, Opened::New);
    let start = stores.events.get(samples.org, request.id().start_event()).await.works();
    assert_eq!(start, request.start_event());
    assert!(start.is_some());
}

async fn a_start_that_is_in_the_ledger_already_is_a_conflict(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    let Some(start) = request.start_event() else { panic!("a renewal has a start") };
    stores.events.create(samples.org, &start).await.works();
    assert_conflict(
        &stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await,
    );
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart]);
}

async fn opening_an_enrollment_records_no_event(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 0, Pending);
    assert_eq!(open(&stores, &samples, &request).await, Opened::New);
    assert_eq!(events(&stores, &samples).await, []);
}

async fn an_open_request_is_read_back_as_it_was_opened(stores: Stores) {
    let samples = Samples::of(1);
    for (presented, state) in [(0, Signing), (0, Pending), (1, Signing), (2, Pending)] {
        let request = samples.request("Zähler 7", "csr", presented, state);
        if open(&stores, &samples, &request).await == Opened::New {
            assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), Some(request));
        }
    }
    let unknown = samples.ids.next().into();
    assert_eq!(stores.issuance.open_request(samples.org, unknown).await.works(), None);
}

async fn the_same_request_again_finds_the_open_one(stores: Stores) {
    let samples = Samples::of(1);
    for presented in [0, 1] {
        let first = samples.request("gateway", "csr", presented, Pending);
        let again = samples.request("gateway", "csr", presented, Pending);
        assert_eq!(open(&stores, &samples, &first).await, Opened::New);
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
    for presented in [0, 1] {
        let first = samples.request("gateway", "csr", presented, Signing);
        open(&stores, &samples, &first).await;
        let end = samples.issued(&first, 10 + presented);
        stores.issuance.complete(samples.org, first.id(), &end).await.works();
        let before = events(&stores, &samples).await;
        let again = samples.request("gateway", "csr", presented, Signing);
        let answer = end.certificate().cloned().map(Box::new).map(Answer::Issued);
        let found = stores.issuance.answer(samples.org, &again, samples.clock.now()).await.works();
        assert_eq!(found, answer);
        assert_eq!(Some(open(&stores, &samples, &again).await), answer.map(Opened::Answered));
        assert_eq!(events(&stores, &samples).await, before);
        assert_eq!(stores.issuance.open_request(samples.org, again.id()).await.works(), None);
    }
}

async fn a_certificate_that_expired_or_was_revoked_is_no_answer(stores: Stores) {
    let samples = Samples::of(1);
    for (number, device) in [(10, "expired"), (11, "revoked")] {
        let first = samples.request(device, device, 1, Signing);
        open(&stores, &samples, &first).await;
        stores.issuance.complete(samples.org, first.id(), &samples.issued(&first, number)).await.works();
    }
    let revocation = Revocation { at: samples.clock.now(), reason: RevocationReason::KeyCompromise };
    stores.issuance.revoke(samples.org, &serial(11), &revocation).await.works();
    let again = samples.request("revoked", "revoked", 1, Signing);
    assert_eq!(open(&stores, &samples, &again).await, Opened::New);
    samples.clock.advance(TimeDelta::days(400));
    let again = samples.request("expired", "expired", 1, Signing);
    assert_eq!(open(&stores, &samples, &again).await, Opened::New);
}

async fn another_certificate_presented_is_another_request(stores: Stores) {
    let samples = Samples::of(1);
    let requests =
        [("gateway", "csr", 1), ("gateway", "csr", 2), ("gateway", "other", 1), ("gateway", "csr", 0)];
    for (device, csr, presented) in requests {
        let request = samples.request(device, csr, presented, Pending);
        assert_eq!(stores.issuance.answer(samples.org, &request, samples.clock.now()).await.works(), None);
        assert_eq!(open(&stores, &samples, &request).await, Opened::New);
    }
}

async fn completing_records_event_and_certificate_and_closes_the_request(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    open(&stores, &samples, &request).await;
    let end = samples.issued(&request, 10);
    let done = stores.issuance.complete(samples.org, request.id(), &end).await.works();
    assert_eq!(done, Completed::Recorded);
    let certificate = stores.issuance.certificate(samples.org, &serial(10)).await.works();
    assert_eq!(certificate.as_ref(), end.certificate());
    assert!(certificate.is_some_and(|c| c.attempt_id() == Some(request.id().attempt())));
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalSuccess]);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
}

async fn a_failed_attempt_leaves_no_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    open(&stores, &samples, &request).await;
    let end = samples.refused(&request, "signer_failed");
    assert_eq!(stores.issuance.complete(samples.org, request.id(), &end).await.works(), Completed::Recorded);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalFailed]);
    let device = samples.device("gateway").1;
    let page = stores
        .fleet
        .certificates(samples.org, &CertificateFilter::OfDevice(device), &PageRequest::default())
        .await
        .works();
    assert_eq!(page.items, []);
    let again = samples.request("gateway", "csr", 1, Signing);
    assert_eq!(open(&stores, &samples, &again).await, Opened::New, "a failure is no answer to keep");
}

async fn a_completion_that_is_too_late_records_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    open(&stores, &samples, &request).await;
    let abandoned = samples.refused(&request, "abandoned");
    stores.issuance.complete(samples.org, request.id(), &abandoned).await.works();
    let late = samples.issued(&request, 10);
    assert_eq!(stores.issuance.complete(samples.org, request.id(), &late).await.works(), Completed::TooLate);
    assert_eq!(stores.issuance.certificate(samples.org, &serial(10)).await.works(), None);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalFailed]);
}

async fn an_attempt_ended_by_an_event_alone_is_closed_too(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, Signing);
    open(&stores, &samples, &request).await;
    let Some(start) = request.start_event() else { panic!("a renewal has a start") };
    stores.events.create(samples.org, &samples.failed(&start, "abandoned")).await.works();
    let late = samples.issued(&request, 10);
    assert_eq!(stores.issuance.complete(samples.org, request.id(), &late).await.works(), Completed::TooLate);
    assert_eq!(stores.issuance.certificate(samples.org, &serial(10)).await.works(), None);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
}

async fn a_serial_number_that_is_in_use_is_a_conflict_and_leaves_the_request_open(stores: Stores) {
    let samples = Samples::of(1);
    let [first, second] = ["one", "two"].map(|csr| samples.request("gateway", csr, 1, Signing));
    for request in [&first, &second] {
        open(&stores, &samples, request).await;
    }
    stores.issuance.complete(samples.org, first.id(), &samples.issued(&first, 10)).await.works();
    assert_conflict(&stores.issuance.complete(samples.org, second.id(), &samples.issued(&second, 10)).await);
    assert_eq!(stores.issuance.open_request(samples.org, second.id()).await.works(), Some(second));
    assert_eq!(events(&stores, &samples).await.len(), 3);
}

async fn open_requests_are_listed_oldest_first_by_state_and_age(stores: Stores) {
    let samples = Samples::of(1);
    let mut all = Vec::new();
    for (n, state) in [Signing, Pending, Pending, Signing, Pending].into_iter().enumerate() {
        let request = samples.request("gateway", &format!("csr {n}"), 1, state);
        open(&stores, &samples, &request).await;
        all.push(request);
    }
    let limits = [None, Some(all[3].opened_at()), Some(all[0].opened_at())];
    for (state, opened_before) in
        [None, Some(Signing), Some(Pending)].into_iter().flat_map(|state| limits.map(|limit| (state, limit)))
    {
        let filter = OpenRequestFilter { state, opened_before, ..OpenRequestFilter::default() };
        let expected: Vec<_> = all.iter().filter(|request| filter.matches(request)).cloned().collect();
        let size = PageSize::nearest(2);
        let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
        loop {
            let answer = stores.issuance.open_requests(samples.org, &filter, &page).await.works();
            read.extend(answer.items);
            let Some(next) = answer.next else { break };
            page = PageRequest::resume(size, &filter.scope(samples.org), next).unwrap_or_default();
        }
        assert_eq!(read, expected, "{filter:?}");
    }
}

async fn certificates_of_a_device_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for number in 1..=5 {
        for device in ["gateway", "meter"] {
            let request = samples.request(device, &format!("csr {number}"), number, Signing);
            open(&stores, &samples, &request).await;
            let end = samples.issued(&request, number + if device == "meter" { 100 } else { 0 });
            stores.issuance.complete(samples.org, request.id(), &end).await.works();
            expected.extend(end.certificate().filter(|_| device == "gateway").cloned());
        }
    }
    expected.reverse();
    let device = samples.device("gateway").1;
    let size = PageSize::nearest(2);
    let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
    loop {
        let answer =
            stores.fleet.certificates(samples.org, &CertificateFilter::OfDevice(device), &page).await.works();
        read.extend(answer.items);
        let Some(next) = answer.next else { break };
        let scope = CertificateFilter::OfDevice(device).scope(samples.org);
        page = PageRequest::resume(size, &scope, next).unwrap_or_default();
    }
    assert_eq!(read, expected);
}

async fn a_first_revocation_stands(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 0, Signing);
    open(&stores, &samples, &request).await;
    stores.issuance.complete(samples.org, request.id(), &samples.issued(&request, 10)).await.works();
    let first = Revocation { at: samples.clock.now(), reason: RevocationReason::KeyCompromise };
    for reason in RevocationReason::ALL {
        let at = first.at + TimeDelta::days(i64::from(reason != first.reason));
        let revocation =
            if reason == RevocationReason::Unspecified { first } else { Revocation { at, reason } };
        let revoked = stores.issuance.revoke(samples.org, &serial(10), &revocation).await.works();
        assert_eq!(revoked.and_then(|certificate| certificate.revocation), Some(first));
    }
    let read = stores.issuance.certificate(samples.org, &serial(10)).await.works();
    assert_eq!(read.and_then(|certificate| certificate.revocation), Some(first));
}

async fn what_was_never_issued_cannot_be_revoked(stores: Stores) {
    let samples = Samples::of(1);
    let revocation = Revocation { at: samples.clock.now(), reason: RevocationReason::Unspecified };
    assert_eq!(stores.issuance.revoke(samples.org, &serial(10), &revocation).await.works(), None);
    assert_eq!(stores.issuance.certificate(samples.org, &serial(10)).await.works(), None);
}
