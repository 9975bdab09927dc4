//! Revocations are recorded once each, looked up and listed. What they refuse is in `opening`.

use super::steps::{actions, answer, enroll, read_all, revoke};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::testing::samples::{OTHER_ISSUER, OUR_ISSUER};
use crate::{
    Action, BlockSubject, CertificateFilter, CertificateRecord, Clock, PageRequest, RequestState,
    RevocationReason, RevokedCertificate,
};

suite![
    a_certificate_that_was_issued_here_is_revoked_in_its_row_too,
    a_revocation_is_read_as_it_was_recorded,
    a_first_revocation_stands,
    revocations_are_recorded_with_their_actions,
    of_several_revocations_those_that_are_new_are_recorded,
    a_serial_number_of_another_issuer_revokes_no_row,
    revocations_are_listed_in_the_order_of_recording,
    what_is_of_another_organisation_undoes_all_of_it,
    another_organisation_finds_no_revocation,
    only_whether_it_is_revoked_is_known_everywhere,
];

/// Records one revocation.
async fn record(stores: &Stores, samples: &Samples, new: (RevokedCertificate, Action)) -> RevokedCertificate {
    let new = [new];
    let recorded = stores.revocations.revoke(samples.org, &new, None).await.works();
    assert_eq!(recorded, [new[0].0.id]);
    let [(revoked, _)] = new;
    revoked
}

async fn found(
    stores: &Stores,
    samples: &Samples,
    revoked: &RevokedCertificate,
) -> Option<RevokedCertificate> {
    let issuer = &revoked.issuer_key_sha256;
    stores.revocations.revocation(samples.org, issuer, &revoked.serial).await.works()
}

async fn a_certificate_that_was_issued_here_is_revoked_in_its_row_too(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let other = enroll(&stores, &samples, "meter", 11).await;
    let revocation = revoke(&stores, &samples, &certificate).await;
    let expected = CertificateRecord { revocation: Some(revocation), ..certificate };
    let read = stores.issuance.certificate(samples.org, &expected.serial).await.works();
    assert_eq!(read.as_ref(), Some(&expected));
    let page = PageRequest::default();
    let listed = stores.fleet.certificates(samples.org, &CertificateFilter::Revoked, &page).await.works();
    assert_eq!(listed.items, [expected]);
    let read = stores.issuance.certificate(samples.org, &other.serial).await.works();
    assert_eq!(read, Some(other));
}

async fn a_revocation_is_read_as_it_was_recorded(stores: Stores) {
    let samples = Samples::of(1);
    for (number, reason) in (1..).zip(RevocationReason::ALL) {
        let certificate = enroll(&stores, &samples, &format!("device {number}"), number).await;
        let revoked = record(&stores, &samples, samples.revocation_of(&certificate, reason)).await;
        assert_eq!(found(&stores, &samples, &revoked).await, Some(revoked));
    }
    let serial = samples.serial(1);
    for (issuer, not_after) in [(OTHER_ISSUER, None), ([0xfd; 32], Some(samples.clock.now()))] {
        let revoked = samples.foreign_revocation(issuer, &serial, not_after);
        let revoked = record(&stores, &samples, revoked).await;
        assert_eq!(found(&stores, &samples, &revoked).await, Some(revoked));
    }
    let unknown = samples.foreign_revocation(OTHER_ISSUER, &samples.serial(2), None).0;
    assert_eq!(found(&stores, &samples, &unknown).await, None);
}

async fn a_first_revocation_stands(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let own = samples.revocation_of(&certificate, RevocationReason::PrivilegeWithdrawn);
    let foreign = samples.foreign_revocation(OTHER_ISSUER, &certificate.serial, None);
    for first in [own, foreign] {
        let first = record(&stores, &samples, first).await;
        for reason in RevocationReason::ALL {
            let (again, action) = samples.revocation_of(&certificate, reason);
            let again = RevokedCertificate { issuer_key_sha256: first.issuer_key_sha256, ..again };
            let recorded = stores.revocations.revoke(samples.org, &[(again, action)], None).await.works();
            assert_eq!(recorded, []);
        }
        assert_eq!(found(&stores, &samples, &first).await, Some(first));
    }
    let read = stores.issuance.certificate(samples.org, &certificate.serial).await.works();
    let reason = read.and_then(|certificate| certificate.revocation).map(|revocation| revocation.reason);
    assert_eq!(reason, Some(RevocationReason::PrivilegeWithdrawn));
}

async fn revocations_are_recorded_with_their_actions(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let (revoked, action) = samples.revocation_of(&certificate, RevocationReason::Superseded);
    record(&stores, &samples, (revoked, action.clone())).await;
    let again = [samples.revocation_of(&certificate, RevocationReason::KeyCompromise)];
    assert_eq!(stores.revocations.revoke(samples.org, &again, None).await.works(), []);
    assert_eq!(actions(&stores, &samples).await, [action], "nothing was revoked a second time");
    assert_eq!(stores.revocations.revoke(samples.org, &[], None).await.works(), []);
}

