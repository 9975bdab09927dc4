//! A device, a key or a whole organisation gets no certificates while it is blocked.

use super::steps::{NEW, SAME_DEVICE, actions, answer, assert_no_trace, enroll, open, read_all, revoke};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    Action, ActionKind, Block, BlockSubject, CertificateOrigin, OpenRefusal, OpenRequest, Opened,
    PageRequest, RequestState, RevocationReason, Target,
};

suite![
    a_block_is_read_as_it_was_put_in_force,
    a_first_block_stands,
    blocking_and_unblocking_are_recorded_as_actions,
    blocks_are_listed_newest_first,
    what_is_blocked_opens_nothing,
    a_barred_key_cannot_be_presented_either,
    a_request_that_was_answered_is_refused_once_its_device_is_blocked,
    a_suspended_organisation_comes_before_a_device_and_a_device_before_a_key,
    what_is_unblocked_opens_again,
    a_blocked_device_comes_before_what_the_certificate_says,
    what_the_certificate_says_comes_before_a_barred_key,
    a_key_is_barred_with_the_revocation_of_its_certificate,
    another_organisation_is_not_blocked,
];

use RequestState::{Pending, Signing};

async fn block(stores: &Stores, samples: &Samples, subject: BlockSubject) -> (Block, Action) {
    let (block, action) = samples.block(subject);
    assert!(stores.blocks.block(samples.org, &block, &action).await.works());
    (block, action)
}

/// The subjects that block what the device `gateway` asks for with this CSR.
fn subjects(samples: &Samples, csr: &str) -> [BlockSubject; 3] {
    let device = samples.device("gateway").1;
    [BlockSubject::Organisation, BlockSubject::Device(device), BlockSubject::Key(samples.key(csr))]
}

/// What a block refuses a request with.
fn refused(block: Block) -> Opened {
    Opened::Refused(match block.subject {
        BlockSubject::Organisation => OpenRefusal::OrganisationSuspended(block),
        BlockSubject::Device(_) => OpenRefusal::DeviceBlocked(block),
        BlockSubject::Key(_) => OpenRefusal::KeyBarred(block),
    })
}

async fn a_block_is_read_as_it_was_put_in_force(stores: Stores) {
    let samples = Samples::of(1);
    for subject in subjects(&samples, "csr") {
        assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), None);
        let (_, action) = samples.block(subject);
        let blocked = Block::by(&action, subject, &"é".repeat(512));
        assert!(stores.blocks.block(samples.org, &blocked, &action).await.works());
        assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), Some(blocked));
    }
}

async fn a_first_block_stands(stores: Stores) {
    let samples = Samples::of(1);
    for subject in subjects(&samples, "csr") {
        let (first, _) = block(&stores, &samples, subject).await;
        let (second, action) = samples.block(subject);
        let second = Block { reason: "another".to_owned(), ..second };
        assert!(!stores.blocks.block(samples.org, &second, &action).await.works());
        assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), Some(first));
    }
}

async fn blocking_and_unblocking_are_recorded_as_actions(stores: Stores) {
    let samples = Samples::of(1);
    let device = samples.device("gateway").1;
    let subject = BlockSubject::Device(device);
    let unblocked = || samples.action(ActionKind::DeviceUnblocked, Target::Device(device));
    let mut expected = Vec::new();
    for _ in 0..2 {
        assert!(!stores.blocks.unblock(samples.org, &subject, &unblocked()).await.works());
        expected.push(block(&stores, &samples, subject).await.1);
        let (again, action) = samples.block(subject);
        assert!(!stores.blocks.block(samples.org, &again, &action).await.works());
        assert_eq!(actions(&stores, &samples).await, expected);
        expected.push(unblocked());
        assert!(stores.blocks.unblock(samples.org, &subject, &expected[expected.len() - 1]).await.works());
        assert_eq!(actions(&stores, &samples).await, expected);
    }
}

async fn blocks_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for number in 0..9 {
        let subject = match number {
            4 => BlockSubject::Organisation,
            _ if number % 2 == 0 => BlockSubject::Device(samples.device(&format!("device {number}")).1),
            _ => BlockSubject::Key(samples.key(&format!("csr {number}"))),
        };
        expected.insert(0, block(&stores, &samples, subject).await.0);
    }
    let lifted = expected.remove(6).subject;
    let action = samples.action(ActionKind::DeviceUnblocked, Target::Organisation);
    assert!(stores.blocks.unblock(samples.org, &lifted, &action).await.works());
    for size in [1, 3, 1_000] {
        let (store, org) = (&stores.blocks, samples.org);
        let read = read_all!(size, Block::scope(org), |page| store.blocks(org, &page));
        assert_eq!(read, expected, "{size} a page");
    }
}

