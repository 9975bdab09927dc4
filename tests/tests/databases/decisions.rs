//! Blocks and revocations while devices renew: what was decided holds for every request that is opened
//! afterwards, whichever server opens it, and is recorded once.

use crate::support::{NEW, open_store, opens};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    Action, ActionFilter, ActionKind, ActionStore, BlockStore, BlockSubject, CertificateFilter,
    CertificateRecord, Completed, FleetStore, IssuanceStore, OpenRefusal, OpenRequest, Opened, PageRequest,
    PageSize, RenewalEventStore, RequestState, RevocationReason, RevocationStore, RevokedCertificate,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::{Backends, Context, TestDatabase};
use tokio::task::JoinSet;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_block_holds_for_every_request_that_is_opened_after_it,
            a_revocation_holds_for_every_request_that_is_opened_after_it,
            a_certificate_is_revoked_while_the_next_one_is_recorded,
            of_many_revocations_of_one_certificate_one_is_recorded,
            of_two_calls_that_revoke_the_same_certificates_each_is_recorded_once,
            a_thousand_certificates_are_revoked_in_one_call,
        ]
    )
}

async fn two_stores(database: &TestDatabase) -> [SeaOrmStore; 2] {
    let open = || open_store(database.url(), ConnectOptions::new());
    [open().await, open().await]
}

/// A device enrolls, and gets the certificate of this number.
async fn enroll(store: &SeaOrmStore, samples: &Samples, device: &str, number: u32) -> CertificateRecord {
    let request = samples.request(device, &format!("csr {number}"), 0, RequestState::Signing);
    opens(store, samples, &request).await;
    let end = samples.issued(&request, number);
    assert_eq!(store.complete(samples.org, request.id(), &end).await.unwrap(), Completed::Recorded);
    end.certificate().cloned().unwrap()
}

/// So many devices enroll at once.
async fn enroll_many(store: &SeaOrmStore, samples: &Samples, count: u32) -> Vec<CertificateRecord> {
    let request = |number| {
        let device = format!("meter {number}");
        samples.request(&device, &format!("csr {number}"), 0, RequestState::Signing)
    };
    let requests: Vec<_> = (1..=count).map(request).collect();
    let rules = samples.rules();
    for opened in join_all(requests.iter().map(|request| store.open(samples.org, request, &rules))).await {
        assert_eq!(opened.unwrap(), NEW);
    }
    let ends = (1..).zip(&requests).map(|(number, request)| (request.id(), samples.issued(request, number)));
    let ends: Vec<_> = ends.collect();
    for done in join_all(ends.iter().map(|(id, end)| store.complete(samples.org, *id, end))).await {
        assert_eq!(done.unwrap(), Completed::Recorded);
    }
    ends.iter().filter_map(|(_, end)| end.certificate().cloned()).collect()
}

/// The revocation of each, and its action.
fn of_each(
    samples: &Samples,
    certificates: &[CertificateRecord],
) -> impl Iterator<Item = (RevokedCertificate, Action)> {
    let reason = RevocationReason::CessationOfOperation;
    certificates.iter().map(move |certificate| samples.revocation_of(certificate, reason))
}

/// Devices that renew again and again, each until it has asked after `decided` was set. What became of every
/// request, and whether it was opened after that.
fn renew_until_decided(
    stores: &[SeaOrmStore; 2],
    samples: &Arc<Samples>,
    decided: &Arc<AtomicBool>,
) -> JoinSet<Vec<(OpenRequest, bool, Opened)>> {
    let mut devices = JoinSet::new();
    for device in 0..8 {
        let (store, samples, decided) =
            (stores[device % 2].clone(), Arc::clone(samples), Arc::clone(decided));
        devices.spawn(async move {
            let mut outcomes = Vec::new();
            for number in 0.. {
                let csr = format!("csr {device} {number}");
                let request = samples.request("gateway", &csr, 1, RequestState::Signing);
                let after = decided.load(Ordering::Acquire);
                let opened = store.open(samples.org, &request, &samples.rules()).await.unwrap();
                outcomes.push((request, after, opened));
                if after {
                    break;
                }
            }
            outcomes
        });
    }
    devices
}

