//! A call that is dropped, wherever it is, leaves nothing half-written, and a connection that
//! the next call can rely on.

use crate::support::{open_store, opens, renewal};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::{OTHER_ISSUER, Samples};
use renewal_domain::{
    ActionFilter, ActionId, ActionKind, ActionStore, ApiRole, ApiTokenStore, AttemptKind, BlockStore,
    BlockSubject, CertificateFilter, Completion, EventFilter, IssuanceStore, OpenRequest, OrgId, PageRequest,
    PageSize, RenewalEvent, RenewalEventStore, RevocationStore, StoreError, Stores,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tests::{Backends, Context};

/// How often every point is tried: what happens meanwhile elsewhere differs.
const ROUNDS: u32 = 4;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_batch_that_is_dropped_is_written_whole_or_not_at_all,
            an_opening_that_is_dropped_leaves_request_and_start_or_neither,
            a_completion_that_is_dropped_leaves_all_of_it_or_nothing,
            a_block_that_is_dropped_leaves_block_and_action_or_neither,
            a_revocation_of_many_that_is_dropped_leaves_all_of_them_or_none,
            a_token_that_is_dropped_leaves_token_and_action_or_neither,
            a_reading_that_is_dropped_leaves_a_pool_that_can_be_used,
        ]
    )
}

/// Polls so many times at most, then drops: gives the output if it came to that.
async fn polled<T>(times: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        call.as_mut().poll(cx).map(Some)
    })
    .await
}

/// A store of two connections, which are used again and again.
async fn store(url: &str) -> SeaOrmStore {
    open_store(url, ConnectOptions::new().max_connections(2)).await
}

/// Drops a call after every number of polls; `call` makes it, and knows it by its number. After
/// each one the store must keep what it acknowledges.
async fn drop_at_every_point<T, F>(store: &SeaOrmStore, call: impl Fn(u32) -> F)
where
    F: Future<Output = Result<T, StoreError>>,
{
    let samples = Samples::of(77);
    let mut acknowledged = Vec::new();
    let mut number = 0;
    for _ in 0..ROUNDS {
        for times in 0.. {
            let done = polled(times, call(number)).await;
            number += 1;
            let probe = samples.start("probe", AttemptKind::Renewal);
            store.create(samples.org, &probe).await.unwrap();
            acknowledged.push(probe);
            if let Some(done) = done {
                done.map(drop).unwrap();
                break;
            }
        }
    }
    assert!(number > 2 * ROUNDS, "there are points to drop at");
    assert_kept(store, samples.org, &acknowledged).await;
}

/// What was acknowledged is there, for whoever looks from outside too.
async fn assert_kept(store: &SeaOrmStore, org: OrgId, acknowledged: &[RenewalEvent]) {
    for event in acknowledged {
        assert_eq!(store.get(org, event.id()).await.unwrap().as_ref(), Some(event));
    }
}