/// An enrollment and renewals, one of which waits for a person, of the device `gateway`.
fn requests(samples: &Samples, csr: &str) -> [OpenRequest; 4] {
    [
        samples.request("gateway", csr, 0, Signing),
        samples.request("gateway", csr, 1, Signing),
        samples.request("gateway", csr, 1, Pending),
        samples.trusted("gateway", csr, 2, CertificateOrigin::TrustedAnywhere),
    ]
}

async fn what_is_blocked_opens_nothing(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    for subject in subjects(&samples, "csr") {
        let (blocked, _) = block(&stores, &samples, subject).await;
        for request in requests(&samples, "csr") {
            assert_eq!(open(&stores, &samples, &request).await, refused(blocked.clone()));
            assert_no_trace(&stores, &samples, &request).await;
        }
        // What it is not about may be opened.
        let other = samples.request("meter", &format!("{subject:?}"), 0, Signing);
        let suspended = subject == BlockSubject::Organisation;
        let wanted = if suspended { refused(blocked) } else { NEW };
        assert_eq!(open(&stores, &samples, &other).await, wanted);
        let action = samples.action(ActionKind::DeviceUnblocked, Target::Organisation);
        assert!(stores.blocks.unblock(samples.org, &subject, &action).await.works());
    }
}

async fn a_barred_key_cannot_be_presented_either(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let presented = samples.presented(1, CertificateOrigin::Ours);
    let (barred, _) = block(&stores, &samples, BlockSubject::Key(presented.public_key_sha256)).await;
    let request = samples.request("gateway", "a new key", 1, Signing);
    assert_eq!(open(&stores, &samples, &request).await, refused(barred));
    assert_no_trace(&stores, &samples, &request).await;
    let enrollment = samples.request("gateway", "a new key", 0, Signing);
    assert_eq!(open(&stores, &samples, &enrollment).await, NEW);
}

async fn a_request_that_was_answered_is_refused_once_its_device_is_blocked(stores: Stores) {
    let samples = Samples::of(1);
    let waiting = samples.request("gateway", "waiting", 0, Pending);
    assert_eq!(open(&stores, &samples, &waiting).await, NEW);
    answer(&stores, &samples, &samples.request("gateway", "issued", 0, Signing), 1).await;
    let (blocked, _) = block(&stores, &samples, subjects(&samples, "csr")[1]).await;
    for csr in ["waiting", "issued"] {
        let again = samples.request("gateway", csr, 0, Pending);
        assert_eq!(open(&stores, &samples, &again).await, refused(blocked.clone()));
        assert_no_trace(&stores, &samples, &again).await;
    }
    // The open request is there still, and is refused if somebody asks about it.
    let refusal = stores.issuance.refusal(samples.org, &waiting, &samples.rules()).await.works();
    assert_eq!(refusal, Some(OpenRefusal::DeviceBlocked(blocked)));
    assert_eq!(stores.issuance.open_request(samples.org, waiting.id()).await.works(), Some(waiting));
}

async fn a_suspended_organisation_comes_before_a_device_and_a_device_before_a_key(stores: Stores) {
    let samples = Samples::of(1);
    let [organisation, device, key] = subjects(&samples, "csr");
    for subject in [key, device, organisation] {
        let (blocked, _) = block(&stores, &samples, subject).await;
        let request = samples.request("gateway", "csr", 0, Signing);
        assert_eq!(open(&stores, &samples, &request).await, refused(blocked));
    }
}

async fn what_is_unblocked_opens_again(stores: Stores) {
    let samples = Samples::of(1);
    enroll(&stores, &samples, "gateway", 1).await;
    let device = samples.device("gateway").1;
    let lifts = [
        (BlockSubject::Organisation, ActionKind::OrganisationResumed, Target::Organisation),
        (BlockSubject::Device(device), ActionKind::DeviceUnblocked, Target::Device(device)),
    ];
    for (subject, kind, target) in lifts {
        let (blocked, _) = block(&stores, &samples, subject).await;
        let request = samples.request("gateway", &format!("{kind:?}"), 1, Signing);
        assert_eq!(open(&stores, &samples, &request).await, refused(blocked));
        let action = samples.action(kind, target);
        assert!(stores.blocks.unblock(samples.org, &subject, &action).await.works());
        assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), None);
        assert_eq!(open(&stores, &samples, &request).await, NEW);
    }
}