/// Decides while devices renew: `is_refused` says what those hear that come later.
async fn decide_in_mid_flow(
    context: &Context,
    decide: impl AsyncFn(&SeaOrmStore, &Samples, &CertificateRecord),
    is_refused: impl Fn(&Opened) -> bool,
) {
    let database = context.fresh_database().await;
    let stores = two_stores(&database).await;
    let samples = Arc::new(Samples::of(1));
    let certificate = enroll(&stores[0], &samples, "gateway", 1).await;
    let decided = Arc::new(AtomicBool::new(false));
    let devices = renew_until_decided(&stores, &samples, &decided);
    tokio::time::sleep(Duration::from_millis(200)).await;
    decide(&stores[1], &samples, &certificate).await;
    decided.store(true, Ordering::Release);
    let outcomes: Vec<_> = devices.join_all().await.into_iter().flatten().collect();
    let mut opened = 0;
    for (request, after, outcome) in &outcomes {
        assert!(is_refused(outcome) || (!after && *outcome == NEW), "after: {after}, {outcome:?}");
        opened += usize::from(*outcome == NEW);
        let event = stores[0].get(samples.org, request.id().start_event()).await.unwrap();
        assert_eq!(event.is_some(), *outcome == NEW);
    }
    assert!(opened > 8, "{opened} were opened before");
    let counts = stores[0].count_open(samples.org).await.unwrap();
    assert_eq!(counts.signing, opened as u64);
    for store in stores {
        store.close().await.unwrap();
    }
}

async fn a_block_holds_for_every_request_that_is_opened_after_it(context: Context) {
    for organisation in [false, true] {
        let subject = |certificate: &CertificateRecord| {
            if organisation {
                BlockSubject::Organisation
            } else {
                BlockSubject::Device(certificate.device_id)
            }
        };
        let block = async |store: &SeaOrmStore, samples: &Samples, certificate: &CertificateRecord| {
            let (block, action) = samples.block(subject(certificate));
            assert!(store.block(samples.org, &block, &action).await.unwrap());
        };
        decide_in_mid_flow(&context, block, |opened| match opened {
            Opened::Refused(OpenRefusal::OrganisationSuspended(_)) => organisation,
            Opened::Refused(OpenRefusal::DeviceBlocked(_)) => !organisation,
            _ => false,
        })
        .await;
    }
}

async fn a_revocation_holds_for_every_request_that_is_opened_after_it(context: Context) {
    let revoke = async |store: &SeaOrmStore, samples: &Samples, certificate: &CertificateRecord| {
        let revoked = samples.revocation_of(certificate, RevocationReason::KeyCompromise);
        assert_eq!(store.revoke(samples.org, &[revoked], None).await.unwrap().len(), 1);
    };
    let is_refused = |opened: &Opened| matches!(opened, Opened::Refused(OpenRefusal::Revoked(_)));
    decide_in_mid_flow(&context, revoke, is_refused).await;
}

async fn a_certificate_is_revoked_while_the_next_one_is_recorded(context: Context) {
    let database = context.fresh_database().await;
    let stores = two_stores(&database).await;
    let samples = Samples::of(1);
    for round in 0..20 {
        let (device, number) = (format!("gateway {round}"), 1 + 2 * round);
        let first = enroll(&stores[0], &samples, &device, number).await;
        let renewal = samples.request(&device, &format!("next {round}"), number, RequestState::Signing);
        opens(&stores[0], &samples, &renewal).await;
        let end = samples.issued(&renewal, number + 1);
        let revoked = samples.revocation_of(&first, RevocationReason::Superseded);
        let (done, recorded) = futures::join!(
            stores[0].complete(samples.org, renewal.id(), &end),
            stores[1].revoke(samples.org, std::slice::from_ref(&revoked), None),
        );
        assert_eq!(done.unwrap(), Completed::Recorded);
        assert_eq!(recorded.unwrap(), [revoked.0.id]);
        let read = stores[0].certificate(samples.org, &first.serial).await.unwrap().unwrap();
        assert_eq!(read.revocation, Some(revoked.0.revocation));
        // The latest certificate of the device is the new one, and is good.
        let again = samples.request(&device, &format!("later {round}"), number + 1, RequestState::Signing);
        opens(&stores[1], &samples, &again).await;
    }
    let current = CertificateFilter::Expiring { after: None, until: None };
    let listed = stores[0].certificates(samples.org, &current, &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 20);
    for store in stores {
        store.close().await.unwrap();
    }
}

