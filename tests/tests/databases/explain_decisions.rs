//! Every statement about actions, blocks and revocations, and what opening a request asks of them, finds
//! its rows by an index.

use crate::plan::Expected;
use crate::recorded::History;
use crate::support::{lenient, opens};
use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::{OTHER_ISSUER, Samples};
use renewal_domain::{
    ActionFilter, ActionKind, ActionStore, Block, BlockStore, BlockSubject, CertificateOrigin, Clock, Cursor,
    IssuanceStore, OpenRefusal, Opened, PageRequest, PageSize, RequestState, RetentionRule, RetentionStore,
    RevocationStore, RevokedCertificate, Scope, Target,
};
use renewal_store_seaorm::SeaOrmStore;
use std::sync::Arc;
use tests::{Backend, Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            every_statement_about_actions_follows_an_index,
            every_statement_about_blocks_follows_an_index,
            every_statement_about_revocations_follows_an_index,
            what_opening_a_request_asks_follows_an_index,
        ]
    )
}

/// The columns that bound a search.
type Columns = &'static [&'static str];

/// How many of each an organisation has.
const COUNT: u32 = 120;

const OF_ORGANISATION: Expected = ("PRIMARY", &["org_id"]);
const BY_ID: Expected = ("PRIMARY", &["org_id", "id"]);
const BY_SERIAL: Expected = ("PRIMARY", &["org_id", "serial"]);
const BY_SUBJECT: Expected = ("PRIMARY", &["org_id", "subject_id"]);
const OF_DEVICE: Expected = ("PRIMARY", &["org_id", "device_id"]);
const REVOKED: Expected =
    ("idx_certificate_revocations_certificate", &["issuer_key_sha256", "serial", "org_id"]);

/// A history, and decisions of three organisations; with statistics of them, and without if the database
/// chooses well then too (see `explain_fleet`).
async fn histories(context: &Context) -> Vec<History> {
    let analysed: &[bool] = if context.backend() == Backend::Postgres { &[true] } else { &[false, true] };
    let mut histories = Vec::new();
    for &analysed in analysed {
        let history = History::new(context).await;
        for owner in [1, 2, 3] {
            fill(&history.store, &Samples::of(owner)).await;
        }
        if analysed {
            history.analyse().await;
        }
        let _before = history.sent();
        histories.push(history);
    }
    histories
}

/// Devices that are blocked, keys that are barred, certificates of another authority that are revoked; and
/// certificates of ours.
async fn fill(store: &SeaOrmStore, samples: &Samples) {
    let device = |number: u32| samples.device(&format!("gateway {number}")).1;
    for number in 1..=COUNT {
        let key = samples.key(&format!("stolen {number}"));
        for subject in [BlockSubject::Device(device(number)), BlockSubject::Key(key)] {
            let (block, action) = samples.block(subject);
            assert!(store.block(samples.org, &block, &action).await.unwrap());
        }
        let not_after = samples.clock.now() + TimeDelta::days(i64::from(number % 30));
        let revoked = samples.foreign_revocation(OTHER_ISSUER, &samples.serial(number), Some(not_after));
        store.revoke(samples.org, &[revoked], None).await.unwrap();
        let request =
            samples.request(&format!("meter {number}"), &format!("{number}"), 0, RequestState::Signing);
        opens(store, samples, &request).await;
        store.complete(samples.org, request.id(), &samples.issued(&request, number)).await.unwrap();
    }
}

/// The page behind one of this size.
fn behind(size: u64, scope: &Scope, next: Option<Cursor>) -> PageRequest {
    PageRequest::resume(PageSize::nearest(size), scope, next.expect("there is another page")).unwrap()
}

async fn every_statement_about_actions_follows_an_index(context: Context) {
    let samples = Samples::of(1);
    let org = samples.org;
    let subject = BlockSubject::Device(samples.device("gateway 7").1);
    let BlockSubject::Device(device) = subject else { unreachable!() };
    let listings: [(ActionFilter, &str, Columns, Columns); 4] = [
        (ActionFilter::All, "PRIMARY", &["org_id"], &["org_id", "id"]),
        (
            ActionFilter::Kind(ActionKind::KeyBarred),
            "idx_actions_kind",
            &["org_id", "kind"],
            &["org_id", "kind", "id"],
        ),
        (
            ActionFilter::Device(device),
            "idx_actions_device_id",
            &["org_id", "device_id"],
            &["org_id", "device_id", "id"],
        ),
        (
            ActionFilter::Target(Target::Device(device)),
            "idx_actions_target",
            &["org_id", "target_kind", "target_id"],
            &["org_id", "target_kind", "target_id", "id"],
        ),
    ];
    for history in histories(&context).await {
        let store = &history.store;
        let later = Samples::of(1);
        later.clock.advance(TimeDelta::days(1));
        for kind in [ActionKind::DeviceUnblocked, ActionKind::DeviceBlocked] {
            store.record_action(org, &later.action(kind, Target::Device(device))).await.unwrap();
            history.expects(&[]).await;
        }
        for (filter, index, first, next) in &listings {
            let page = PageRequest::first(PageSize::nearest(1));
            let read = store.actions(org, filter, &page).await.unwrap();
            history.expects(&[(index, first)]).await;
            let page = behind(1, &filter.scope(org), read.next);
            assert_eq!(store.actions(org, filter, &page).await.unwrap().items.len(), 1, "{filter:?}");
            history.expects(&[(index, next)]).await;
        }
        history.close().await;
    }
}

