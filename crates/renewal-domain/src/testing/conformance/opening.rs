//! A request is opened only when the certificate that it presents is known where it must be, and is
//! revoked nowhere that counts.

use futures::future::join_all;

use super::steps::{NEW, answer, assert_no_trace, enroll, open, revoke};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::testing::samples::{OTHER_ISSUER, OUR_ISSUER};
use crate::{
    Answer, CertificateOrigin, EventFilter, EventType, NewPresented, OpenRefusal, OpenRequest, Opened,
    PageRequest, PageSize, RequestState, Revocation, RevokedCertificate,
};

suite![
    a_revoked_certificate_opens_nothing,
    a_request_that_was_answered_is_refused_once_its_certificate_is_revoked,
    a_certificate_of_ours_must_be_recorded,
    a_certificate_of_ours_is_known_by_its_digest,
    a_certificate_of_another_organisation_is_not_recorded,
    a_certificate_of_an_adopted_authority_need_not_be_recorded,
    a_certificate_of_another_authority_is_refused_once_it_is_revoked,
    the_serial_number_of_another_authority_says_nothing,
    the_word_of_another_organisation_counts_where_no_row_is_needed_here,
    an_enrollment_presents_nothing_that_could_be_refused,
    of_many_requests_at_once_each_is_judged_by_itself,
];

use CertificateOrigin::{Adopted, Ours, Trusted, TrustedAnywhere};
use RequestState::{Pending, Signing};

/// A renewal that presents the certificate of this number, which is from there.
fn presenting(samples: &Samples, csr: &str, number: u32, origin: CertificateOrigin) -> OpenRequest {
    match origin {
        Ours | Adopted => samples.presenting("gateway", csr, samples.presented(number, origin), Signing),
        Trusted | TrustedAnywhere => samples.trusted("gateway", csr, number, origin),
    }
}

/// Records that a certificate of this issuer is revoked.
async fn revoke_foreign(
    stores: &Stores,
    samples: &Samples,
    issuer: [u8; 32],
    number: u32,
) -> RevokedCertificate {
    let revocations = [samples.foreign_revocation(issuer, &samples.serial(number), None)];
    let recorded = stores.revocations.revoke(samples.org, &revocations, None).await.works();
    assert_eq!(recorded, [revocations[0].0.id]);
    let [(revoked, _)] = revocations;
    revoked
}

const fn refused_as_revoked(revocation: Revocation) -> Opened {
    Opened::Refused(OpenRefusal::Revoked(revocation))
}

async fn a_revoked_certificate_opens_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let revocation = revoke(&stores, &samples, &certificate).await;
    for (origin, state) in [(Ours, Signing), (Ours, Pending), (Adopted, Signing), (Adopted, Pending)] {
        let request = samples.presenting("gateway", "csr", samples.presented(10, origin), state);
        assert_eq!(open(&stores, &samples, &request).await, refused_as_revoked(revocation));
        assert_no_trace(&stores, &samples, &request).await;
    }
}

async fn a_request_that_was_answered_is_refused_once_its_certificate_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let waiting = samples.request("gateway", "waiting", 10, Pending);
    assert_eq!(open(&stores, &samples, &waiting).await, NEW);
    answer(&stores, &samples, &samples.request("gateway", "issued", 10, Signing), 11).await;
    let revocation = revoke(&stores, &samples, &certificate).await;
    for csr in ["waiting", "issued"] {
        let again = samples.request("gateway", csr, 10, Signing);
        assert_eq!(open(&stores, &samples, &again).await, refused_as_revoked(revocation));
        assert_no_trace(&stores, &samples, &again).await;
    }
    let refusal = stores.issuance.refusal(samples.org, &waiting, &samples.rules()).await.works();
    assert_eq!(refusal, Some(OpenRefusal::Revoked(revocation)), "an open request can be asked about");
}

async fn a_certificate_of_ours_must_be_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 10, Signing);
    assert_eq!(open(&stores, &samples, &request).await, Opened::Refused(OpenRefusal::NotRecorded));
    assert_no_trace(&stores, &samples, &request).await;
    enroll(&stores, &samples, "gateway", 10).await;
    assert_eq!(open(&stores, &samples, &request).await, NEW);
}

