//! How requests end: what a completion records, and when it is too late.

use super::issuance::events;
use super::steps::{NEW, actions, answer, complete, end_with, enroll, open, read_all, renew};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    Action, ActionKind, CertificateFilter, CertificateOrigin, Completed, EventType, NewAction, OpenRequest,
    PageRequest, ReasonCode, RequestState, Target,
};

suite![
    completing_records_event_and_certificate_and_closes_the_request,
    a_failed_attempt_leaves_no_certificate,
    a_completion_that_is_too_late_records_nothing,
    an_attempt_ended_by_an_event_alone_is_closed_too,
    a_serial_number_that_is_in_use_is_a_conflict_and_leaves_the_request_open,
    certificates_of_a_device_are_listed_newest_first,
    a_completion_records_the_action_that_decided_it,
    a_completion_that_is_not_recorded_records_no_action,
    an_action_with_an_id_in_use_undoes_the_completion,
];

use RequestState::{Pending, Signing};

/// The enrollment of a device with the certificate 1, and an open renewal that presents it.
async fn renewing(stores: &Stores, samples: &Samples, csr: &str) -> OpenRequest {
    enroll(stores, samples, "gateway", 1).await;
    let request = samples.request("gateway", csr, 1, Signing);
    assert_eq!(open(stores, samples, &request).await, NEW);
    request
}

/// The approval of a request.
fn approval(samples: &Samples, request: &OpenRequest) -> Action {
    let new = NewAction::new(ActionKind::RequestApproved, Target::Request(request.id()));
    let new = new.device(request.device_id()).reason(ReasonCode::from_static("key_too_weak")).note("seen");
    samples.action_of(&samples.operator().into(), new)
}

async fn completing_records_event_and_certificate_and_closes_the_request(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewing(&stores, &samples, "csr").await;
    let issued = end_with(&stores, &samples, &request, &samples.issued(&request, 10)).await;
    let certificate = stores.issuance.certificate(samples.org, &samples.serial(10)).await.works();
    assert_eq!(certificate.as_ref(), Some(&issued));
    assert_eq!(issued.attempt_id(), Some(request.id().attempt()));
    assert_eq!(issued.presented_serial, Some(samples.serial(1)));
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalSuccess]);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(actions(&stores, &samples).await, [], "nobody decided it");
}

async fn a_failed_attempt_leaves_no_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewing(&stores, &samples, "csr").await;
    let end = samples.refused(&request, "signer_failed");
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalFailed]);
    let filter = CertificateFilter::OfKey(samples.key("csr"));
    let page = stores.fleet.certificates(samples.org, &filter, &PageRequest::default()).await.works();
    assert_eq!(page.items, []);
    let again = samples.request("gateway", "csr", 1, Signing);
    assert_eq!(open(&stores, &samples, &again).await, NEW, "a failure is no answer to keep");
}

async fn a_completion_that_is_too_late_records_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewing(&stores, &samples, "csr").await;
    let abandoned = samples.refused(&request, "abandoned");
    assert_eq!(complete(&stores, &samples, &request, &abandoned).await, Completed::Recorded);
    let late = samples.issued(&request, 10);
    assert_eq!(complete(&stores, &samples, &request, &late).await, Completed::TooLate);
    assert_eq!(stores.issuance.certificate(samples.org, &samples.serial(10)).await.works(), None);
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart, EventType::RenewalFailed]);
}

async fn an_attempt_ended_by_an_event_alone_is_closed_too(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewing(&stores, &samples, "csr").await;
    let Some(start) = request.start_event() else { panic!("a renewal has a start") };
    stores.events.create(samples.org, &samples.failed(&start, "abandoned")).await.works();
    let late = samples.issued(&request, 10).with_action(approval(&samples, &request));
    assert_eq!(complete(&stores, &samples, &request, &late).await, Completed::TooLate);
    assert_eq!(stores.issuance.certificate(samples.org, &samples.serial(10)).await.works(), None);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(actions(&stores, &samples).await, []);
}

async fn a_serial_number_that_is_in_use_is_a_conflict_and_leaves_the_request_open(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewing(&stores, &samples, "csr").await;
    let end = samples.issued(&request, 1).with_action(approval(&samples, &request));
    assert_conflict(&stores.issuance.complete(samples.org, request.id(), &end).await);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), Some(request));
    assert_eq!(events(&stores, &samples).await, [EventType::RenewalStart]);
    assert_eq!(actions(&stores, &samples).await, []);
}

async fn certificates_of_a_device_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = vec![enroll(&stores, &samples, "gateway", 1).await];
    enroll(&stores, &samples, "meter", 101).await;
    for number in 2..=5 {
        expected.insert(0, renew(&stores, &samples, "gateway", number - 1, number).await);
        renew(&stores, &samples, "meter", 99 + number, 100 + number).await;
    }
    let filter = CertificateFilter::OfDevice(samples.device("gateway").1);
    let (store, org) = (&stores.fleet, samples.org);
    let read = read_all!(2, filter.scope(org), |page| store.certificates(org, &filter, &page));
    assert_eq!(read, expected);
}

async fn a_completion_records_the_action_that_decided_it(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for (number, approved) in (10..).zip([true, false]) {
        for presents in [true, false] {
            let csr = format!("csr {approved} {presents}");
            let request = if presents {
                samples.trusted(&csr, &csr, 1, CertificateOrigin::Trusted)
            } else {
                samples.request(&csr, &csr, 0, Pending)
            };
            assert_eq!(open(&stores, &samples, &request).await, NEW);
            let number = if presents { number } else { 100 + number };
            let action = approval(&samples, &request);
            let end =
                if approved { samples.issued(&request, number) } else { samples.refused(&request, "denied") };
            let end = end.with_action(action.clone());
            assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
            expected.push(action);
            assert_eq!(actions(&stores, &samples).await, expected, "{csr}");
        }
    }
}

async fn a_completion_that_is_not_recorded_records_no_action(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 0, Pending);
    answer(&stores, &samples, &request, 10).await;
    let late = samples.issued(&request, 11).with_action(approval(&samples, &request));
    assert_eq!(complete(&stores, &samples, &request, &late).await, Completed::TooLate);

    // The token is not there, and so not to be used.
    let token = samples.token("meter", 1);
    let request = samples.enrollment("meter", "other", token.id);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let end = samples.issued(&request, 12).with_action(approval(&samples, &request));
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::TokenUnusable);

    // The key is another device's by now.
    let request = samples.request("robot", "shared", 0, Pending);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    answer(&stores, &samples, &samples.request("pump", "shared", 0, Signing), 13).await;
    let end =
        samples.issued(&request, 14).refusing_key_in_use(true).with_action(approval(&samples, &request));
    let in_use = Completed::KeyInUse(samples.device("pump").0);
    assert_eq!(complete(&stores, &samples, &request, &end).await, in_use);

    assert_eq!(actions(&stores, &samples).await, []);
}

async fn an_action_with_an_id_in_use_undoes_the_completion(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 0, Pending);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let action = approval(&samples, &request);
    stores.actions.record_action(samples.org, &action).await.works();
    let end = samples.issued(&request, 10).with_action(action.clone());
    assert_conflict(&stores.issuance.complete(samples.org, request.id(), &end).await);
    assert_eq!(stores.issuance.certificate(samples.org, &samples.serial(10)).await.works(), None);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), Some(request));
    assert_eq!(actions(&stores, &samples).await, [action]);
}
