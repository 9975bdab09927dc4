//! Which certificates of a device another one has taken the place of.

use super::steps::{
    NEW, SAME_DEVICE, answer, assert_no_trace, complete, enroll, open, open_under, renew, revoke,
};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    CertificateOrigin, Completed, OpenRefusal, OpenRules, Opened, RequestState, SupersededCertificates,
};

suite![
    the_latest_certificate_may_be_presented_again_and_again,
    a_predecessor_may_be_presented_until_a_renewal_with_its_successor_succeeds,
    a_predecessor_may_be_presented_until_a_renewal_with_its_successor_fails,
    a_predecessor_may_be_presented_until_its_successor_is_said_to_be_used,
    a_predecessor_may_be_presented_until_its_successor_is_presented,
    an_answer_to_the_predecessor_is_repeated_until_its_successor_was_used,
    a_predecessor_is_refused_once_its_successor_is_revoked,
    what_is_older_than_the_predecessor_is_refused,
    of_two_answers_to_one_certificate_either_may_be_presented,
    an_enrollment_takes_the_place_of_all_certificates_before,
    a_certificate_of_another_authority_is_superseded_too,
    superseded_certificates_can_be_allowed_until_the_latest_is_revoked,
    a_certificate_takes_the_place_of_none_of_another_device,
    the_use_of_another_certificate_is_not_that_of_the_latest,
];

use RequestState::{Pending, Signing};

const SUPERSEDED: Opened = Opened::Refused(OpenRefusal::Superseded);

/// The device `gateway` enrolls for the certificate 1, and presents that for the certificate 2.
async fn renewed(stores: &Stores, samples: &Samples) {
    enroll(stores, samples, "gateway", 1).await;
    renew(stores, samples, "gateway", 1, 2).await;
}

/// What becomes of a new request of the device that presents this certificate. If it is new, it ends at
/// once, with a failure.
async fn presents(stores: &Stores, samples: &Samples, number: u32) -> Opened {
    let csr = format!("asks at {}", samples.tick());
    let request = samples.request("gateway", &csr, number, Signing);
    let opened = open(stores, samples, &request).await;
    if opened == NEW {
        let end = samples.refused(&request, "signer_failed");
        assert_eq!(complete(stores, samples, &request, &end).await, Completed::Recorded);
    } else {
        assert_no_trace(stores, samples, &request).await;
    }
    opened
}

async fn the_latest_certificate_may_be_presented_again_and_again(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    for _ in 0..3 {
        assert_eq!(presents(&stores, &samples, 2).await, NEW);
    }
}

async fn a_predecessor_may_be_presented_until_a_renewal_with_its_successor_succeeds(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    for _ in 0..3 {
        assert_eq!(presents(&stores, &samples, 1).await, NEW, "its answer may have been lost");
    }
    renew(&stores, &samples, "gateway", 2, 3).await;
    assert_eq!(presents(&stores, &samples, 1).await, SUPERSEDED);
    assert_eq!(presents(&stores, &samples, 2).await, NEW, "now this is the predecessor");
}

async fn a_predecessor_may_be_presented_until_a_renewal_with_its_successor_fails(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    assert_eq!(presents(&stores, &samples, 1).await, NEW);
    assert_eq!(presents(&stores, &samples, 2).await, NEW);
    assert_eq!(presents(&stores, &samples, 1).await, SUPERSEDED);
    assert_eq!(presents(&stores, &samples, 2).await, NEW);
}

async fn a_predecessor_may_be_presented_until_its_successor_is_said_to_be_used(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    let device = samples.device("gateway").1;
    assert_eq!(presents(&stores, &samples, 1).await, NEW);
    stores.issuance.certificate_used(samples.org, device, &samples.serial(2)).await.works();
    assert_eq!(presents(&stores, &samples, 1).await, SUPERSEDED);

    // A later certificate is not used for that.
    renew(&stores, &samples, "gateway", 2, 3).await;
    assert_eq!(presents(&stores, &samples, 2).await, NEW);
}

async fn a_predecessor_may_be_presented_until_its_successor_is_presented(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    let waiting = samples.request("gateway", "waiting", 1, Pending);
    assert_eq!(open(&stores, &samples, &waiting).await, NEW);
    let open_with_it = samples.request("gateway", "csr", 2, Pending);
    assert_eq!(open(&stores, &samples, &open_with_it).await, NEW);
    assert_eq!(presents(&stores, &samples, 1).await, SUPERSEDED);
    let again = samples.request("gateway", "waiting", 1, Pending);
    assert_eq!(open(&stores, &samples, &again).await, SUPERSEDED, "though the same is open");
    let refusal = stores.issuance.refusal(samples.org, &waiting, &samples.rules()).await.works();
    assert_eq!(refusal, Some(OpenRefusal::Superseded));
    let refusal = stores.issuance.refusal(samples.org, &open_with_it, &samples.rules()).await.works();
    assert_eq!(refusal, None);
}

async fn an_answer_to_the_predecessor_is_repeated_until_its_successor_was_used(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let request = || samples.request("gateway", "csr", 1, Signing);
    answer(&stores, &samples, &request(), 2).await;
    assert!(matches!(open(&stores, &samples, &request()).await, Opened::Answered(_)));
    assert_eq!(presents(&stores, &samples, 2).await, NEW);
    assert_eq!(open(&stores, &samples, &request()).await, SUPERSEDED);
}