async fn every_statement_about_blocks_follows_an_index(context: Context) {
    for history in histories(&context).await {
        let (store, samples) = (&history.store, Samples::of(1));
        samples.clock.advance(TimeDelta::days(1));
        let org = samples.org;
        let key = BlockSubject::Key(samples.key("another"));
        let (block, action) = samples.block(key);
        for new in [true, false] {
            assert_eq!(store.block(org, &block, &action).await.unwrap(), new);
            history.expects(&[]).await;
        }
        assert_eq!(store.block_of(org, &key).await.unwrap().as_ref(), Some(&block));
        history.expects(&[BY_SUBJECT]).await;

        let read = store.blocks(org, &PageRequest::first(PageSize::nearest(10))).await.unwrap();
        assert_eq!(read.items[0], block);
        history.expects(&[("idx_blocks_action_id", &["org_id"])]).await;
        let read = store.blocks(org, &behind(10, &Block::scope(org), read.next)).await.unwrap();
        assert_eq!(read.items.len(), 10);
        history.expects(&[("idx_blocks_action_id", &["org_id", "action_id"])]).await;

        for there in [true, false] {
            let action = samples.action(ActionKind::DeviceUnblocked, Target::Organisation);
            assert_eq!(store.unblock(org, &key, &action).await.unwrap(), there);
            history.expects(&[("PRIMARY", &["org_id", "subject_id", "subject_kind"])]).await;
        }
        history.close().await;
    }
}

async fn every_statement_about_revocations_follows_an_index(context: Context) {
    for history in histories(&context).await {
        let (store, samples) = (&history.store, Samples::of(1));
        samples.clock.advance(TimeDelta::days(1));
        let (org, serial) = (samples.org, samples.serial(7));
        assert!(store.revocation(org, &OTHER_ISSUER, &serial).await.unwrap().is_some());
        history.expects(&[REVOKED]).await;
        assert!(store.is_revoked_anywhere(&OTHER_ISSUER, &serial).await.unwrap());
        history.expects(&[(REVOKED.0, &["issuer_key_sha256", "serial"])]).await;

        let scope = RevokedCertificate::scope(org);
        let read = store.revocations(org, &PageRequest::first(PageSize::nearest(10))).await.unwrap();
        history.expects(&[OF_ORGANISATION]).await;
        let read = store.revocations(org, &behind(10, &scope, read.next)).await.unwrap();
        assert_eq!(read.items.len(), 10);
        history.expects(&[BY_ID]).await;

        // A certificate of another authority, and a key that is barred with it.
        let revoked = samples.foreign_revocation(OTHER_ISSUER, &samples.serial(COUNT + 1), None);
        let block = samples.block(BlockSubject::Key(samples.key("another")));
        store.revoke(org, &[revoked], Some(block)).await.unwrap();
        history.expects(&[REVOKED, BY_SERIAL, BY_SUBJECT]).await;

        let before = samples.clock.now() + TimeDelta::days(15);
        let rule = RetentionRule {
            events_before: before,
            keep_attempts: 0,
            certificates_before: before,
            revoked_before: before,
            dry_run: false,
        };
        let first = store.prune_revocations(org, &rule, None, &samples.pruned()).await.unwrap();
        assert!(first.removed > 20 && first.next.is_some(), "{first:?}");
        history.expects(&[OF_ORGANISATION, BY_ID]).await;
        let rest = store.prune_revocations(org, &rule, first.next, &samples.pruned()).await.unwrap();
        assert!(rest.removed > 5 && rest.next.is_none(), "{rest:?}");
        history.expects(&[BY_ID, BY_ID]).await;
        history.close().await;
    }
}

async fn what_opening_a_request_asks_follows_an_index(context: Context) {
    for history in histories(&context).await {
        let (store, samples) = (&history.store, Samples::of(1));
        samples.clock.advance(TimeDelta::days(1));
        let org = samples.org;
        let checks: [&[Expected]; 3] = [
            &[BY_SERIAL, ("idx_device_certificates_key", &["org_id", "public_key_sha256"])],
            &[BY_SUBJECT],
            &[OF_DEVICE],
        ];
        // The latest certificate of the device is not the one that it presents: is that one in use?
        let renewal = samples.request("meter 7", "again", 8, RequestState::Signing);
        let opened = store.open(org, &renewal, &samples.rules()).await.unwrap();
        assert_eq!(opened, Opened::Refused(OpenRefusal::Superseded));
        let presented_by: Expected = ("idx_open_requests_request", &["org_id", "device_id"]);
        history.expects_each(&[&checks[..], &[&[presented_by]]].concat()).await;

        // What is said of it when nothing is written.
        let refusal = store.refusal(org, &renewal, &lenient(&samples)).await.unwrap();
        assert_eq!(refusal, None);
        history.expects_each(&[&checks[..], &[&[presented_by]]].concat()).await;

        // A certificate of an authority that every organisation trusts.
        let anywhere = samples.trusted("new", "another", 9, CertificateOrigin::TrustedAnywhere);
        let opened = store.open(org, &anywhere, &samples.rules()).await.unwrap();
        assert!(matches!(opened, Opened::Refused(OpenRefusal::Revoked(_))), "{opened:?}");
        let everywhere: Expected = (REVOKED.0, &["issuer_key_sha256", "serial"]);
        history.expects_each(&[&checks[..], &[&[everywhere]]].concat()).await;

        // An enrollment presents nothing.
        let enrollment = samples.request("newer", "yet another", 0, RequestState::Signing);
        opens(store, &samples, &enrollment).await;
        history
            .expects(&[("idx_device_certificates_key", &["org_id", "public_key_sha256"]), BY_SUBJECT])
            .await;
        history.close().await;
    }
}