async fn a_blocked_device_comes_before_what_the_certificate_says(stores: Stores) {
    let samples = Samples::of(1);
    let (blocked, _) = block(&stores, &samples, subjects(&samples, "csr")[1]).await;
    let unknown = samples.request("gateway", "csr", 99, Signing);
    assert_eq!(open(&stores, &samples, &unknown).await, refused(blocked));
}

async fn what_the_certificate_says_comes_before_a_barred_key(stores: Stores) {
    let samples = Samples::of(1);
    let (barred, _) = block(&stores, &samples, BlockSubject::Key(samples.key("csr"))).await;
    let request = || samples.request("gateway", "csr", 1, Signing);
    assert_eq!(open(&stores, &samples, &request()).await, Opened::Refused(OpenRefusal::NotRecorded));
    let certificate = enroll(&stores, &samples, "gateway", 1).await;
    assert_eq!(open(&stores, &samples, &request()).await, refused(barred.clone()));
    enroll(&stores, &samples, "gateway", 2).await;
    assert_eq!(open(&stores, &samples, &request()).await, refused(barred), "it is superseded too");
    let revocation = revoke(&stores, &samples, &certificate).await;
    let revoked = Opened::Refused(OpenRefusal::Revoked(revocation));
    assert_eq!(open(&stores, &samples, &request()).await, revoked);
}

async fn a_key_is_barred_with_the_revocation_of_its_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = answer(&stores, &samples, &samples.request("gateway", "csr", 0, Signing), 1).await;
    let revocation = samples.revocation_of(&certificate, RevocationReason::KeyCompromise);
    let subject = BlockSubject::Key(certificate.public_key_sha256);
    let (barred, action) = samples.block(subject);
    let revocations = [revocation];
    let both = Some((barred.clone(), action.clone()));
    let recorded = stores.revocations.revoke(samples.org, &revocations, both).await.works();
    assert_eq!(recorded, [revocations[0].0.id]);
    assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), Some(barred.clone()));
    let expected = [revocations[0].1.clone(), action];
    assert_eq!(actions(&stores, &samples).await, expected);

    // A second time nothing is left to be done; but a block alone can be.
    let (again, action) = samples.block(subject);
    let recorded = stores.revocations.revoke(samples.org, &[], Some((again, action))).await.works();
    assert_eq!(recorded, []);
    assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works(), Some(barred.clone()));
    assert_eq!(actions(&stores, &samples).await, expected);
    let request = samples.request("gateway", "csr", 0, Signing);
    assert_eq!(open(&stores, &samples, &request).await, refused(barred));
}

async fn another_organisation_is_not_blocked(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let device = BlockSubject::Device(ours.device(SAME_DEVICE).1);
    for subject in [BlockSubject::Organisation, device, BlockSubject::Key(ours.key("csr"))] {
        let (blocked, action) = ours.block(subject);
        let (_, their_action) = theirs.block(subject);
        assert_conflict(&stores.blocks.block(theirs.org, &blocked, &action).await);
        assert_conflict(&stores.blocks.block(theirs.org, &blocked, &their_action).await);
        assert_conflict(&stores.blocks.block(ours.org, &blocked, &their_action).await);
        assert!(stores.blocks.block(ours.org, &blocked, &action).await.works());
        assert_eq!(stores.blocks.block_of(theirs.org, &subject).await.works(), None);
        assert!(!stores.blocks.unblock(theirs.org, &subject, &their_action).await.works());
        assert_conflict(&stores.blocks.unblock(ours.org, &subject, &their_action).await);
        assert_eq!(stores.blocks.block_of(ours.org, &subject).await.works(), Some(blocked));
    }
    assert_eq!(stores.blocks.blocks(theirs.org, &PageRequest::default()).await.works().items, []);
    assert_eq!(actions(&stores, &theirs).await, []);
    let request = theirs.request(SAME_DEVICE, "csr", 0, Signing);
    assert_eq!(open(&stores, &theirs, &request).await, NEW);
}