async fn of_several_revocations_those_that_are_new_are_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let mut certificates = Vec::new();
    for number in 1..=4 {
        certificates.push(enroll(&stores, &samples, &format!("device {number}"), number).await);
    }
    revoke(&stores, &samples, &certificates[1]).await;
    let before = actions(&stores, &samples).await;
    let of_all = || {
        let each = certificates.iter();
        each.map(|certificate| samples.revocation_of(certificate, RevocationReason::CessationOfOperation))
    };
    let mut revocations: Vec<_> = of_all().collect();
    let twice = of_all().take(1);
    revocations.extend(twice);
    let new = [&revocations[0], &revocations[2], &revocations[3]];
    let recorded = stores.revocations.revoke(samples.org, &revocations, None).await.works();
    assert_eq!(recorded, new.map(|(revoked, _)| revoked.id));
    let expected: Vec<_> = before.into_iter().chain(new.map(|(_, action)| action.clone())).collect();
    assert_eq!(actions(&stores, &samples).await, expected);
    for (number, certificate) in (0..).zip(&certificates) {
        let read = stores.issuance.certificate(samples.org, &certificate.serial).await.works();
        let reason = read.and_then(|certificate| certificate.revocation).map(|revocation| revocation.reason);
        let first = number == 1;
        let wanted =
            if first { RevocationReason::KeyCompromise } else { RevocationReason::CessationOfOperation };
        assert_eq!(reason, Some(wanted), "{number}");
    }
}

async fn a_serial_number_of_another_issuer_revokes_no_row(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = enroll(&stores, &samples, "gateway", 10).await;
    let foreign = samples.foreign_revocation(OTHER_ISSUER, &certificate.serial, None);
    record(&stores, &samples, foreign).await;
    let read = stores.issuance.certificate(samples.org, &certificate.serial).await.works();
    assert_eq!(read.as_ref(), Some(&certificate));
    let ours = samples.revocation_of(&certificate, RevocationReason::KeyCompromise).0;
    assert_eq!(found(&stores, &samples, &ours).await, None);
    let (now, end) = (samples.clock.now(), certificate.not_after);
    assert_eq!(stores.fleet.count_expiring(samples.org, now, end).await.works(), 1, "it is current");
}

async fn revocations_are_listed_in_the_order_of_recording(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for number in 1..=7 {
        // The later, the lower the serial number.
        let serial = samples.serial(100 - number);
        let issuer = [OUR_ISSUER, OTHER_ISSUER][number as usize % 2];
        let revoked = samples.foreign_revocation(issuer, &serial, None);
        expected.push(record(&stores, &samples, revoked).await);
    }
    for size in [1, 3, 1_000] {
        let (store, org) = (&stores.revocations, samples.org);
        let read = read_all!(size, RevokedCertificate::scope(org), |page| store.revocations(org, &page));
        assert_eq!(read, expected, "{size} a page");
    }
}

async fn what_is_of_another_organisation_undoes_all_of_it(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let certificate = enroll(&stores, &ours, "gateway", 10).await;
    let good = ours.revocation_of(&certificate, RevocationReason::KeyCompromise);
    let (serial, key) = (ours.serial(11), BlockSubject::Key(ours.key("csr")));
    let foreign = theirs.foreign_revocation(OTHER_ISSUER, &serial, None);
    let mixed = (ours.foreign_revocation(OTHER_ISSUER, &serial, None).0, foreign.1.clone());
    for bad in [foreign, mixed] {
        let both = [good.clone(), bad];
        assert_conflict(&stores.revocations.revoke(ours.org, &both, None).await);
    }
    let (our_block, their_block) = (ours.block(key), theirs.block(key));
    let mixed = (our_block.0, their_block.1.clone());
    for bad in [their_block, mixed] {
        let revocations = std::slice::from_ref(&good);
        assert_conflict(&stores.revocations.revoke(ours.org, revocations, Some(bad)).await);
    }
    let read = stores.issuance.certificate(ours.org, &certificate.serial).await.works();
    assert_eq!(read, Some(certificate), "it is not revoked");
    for samples in [&ours, &theirs] {
        let page = PageRequest::default();
        assert_eq!(stores.revocations.revocations(samples.org, &page).await.works().items, []);
        assert_eq!(stores.blocks.block_of(samples.org, &key).await.works(), None);
        assert_eq!(actions(&stores, samples).await, []);
    }
}

async fn another_organisation_finds_no_revocation(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let certificate = enroll(&stores, &ours, "gateway", 10).await;
    let equal =
        answer(&stores, &theirs, &theirs.request("gateway", "csr", 0, RequestState::Signing), 10).await;
    let revoked = ours.revocation_of(&certificate, RevocationReason::KeyCompromise);
    let revoked = record(&stores, &ours, revoked).await;
    assert_eq!(found(&stores, &theirs, &revoked).await, None);
    let page = PageRequest::default();
    assert_eq!(stores.revocations.revocations(theirs.org, &page).await.works().items, []);
    let read = stores.issuance.certificate(theirs.org, &equal.serial).await.works();
    assert_eq!(read.as_ref(), Some(&equal), "the serial number is another certificate's there");

    // It can be revoked there too, for another reason.
    let also = theirs.revocation_of(&equal, RevocationReason::Superseded);
    let also = record(&stores, &theirs, also).await;
    assert_eq!(found(&stores, &theirs, &also).await, Some(also));
    assert_eq!(found(&stores, &ours, &revoked).await, Some(revoked));
}

async fn only_whether_it_is_revoked_is_known_everywhere(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let serial = ours.serial(10);
    let anywhere =
        async |issuer, serial| stores.revocations.is_revoked_anywhere(&issuer, &serial).await.works();
    assert!(!anywhere(OTHER_ISSUER, serial.clone()).await);
    let revoked = ours.foreign_revocation(OTHER_ISSUER, &serial, None);
    let revoked = record(&stores, &ours, revoked).await;
    assert!(anywhere(OTHER_ISSUER, serial.clone()).await);
    assert!(!anywhere(OTHER_ISSUER, ours.serial(11)).await, "another certificate of that issuer");
    assert!(!anywhere(OUR_ISSUER, serial).await, "a certificate of another issuer");
    assert_eq!(found(&stores, &theirs, &revoked).await, None);
}