async fn a_predecessor_is_refused_once_its_successor_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    let oldest = enroll(&stores, &samples, "gateway", 1).await;
    renew(&stores, &samples, "gateway", 1, 2).await;
    let successor = renew(&stores, &samples, "gateway", 2, 3).await;
    revoke(&stores, &samples, &oldest).await;
    assert_eq!(presents(&stores, &samples, 2).await, NEW, "an older one was revoked");
    let revocation = revoke(&stores, &samples, &successor).await;
    assert_eq!(presents(&stores, &samples, 2).await, SUPERSEDED);
    let revoked = Opened::Refused(OpenRefusal::Revoked(revocation));
    assert_eq!(presents(&stores, &samples, 3).await, revoked);
}

async fn what_is_older_than_the_predecessor_is_refused(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    for number in 3..=5 {
        renew(&stores, &samples, "gateway", number - 1, number).await;
        for older in 1..number - 1 {
            assert_eq!(presents(&stores, &samples, older).await, SUPERSEDED, "{older} of {number}");
        }
        assert_eq!(presents(&stores, &samples, number - 1).await, NEW);
    }
}

async fn of_two_answers_to_one_certificate_either_may_be_presented(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    renew(&stores, &samples, "gateway", 1, 3).await;
    for number in [1, 2] {
        assert_eq!(presents(&stores, &samples, number).await, NEW, "{number}");
    }
    assert_eq!(presents(&stores, &samples, 3).await, NEW);
    for number in [1, 2] {
        assert_eq!(presents(&stores, &samples, number).await, SUPERSEDED, "{number}: the latest was used");
    }
}

async fn an_enrollment_takes_the_place_of_all_certificates_before(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    enroll(&stores, &samples, "gateway", 3).await;
    for number in [1, 2] {
        assert_eq!(presents(&stores, &samples, number).await, SUPERSEDED, "{number}");
    }
    assert_eq!(presents(&stores, &samples, 3).await, NEW);
}

async fn a_certificate_of_another_authority_is_superseded_too(stores: Stores) {
    let samples = Samples::of(1);
    let request = |csr| samples.trusted("gateway", csr, 99, CertificateOrigin::Trusted);
    answer(&stores, &samples, &request("one"), 1).await;
    answer(&stores, &samples, &request("two"), 2).await;
    assert_eq!(presents(&stores, &samples, 1).await, NEW, "both answered the same certificate");
    assert_eq!(presents(&stores, &samples, 2).await, NEW);
    assert_eq!(open(&stores, &samples, &request("three")).await, SUPERSEDED);
}

async fn superseded_certificates_can_be_allowed_until_the_latest_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    renewed(&stores, &samples).await;
    let latest = renew(&stores, &samples, "gateway", 2, 3).await;
    let rules = OpenRules { superseded: SupersededCertificates::Allow, ..samples.rules() };
    let request = samples.request("gateway", "csr 1", 1, Signing);
    assert_eq!(open_under(&stores, &samples, &request, &samples.rules()).await, SUPERSEDED);
    assert_eq!(open_under(&stores, &samples, &request, &rules).await, NEW);
    revoke(&stores, &samples, &latest).await;
    let request = samples.request("gateway", "csr 2", 1, Signing);
    assert_eq!(open_under(&stores, &samples, &request, &rules).await, SUPERSEDED);
}

async fn a_certificate_takes_the_place_of_none_of_another_device(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    renewed(&stores, &ours).await;
    enroll(&stores, &ours, "meter", 3).await;
    for samples in [&ours, &theirs] {
        enroll(&stores, samples, SAME_DEVICE, 4).await;
        renew(&stores, samples, SAME_DEVICE, 4, 5).await;
    }
    enroll(&stores, &theirs, SAME_DEVICE, 6).await;
    let request = ours.request(SAME_DEVICE, "csr", 4, Signing);
    assert_eq!(open(&stores, &ours, &request).await, NEW);
    assert_eq!(presents(&stores, &ours, 1).await, NEW);
}

async fn the_use_of_another_certificate_is_not_that_of_the_latest(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    for samples in [&ours, &theirs] {
        enroll(&stores, samples, SAME_DEVICE, 1).await;
        renew(&stores, samples, SAME_DEVICE, 1, 2).await;
    }
    let device = ours.device(SAME_DEVICE).1;
    let uses = [(ours.org, device, 1), (ours.org, device, 99), (theirs.org, device, 2)];
    for (org, device, number) in uses.into_iter().chain([(ours.org, ours.device("meter").1, 2)]) {
        stores.issuance.certificate_used(org, device, &ours.serial(number)).await.works();
    }
    // Another device presents a certificate of another authority with the same number, and another
    // organisation's device one of its own.
    let of_another_device = ours.trusted("meter", "csr 1", 2, CertificateOrigin::Trusted);
    assert_eq!(open(&stores, &ours, &of_another_device).await, NEW);
    let of_another_organisation = theirs.request(SAME_DEVICE, "csr 1", 2, Signing);
    assert_eq!(open(&stores, &theirs, &of_another_organisation).await, NEW);
    let request = ours.request(SAME_DEVICE, "csr 2", 1, Signing);
    assert_eq!(open(&stores, &ours, &request).await, NEW);
}