async fn of_many_revocations_of_one_certificate_one_is_recorded(context: Context) {
    let database = context.fresh_database().await;
    let stores = two_stores(&database).await;
    let samples = Samples::of(1);
    for number in 1..=10 {
        let certificate = enroll(&stores[0], &samples, &format!("gateway {number}"), number).await;
        let revocations: Vec<_> = RevocationReason::ALL
            .into_iter()
            .chain(RevocationReason::ALL)
            .map(|reason| [samples.revocation_of(&certificate, reason)])
            .collect();
        let calls = revocations.iter().zip(stores.iter().cycle());
        let calls = calls.map(|(revoked, store)| store.revoke(samples.org, revoked, None));
        let results: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> =
            revocations.iter().zip(&results).filter(|(_, recorded)| !recorded.is_empty()).collect();
        let [([(revoked, action)], recorded)] = &won[..] else { panic!("{results:?}") };
        assert_eq!(**recorded, [revoked.id]);
        let issuer = &certificate.issuer_key_sha256;
        let found = stores[0].revocation(samples.org, issuer, &certificate.serial).await.unwrap();
        assert_eq!(found.as_ref(), Some(revoked));
        let read = stores[1].certificate(samples.org, &certificate.serial).await.unwrap().unwrap();
        assert_eq!(read.revocation, Some(revoked.revocation));
        let filter = ActionFilter::Device(certificate.device_id);
        let actions = stores[1].actions(samples.org, &filter, &PageRequest::default()).await.unwrap();
        assert_eq!(actions.items, std::slice::from_ref(action));
    }
    let all = stores[0].revocations(samples.org, &PageRequest::default()).await.unwrap();
    assert_eq!(all.items.len(), 10);
    for store in stores {
        store.close().await.unwrap();
    }
}

async fn of_two_calls_that_revoke_the_same_certificates_each_is_recorded_once(context: Context) {
    let database = context.fresh_database().await;
    let stores = two_stores(&database).await;
    let samples = Samples::of(1);
    let certificates = enroll_many(&stores[0], &samples, 200).await;
    let first: Vec<_> = of_each(&samples, &certificates[..150]).collect();
    let mut second: Vec<_> = of_each(&samples, &certificates[50..]).collect();
    second.reverse();
    let (one, other) = futures::join!(
        stores[0].revoke(samples.org, &first, None),
        stores[1].revoke(samples.org, &second, None),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.len() + other.len(), 200, "{} and {}", one.len(), other.len());
    let page = PageRequest::first(PageSize::MAX);
    let recorded = stores[0].revocations(samples.org, &page).await.unwrap().items;
    let mut ids = [one, other].concat();
    ids.sort();
    assert_eq!(recorded.iter().map(|revoked| revoked.id).collect::<Vec<_>>(), ids);
    let actions = stores[0].actions(samples.org, &ActionFilter::All, &page).await.unwrap().items;
    let mut of_actions: Vec<_> = recorded.iter().map(|revoked| revoked.action_id).collect();
    of_actions.sort();
    of_actions.reverse();
    assert_eq!(actions.iter().map(|action| action.id).collect::<Vec<_>>(), of_actions);
    for store in stores {
        store.close().await.unwrap();
    }
}

async fn a_thousand_certificates_are_revoked_in_one_call(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let samples = Samples::of(1);
    let certificates = enroll_many(&store, &samples, 1_000).await;
    let revocations: Vec<_> = of_each(&samples, &certificates).collect();
    let block = samples.block(BlockSubject::Key(samples.key("shared")));

    let recorded = store.revoke(samples.org, &revocations, Some(block.clone())).await.unwrap();
    assert_eq!(recorded, revocations.iter().map(|(revoked, _)| revoked.id).collect::<Vec<_>>());
    let page = PageRequest::first(PageSize::MAX);
    let revoked = store.certificates(samples.org, &CertificateFilter::Revoked, &page).await.unwrap();
    assert_eq!(revoked.items.len(), 1_000);
    let current = CertificateFilter::Expiring { after: None, until: None };
    assert_eq!(store.certificates(samples.org, &current, &page).await.unwrap().items, []);
    let kind = ActionFilter::Kind(ActionKind::CertificateRevoked);
    let mut actions = store.actions(samples.org, &kind, &page).await.unwrap().items;
    actions.reverse();
    assert_eq!(actions, revocations.iter().map(|(_, action)| action.clone()).collect::<Vec<_>>());
    assert_eq!(store.block_of(samples.org, &block.0.subject).await.unwrap().as_ref(), Some(&block.0));
    // Again: nothing is new.
    assert_eq!(store.revoke(samples.org, &revocations, Some(block)).await.unwrap(), []);
    store.close().await.unwrap();
}
