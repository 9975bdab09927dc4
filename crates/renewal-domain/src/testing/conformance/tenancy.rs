//! One organisation never sees another's rows: for every method of the traits. Those of
//! tokens are with the other cases of tokens.

use super::{Stores, Works, assert_conflict, suite};
use crate::testing::samples::Samples;
use crate::{
    CertificateFilter, Clock, Completed, EventFilter, OpenRequestFilter, Opened, PageRequest, RequestState,
    Revocation, RevocationReason, Standing,
};

suite![another_organisation_finds_nothing, another_organisation_writes_nothing];

async fn another_organisation_finds_nothing(stores: Stores) {
    let ours = Samples::of(1);
    let theirs = Samples::of(2).org;
    let now = ours.clock.now();
    let done = ours.request("gateway", "csr", 1, RequestState::Signing);
    stores.issuance.open(ours.org, &done, Standing::NotRevoked, now).await.works();
    let end = ours.issued(&done, 10);
    stores.issuance.complete(ours.org, done.id(), &end).await.works();
    let open = ours.request("gateway", "other", 1, RequestState::Pending);
    stores.issuance.open(ours.org, &open, Standing::NotRevoked, now).await.works();
    let Some(certificate) = end.certificate() else { panic!("issued") };

    assert_eq!(stores.events.get(theirs, done.id().start_event()).await.works(), None);
    let first = PageRequest::default();
    let device = done.device_id();
    for filter in [
        EventFilter::new(),
        EventFilter::new().device(device),
        EventFilter::new().event_types(crate::EventType::ALL),
        EventFilter::new().attempt(done.id().attempt()),
    ] {
        assert_eq!(stores.events.list(theirs, &filter, &first).await.works().items, []);
    }
    assert_eq!(stores.issuance.open_request(theirs, open.id()).await.works(), None);
    let listed = stores.issuance.open_requests(theirs, &OpenRequestFilter::default(), &first).await;
    assert_eq!(listed.works().items, []);
    assert_eq!(stores.issuance.certificate(theirs, &certificate.serial).await.works(), None);
    assert_eq!(
        stores.fleet.certificates(theirs, &CertificateFilter::OfDevice(device), &first).await.works().items,
        []
    );
}

async fn another_organisation_writes_nothing(stores: Stores) {
    let ours = Samples::of(1);
    let others = Samples::of(2);
    let theirs = others.org;
    let now = ours.clock.now();
    let request = ours.request("gateway", "csr", 1, RequestState::Signing);
    stores.issuance.open(ours.org, &request, Standing::NotRevoked, now).await.works();
    let end = ours.issued(&request, 10);

    assert_eq!(stores.issuance.answer(theirs, &request, now).await.works(), None);
    assert_conflict(&stores.issuance.open(theirs, &request, Standing::NotRevoked, now).await);
    assert_conflict(&stores.issuance.complete(theirs, request.id(), &end).await);
    let same_id = others.refused(&others.request("gateway", "csr", 1, RequestState::Signing), "denied");
    let done = stores.issuance.complete(theirs, request.id(), &same_id).await.works();
    assert_eq!(done, Completed::TooLate, "the request is not theirs to end");
    assert_eq!(stores.issuance.open_request(ours.org, request.id()).await.works(), Some(request.clone()));

    let equal = others.request("gateway", "csr", 1, RequestState::Signing);
    assert_eq!(stores.issuance.open(theirs, &equal, Standing::NotRevoked, now).await.works(), Opened::New);

    stores.issuance.complete(ours.org, request.id(), &end).await.works();
    let Some(certificate) = end.certificate() else { panic!("issued") };
    let revocation = Revocation { at: now, reason: RevocationReason::Superseded };
    assert_eq!(stores.issuance.revoke(theirs, &certificate.serial, &revocation).await.works(), None);
    let read = stores.issuance.certificate(ours.org, &certificate.serial).await.works();
    assert_eq!(read.as_ref(), Some(certificate), "not revoked");

    let event = ours.start("gateway", crate::AttemptKind::Renewal);
    assert_conflict(&stores.events.create(theirs, &event).await);
    assert_conflict(&stores.events.create_many(theirs, std::slice::from_ref(&event)).await);
    assert_eq!(stores.events.get(ours.org, event.id()).await.works(), None);
}