async fn a_certificate_of_ours_is_known_by_its_digest(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 10).await;
    for origin in [Ours, Adopted] {
        let other = NewPresented { certificate_sha256: [0xee; 32], ..samples.presented(10, origin) };
        let request = samples.presenting("gateway", "csr", other, Signing);
        assert_eq!(open(&stores, &samples, &request).await, Opened::Refused(OpenRefusal::NotRecorded));
        assert_no_trace(&stores, &samples, &request).await;
    }
}

async fn a_certificate_of_another_organisation_is_not_recorded(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let certificate = enroll(&stores, &theirs, "gateway", 10).await;
    let request = presenting(&ours, "csr", 10, Ours);
    assert_eq!(open(&stores, &ours, &request).await, Opened::Refused(OpenRefusal::NotRecorded));
    // Their revocation says no more of it, but counts where no row is needed.
    revoke(&stores, &theirs, &certificate).await;
    assert_eq!(open(&stores, &ours, &request).await, Opened::Refused(OpenRefusal::NotRecorded));
    assert_no_trace(&stores, &ours, &request).await;
    let adopted = presenting(&ours, "csr", 10, Adopted);
    assert_eq!(open(&stores, &ours, &adopted).await, Opened::Refused(OpenRefusal::RevokedElsewhere));
}

async fn a_certificate_of_an_adopted_authority_need_not_be_recorded(stores: Stores) {
    let samples = Samples::of(1);
    assert_eq!(open(&stores, &samples, &presenting(&samples, "one", 10, Adopted)).await, NEW);
    let revoked = revoke_foreign(&stores, &samples, OUR_ISSUER, 10).await;
    let request = presenting(&samples, "two", 10, Adopted);
    assert_eq!(open(&stores, &samples, &request).await, refused_as_revoked(revoked.revocation));
    assert_no_trace(&stores, &samples, &request).await;
}

async fn a_certificate_of_another_authority_is_refused_once_it_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    for (number, origin) in [(10, Trusted), (11, TrustedAnywhere)] {
        let before = presenting(&samples, &format!("before {number}"), number, origin);
        assert_eq!(open(&stores, &samples, &before).await, NEW);
        let revoked = revoke_foreign(&stores, &samples, OTHER_ISSUER, number).await;
        let again = presenting(&samples, &format!("before {number}"), number, origin);
        let after = presenting(&samples, &format!("after {number}"), number, origin);
        for request in [again, after] {
            assert_eq!(open(&stores, &samples, &request).await, refused_as_revoked(revoked.revocation));
            assert_no_trace(&stores, &samples, &request).await;
        }
        // Another certificate of that authority is as good as before.
        let other = presenting(&samples, &format!("other {number}"), 100 + number, origin);
        assert_eq!(open(&stores, &samples, &other).await, NEW);
    }
}

async fn the_serial_number_of_another_authority_says_nothing(stores: Stores) {
    let samples = Samples::of(1);
    // One that was issued here and is revoked, and one that another authority has revoked.
    let certificate = enroll(&stores, &samples, "meter", 10).await;
    revoke(&stores, &samples, &certificate).await;
    enroll(&stores, &samples, "gateway", 11).await;
    revoke_foreign(&stores, &samples, OTHER_ISSUER, 11).await;
    revoke_foreign(&stores, &samples, [0xfd; 32], 12).await;
    for origin in [Trusted, TrustedAnywhere] {
        for number in [10, 12] {
            let csr = format!("{origin:?} {number}");
            let request = samples.trusted("robot", &csr, number, origin);
            assert_eq!(open(&stores, &samples, &request).await, NEW, "{csr}");
        }
    }
    for origin in [Ours, Adopted] {
        let request = presenting(&samples, &format!("{origin:?}"), 11, origin);
        assert_eq!(open(&stores, &samples, &request).await, NEW, "{origin:?}");
    }
}