async fn a_batch_that_is_dropped_is_written_whole_or_not_at_all(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let ends = Mutex::new(Vec::new());
    drop_at_every_point(&first, |_| {
        // More than one statement can hold.
        let batch: Vec<_> = (0..1_200).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
        ends.lock().unwrap().push([batch[0].id(), batch[1_199].id()]);
        let (store, org) = (first.clone(), samples.org);
        async move { store.create_many(org, &batch).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    let db = database.connect().await;
    let all = crate::schema::column::<i64>(&db, "SELECT count(*) FROM certificate_renewal_events").await[0];
    let probes = crate::schema::column::<i64>(
        &db,
        "SELECT count(*) FROM certificate_renewal_events GROUP BY device_id ORDER BY 1",
    );
    let probes = probes.await[0];
    assert_eq!((all - probes) % 1_200, 0, "{all} events, {probes} of them written one by one");
    for [first, last] in ends.into_inner().unwrap() {
        let first = second.get(samples.org, first).await.unwrap();
        let last = second.get(samples.org, last).await.unwrap();
        assert_eq!(first.is_some(), last.is_some(), "{first:?} {last:?}");
    }
}

async fn an_opening_that_is_dropped_leaves_request_and_start_or_neither(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let requests = Mutex::new(Vec::new());
    drop_at_every_point(&first, |number| {
        let request = renewal(&samples, "gateway", &format!("csr {number}"), 1);
        requests.lock().unwrap().push(request.clone());
        let (store, rules) = (first.clone(), samples.rules());
        async move { store.open(request.org_id(), &request, &rules).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    for request in requests.into_inner().unwrap() {
        let open = second.open_request(samples.org, request.id()).await.unwrap();
        let start = second.get(samples.org, request.id().start_event()).await.unwrap();
        assert_eq!(open.is_some(), start.is_some(), "{open:?} {start:?}");
    }
}

async fn a_completion_that_is_dropped_leaves_all_of_it_or_nothing(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let mut prepared: Vec<(OpenRequest, Completion)> = Vec::new();
    for number in 1..=400 {
        let request = renewal(&samples, "gateway", &format!("csr {number}"), 1);
        opens(&first, &samples, &request).await;
        let end = samples.issued(&request, number);
        prepared.push((request, end));
    }
    drop_at_every_point(&first, |number| {
        let (request, end) = prepared[number as usize].clone();
        let store = first.clone();
        async move { store.complete(request.org_id(), request.id(), &end).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    for (request, end) in prepared {
        let open = second.open_request(samples.org, request.id()).await.unwrap().is_some();
        let event = second.get(samples.org, end.event().unwrap().id()).await.unwrap().is_some();
        let serial = &end.certificate().unwrap().serial;
        let certificate = second.certificate(samples.org, serial).await.unwrap().is_some();
        assert!(
            matches!((open, event, certificate), (true, false, false) | (false, true, true)),
            "open {open}, event {event}, certificate {certificate}"
        );
    }
}

/// The ids of the actions of one kind.
async fn actions(store: &SeaOrmStore, org: OrgId, kind: ActionKind) -> HashSet<ActionId> {
    let page = PageRequest::first(PageSize::MAX);
    let actions = store.actions(org, &ActionFilter::Kind(kind), &page).await.unwrap();
    assert_eq!(actions.next, None);
    actions.items.iter().map(|action| action.id).collect()
}

async fn a_block_that_is_dropped_leaves_block_and_action_or_neither(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let blocks = Mutex::new(Vec::new());
    drop_at_every_point(&first, |number| {
        let device = samples.device(&format!("gateway {number}")).1;
        let (block, action) = samples.block(BlockSubject::Device(device));
        blocks.lock().unwrap().push(block.clone());
        let store = first.clone();
        async move { store.block(block.org_id, &block, &action).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    let actions = actions(&second, samples.org, ActionKind::DeviceBlocked).await;
    for block in blocks.into_inner().unwrap() {
        let found = second.block_of(samples.org, &block.subject).await.unwrap();
        assert_eq!(found.is_some(), actions.contains(&block.action_id), "{found:?}");
    }
}

async fn a_revocation_of_many_that_is_dropped_leaves_all_of_them_or_none(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let calls = Mutex::new(Vec::new());
    drop_at_every_point(&first, |number| {
        let serials = (1..=3).map(|of_call| samples.serial(10 * number + of_call));
        let revocations: Vec<_> =
            serials.map(|serial| samples.foreign_revocation(OTHER_ISSUER, &serial, None)).collect();
        let key = samples.key(&format!("stolen {number}"));
        let block = samples.block(BlockSubject::Key(key));
        let ids: Vec<_> = revocations.iter().map(|(revoked, _)| (revoked.id, revoked.action_id)).collect();
        calls.lock().unwrap().push((ids, block.0.clone()));
        let (store, org) = (first.clone(), samples.org);
        async move { store.revoke(org, &revocations, Some(block)).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    let revoked = actions(&second, samples.org, ActionKind::CertificateRevoked).await;
    let barred = actions(&second, samples.org, ActionKind::KeyBarred).await;
    let page = PageRequest::first(PageSize::MAX);
    let there = second.revocations(samples.org, &page).await.unwrap().items;
    let there: HashSet<_> = there.iter().map(|revoked| revoked.id).collect();
    for (ids, block) in calls.into_inner().unwrap() {
        let blocked = second.block_of(samples.org, &block.subject).await.unwrap().is_some();
        assert_eq!(blocked, barred.contains(&block.action_id));
        for (id, action) in ids {
            assert_eq!((there.contains(&id), revoked.contains(&action)), (blocked, blocked));
        }
    }
}

async fn a_token_that_is_dropped_leaves_token_and_action_or_neither(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let tokens = Mutex::new(Vec::new());
    drop_at_every_point(&first, |number| {
        let token = samples.api_token(&format!("shift {number}"), ApiRole::Viewer);
        let action = samples.api_token_created(&token);
        tokens.lock().unwrap().push((token.id, action.id));
        let store = first.clone();
        async move { store.create_api_token(token.org_id, &token, &action).await }
    })
    .await;
    first.close().await.unwrap();

    let second = store(database.url()).await;
    let actions = actions(&second, samples.org, ActionKind::TokenCreated).await;
    for (token, action) in tokens.into_inner().unwrap() {
        let found = second.api_token(samples.org, token).await.unwrap();
        assert_eq!(found.is_some(), actions.contains(&action), "{found:?}");
    }
}

async fn a_reading_that_is_dropped_leaves_a_pool_that_can_be_used(context: Context) {
    let database = context.fresh_database().await;
    let first = store(database.url()).await;
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..300).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    first.create_many(samples.org, &starts).await.unwrap();
    let device = samples.device("gateway").1;
    let stores: Stores = Arc::new(first.clone()).into();
    drop_at_every_point(&first, |_| {
        let (stores, org) = (stores.clone(), samples.org);
        async move {
            stores.events.list(org, &EventFilter::new(), &PageRequest::default()).await?;
            let filter = CertificateFilter::OfDevice(device);
            stores.fleet.certificates(org, &filter, &PageRequest::default()).await
        }
    })
    .await;
    first.close().await.unwrap();
}
