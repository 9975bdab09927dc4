//! A request is opened only when the certificate that it presents has the standing that is asked for.

use futures::future::join_all;

use super::{Stores, Works, suite};
use crate::testing::samples::Samples;
use crate::{
    Answer, Clock, EventFilter, OpenRequest, Opened, PageRequest, Refusal, RequestState, Revocation,
    RevocationReason, Serial, Standing,
};

suite![
    a_revoked_certificate_opens_nothing,
    a_request_that_was_answered_is_refused_once_its_certificate_is_revoked,
    what_was_not_issued_here_opens_nothing_where_it_must_be_recorded,
    a_certificate_of_another_organisation_is_not_recorded,
    an_enrollment_presents_nothing_that_could_be_refused,
    of_many_requests_at_once_each_is_judged_by_itself,
];

const BOTH: [Standing; 2] = [Standing::NotRevoked, Standing::Recorded];

fn serial(number: u32) -> Serial {
    Serial::from_be_bytes(&number.to_be_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// Issues the certificate of this number.
async fn issue(stores: &Stores, samples: &Samples, number: u32) {
    let request = samples.request("gateway", &format!("for {number}"), 0, RequestState::Signing);
    open(stores, samples, &request, Standing::NotRevoked).await;
    stores.issuance.complete(samples.org, request.id(), &samples.issued(&request, number)).await.works();
}

async fn revoke(stores: &Stores, samples: &Samples, number: u32) -> Revocation {
    let revocation = Revocation { at: samples.clock.now(), reason: RevocationReason::KeyCompromise };
    stores.issuance.revoke(samples.org, &serial(number), &revocation).await.works();
    revocation
}

async fn open(stores: &Stores, samples: &Samples, request: &OpenRequest, standing: Standing) -> Opened {
    stores.issuance.open(samples.org, request, standing, samples.clock.now()).await.works()
}

/// Nothing was written about the request.
async fn left_no_trace(stores: &Stores, samples: &Samples, request: &OpenRequest) {
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(stores.events.get(samples.org, request.id().start_event()).await.works(), None);
}

async fn a_revoked_certificate_opens_nothing(stores: Stores) {
    let samples = Samples::of(1);
    issue(&stores, &samples, 10).await;
    let revocation = revoke(&stores, &samples, 10).await;
    for (standing, state) in BOTH.into_iter().zip([RequestState::Signing, RequestState::Pending]) {
        let request = samples.request("gateway", "csr", 10, state);
        let refused = Opened::Refused(Refusal::Revoked(revocation));
        assert_eq!(open(&stores, &samples, &request, standing).await, refused);
        left_no_trace(&stores, &samples, &request).await;
    }
}

async fn a_request_that_was_answered_is_refused_once_its_certificate_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    issue(&stores, &samples, 10).await;
    let waiting = samples.request("gateway", "waiting", 10, RequestState::Pending);
    let issued = samples.request("gateway", "issued", 10, RequestState::Signing);
    for request in [&waiting, &issued] {
        assert_eq!(open(&stores, &samples, request, Standing::Recorded).await, Opened::New);
    }
    stores.issuance.complete(samples.org, issued.id(), &samples.issued(&issued, 11)).await.works();
    let revocation = revoke(&stores, &samples, 10).await;
    for csr in ["waiting", "issued"] {
        let again = samples.request("gateway", csr, 10, RequestState::Signing);
        let refused = Opened::Refused(Refusal::Revoked(revocation));
        assert_eq!(open(&stores, &samples, &again, Standing::NotRevoked).await, refused);
        left_no_trace(&stores, &samples, &again).await;
    }
}

async fn what_was_not_issued_here_opens_nothing_where_it_must_be_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 10, RequestState::Signing);
    let refused = Opened::Refused(Refusal::NotRecorded);
    assert_eq!(open(&stores, &samples, &request, Standing::Recorded).await, refused);
    left_no_trace(&stores, &samples, &request).await;
    assert_eq!(open(&stores, &samples, &request, Standing::NotRevoked).await, Opened::New);
}

async fn a_certificate_of_another_organisation_is_not_recorded(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    issue(&stores, &theirs, 10).await;
    revoke(&stores, &theirs, 10).await;
    let request = ours.request("gateway", "csr", 10, RequestState::Signing);
    let refused = Opened::Refused(Refusal::NotRecorded);
    assert_eq!(open(&stores, &ours, &request, Standing::Recorded).await, refused);
    assert_eq!(open(&stores, &ours, &request, Standing::NotRevoked).await, Opened::New);
}

async fn an_enrollment_presents_nothing_that_could_be_refused(stores: Stores) {
    let samples = Samples::of(1);
    for standing in BOTH {
        let request = samples.request("gateway", &format!("{standing:?}"), 0, RequestState::Signing);
        assert_eq!(open(&stores, &samples, &request, standing).await, Opened::New);
    }
}

async fn of_many_requests_at_once_each_is_judged_by_itself(stores: Stores) {
    let samples = Samples::of(1);
    for number in 1..=20 {
        issue(&stores, &samples, number).await;
    }
    let mut revoked = Vec::new();
    for number in 1..=10 {
        revoked.push(revoke(&stores, &samples, number).await);
    }
    let requests = of_both_standings(&samples);
    let calls = requests.iter().map(|(_, standing, request)| open(&stores, &samples, request, *standing));
    for (opened, (number, standing, _)) in join_all(calls).await.into_iter().zip(&requests) {
        let wanted = match (number, standing) {
            (1..=10, _) => Opened::Refused(Refusal::Revoked(revoked[*number as usize - 1])),
            (21.., Standing::Recorded) => Opened::Refused(Refusal::NotRecorded),
            _ => Opened::New,
        };
        assert_eq!(opened, wanted, "{number} {standing:?}");
    }
    assert_eq!(
        starts(&stores, &samples).await,
        10 * 2 + 10,
        "of those that were opened and present a certificate"
    );

    // All of them ask again, when some of those that are open present what has been revoked meanwhile.
    for number in 11..=15 {
        revoked.push(revoke(&stores, &samples, number).await);
    }
    let again = of_both_standings(&samples);
    let calls = again.iter().map(|(_, standing, request)| open(&stores, &samples, request, *standing));
    for (opened, (number, standing, before)) in join_all(calls).await.into_iter().zip(requests) {
        let wanted = match (number, standing) {
            (1..=15, _) => Opened::Refused(Refusal::Revoked(revoked[number as usize - 1])),
            (21.., Standing::Recorded) => Opened::Refused(Refusal::NotRecorded),
            _ => Opened::Answered(Answer::Open(Box::new(before))),
        };
        assert_eq!(opened, wanted, "{number} {standing:?}");
    }
    for (_, _, request) in &again {
        left_no_trace(&stores, &samples, request).await;
    }
    assert_eq!(starts(&stores, &samples).await, 10 * 2 + 10, "nothing was opened");
}

/// Requests that present the certificates from 0 (none) to 30, two each.
fn of_both_standings(samples: &Samples) -> Vec<(u32, Standing, OpenRequest)> {
    let each = (0..=30).flat_map(|number| BOTH.map(|standing| (number, standing)));
    each.map(|(number, standing)| {
        let csr = format!("{number} {standing:?}");
        (number, standing, samples.request("gateway", &csr, number, RequestState::Signing))
    })
    .collect()
}

async fn starts(stores: &Stores, samples: &Samples) -> usize {
    let filter = EventFilter::new().event_types([crate::EventType::RenewalStart]);
    let page = PageRequest::first(crate::PageSize::MAX);
    stores.events.list(samples.org, &filter, &page).await.works().items.len()
}