async fn the_word_of_another_organisation_counts_where_no_row_is_needed_here(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    revoke_foreign(&stores, &theirs, OTHER_ISSUER, 10).await;
    let elsewhere = presenting(&ours, "anywhere", 10, TrustedAnywhere);
    assert_eq!(open(&stores, &ours, &elsewhere).await, Opened::Refused(OpenRefusal::RevokedElsewhere));
    assert_no_trace(&stores, &ours, &elsewhere).await;
    assert_eq!(open(&stores, &ours, &presenting(&ours, "here", 10, Trusted)).await, NEW);
    assert_eq!(open(&stores, &ours, &presenting(&ours, "another", 11, TrustedAnywhere)).await, NEW);
    // An adopted authority was at work for others too: one of them may have recorded and revoked it.
    revoke_foreign(&stores, &theirs, OUR_ISSUER, 12).await;
    let adopted = presenting(&ours, "adopted", 12, Adopted);
    assert_eq!(open(&stores, &ours, &adopted).await, Opened::Refused(OpenRefusal::RevokedElsewhere));

    // The organisation's own word comes first, and says when and why.
    let revoked = revoke_foreign(&stores, &ours, OTHER_ISSUER, 10).await;
    assert_eq!(open(&stores, &ours, &elsewhere).await, refused_as_revoked(revoked.revocation));
}

async fn an_enrollment_presents_nothing_that_could_be_refused(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    revoke(&stores, &samples, &certificate).await;
    let request = samples.request("gateway", "csr", 0, Signing);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
}

async fn of_many_requests_at_once_each_is_judged_by_itself(stores: Stores) {
    let samples = Samples::of(1);
    let mut certificates = Vec::new();
    for number in 1..=20 {
        certificates.push(enroll(&stores, &samples, &format!("device {number}"), number).await);
    }
    let mut revoked = Vec::new();
    for certificate in &certificates[..10] {
        revoked.push(revoke(&stores, &samples, certificate).await);
    }
    let requests = of_both_origins(&samples);
    let calls = requests.iter().map(|(_, _, request)| open(&stores, &samples, request));
    for (opened, (number, origin, _)) in join_all(calls).await.into_iter().zip(&requests) {
        let wanted = match (number, origin) {
            (1..=10, _) => refused_as_revoked(revoked[*number as usize - 1]),
            (21.., Ours) => Opened::Refused(OpenRefusal::NotRecorded),
            _ => NEW,
        };
        assert_eq!(opened, wanted, "{number} {origin:?}");
    }
    let of_those_that_present_something = 10 * 2 + 10;
    assert_eq!(starts(&stores, &samples).await, of_those_that_present_something);

    // All of them ask again, when some of those that are open present what has been revoked meanwhile.
    for certificate in &certificates[10..15] {
        revoked.push(revoke(&stores, &samples, certificate).await);
    }
    let again = of_both_origins(&samples);
    let calls = again.iter().map(|(_, _, request)| open(&stores, &samples, request));
    for (opened, (number, origin, before)) in join_all(calls).await.into_iter().zip(requests) {
        let wanted = match (number, origin) {
            (1..=15, _) => refused_as_revoked(revoked[number as usize - 1]),
            (21.., Ours) => Opened::Refused(OpenRefusal::NotRecorded),
            _ => Opened::Answered(Answer::Open(Box::new(before))),
        };
        assert_eq!(opened, wanted, "{number} {origin:?}");
    }
    for (_, _, request) in &again {
        assert_no_trace(&stores, &samples, request).await;
    }
    assert_eq!(starts(&stores, &samples).await, of_those_that_present_something, "nothing was opened");
}

/// Requests that present the certificates from 0 (none) to 30, two each, of the devices that have them.
fn of_both_origins(samples: &Samples) -> Vec<(u32, CertificateOrigin, OpenRequest)> {
    let each = (0..=30).flat_map(|number| [Ours, Adopted].map(|origin| (number, origin)));
    each.map(|(number, origin)| {
        let (device, csr) = (format!("device {number}"), format!("{number} {origin:?}"));
        let request = if number == 0 {
            samples.request(&device, &csr, 0, Signing)
        } else {
            samples.presenting(&device, &csr, samples.presented(number, origin), Signing)
        };
        (number, origin, request)
    })
    .collect()
}

async fn starts(stores: &Stores, samples: &Samples) -> usize {
    let filter = EventFilter::new().event_types([EventType::RenewalStart]);
    let page = PageRequest::first(PageSize::MAX);
    stores.events.list(samples.org, &filter, &page).await.works().items.len()
}
