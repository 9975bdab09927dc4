//! One organisation never sees another's rows: for every method of the ledger, the working set and the
//! fleet. The other traits have cases of this with their own.

use super::steps::{NEW, actions, complete, end_with, enroll, open};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    ActionKind, AttemptKind, CertificateFilter, Clock, Completed, EventFilter, EventType, OpenRequestFilter,
    PageRequest, RequestState, Target,
};

suite![another_organisation_finds_nothing, another_organisation_writes_nothing];

async fn another_organisation_finds_nothing(stores: Stores) {
    let ours = Samples::of(1);
    let theirs = Samples::of(2).org;
    enroll(&stores, &ours, "gateway", 1).await;
    let done = ours.request("gateway", "csr", 1, RequestState::Signing);
    assert_eq!(open(&stores, &ours, &done).await, NEW);
    let waiting = ours.request("gateway", "other", 1, RequestState::Pending);
    assert_eq!(open(&stores, &ours, &waiting).await, NEW);
    let certificate = end_with(&stores, &ours, &done, &ours.issued(&done, 10)).await;

    assert_eq!(stores.events.get(theirs, done.id().start_event()).await.works(), None);
    let first = PageRequest::default();
    let device = done.device_id();
    for filter in [
        EventFilter::new(),
        EventFilter::new().device(device),
        EventFilter::new().event_types(EventType::ALL),
        EventFilter::new().attempt(done.id().attempt()),
    ] {
        assert_eq!(stores.events.list(theirs, &filter, &first).await.works().items, []);
    }
    assert_eq!(stores.issuance.open_request(theirs, waiting.id()).await.works(), None);
    let listed = stores.issuance.open_requests(theirs, &OpenRequestFilter::default(), &first).await;
    assert_eq!(listed.works().items, []);
    assert_eq!(stores.issuance.certificate(theirs, &certificate.serial).await.works(), None);
    for filter in [CertificateFilter::OfDevice(device), CertificateFilter::OfKey(ours.key("csr"))] {
        assert_eq!(stores.fleet.certificates(theirs, &filter, &first).await.works().items, []);
    }
    assert_eq!(stores.retention.newest_record(theirs).await.works(), None);
}

async fn another_organisation_writes_nothing(stores: Stores) {
    let (ours, others) = (Samples::of(1), Samples::of(2));
    let theirs = others.org;
    let now = ours.clock.now();
    enroll(&stores, &ours, "gateway", 1).await;
    let request = ours.request("gateway", "csr", 1, RequestState::Signing);
    assert_eq!(open(&stores, &ours, &request).await, NEW);
    let end = ours.issued(&request, 10);

    assert_eq!(stores.issuance.answer(theirs, &request, now).await.works(), None);
    assert_conflict(&stores.issuance.open(theirs, &request, &ours.rules()).await);
    assert_conflict(&stores.issuance.complete(theirs, request.id(), &end).await);
    let same_id = others.refused(&others.request("gateway", "csr", 1, RequestState::Signing), "denied");
    let done = stores.issuance.complete(theirs, request.id(), &same_id).await.works();
    assert_eq!(done, Completed::TooLate, "the request is not theirs to end");
    let approved = others.action(ActionKind::RequestApproved, Target::Request(request.id()));
    assert_conflict(
        &stores.issuance.complete(ours.org, request.id(), &end.clone().with_action(approved)).await,
    );
    assert_eq!(stores.issuance.open_request(ours.org, request.id()).await.works(), Some(request.clone()));

    let equal = others.request("gateway", "csr", 0, RequestState::Signing);
    assert_eq!(open(&stores, &others, &equal).await, NEW, "the same device and key, of another organisation");
    assert_eq!(complete(&stores, &ours, &request, &end).await, Completed::Recorded);

    let event = ours.start("gateway", AttemptKind::Renewal);
    assert_conflict(&stores.events.create(theirs, &event).await);
    assert_conflict(&stores.events.create_many(theirs, std::slice::from_ref(&event)).await);
    assert_eq!(stores.events.get(ours.org, event.id()).await.works(), None);
    for samples in [&ours, &others] {
        assert_eq!(actions(&stores, samples).await, []);
    }
}
