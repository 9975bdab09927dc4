//! Every statement that prunes history finds its rows by an index, a batch of them at most.

use crate::plan::Expected;
use crate::recorded::History;
use crate::support::opens;
use chrono::{DateTime, TimeDelta, Utc};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    Action, AttemptKind, Clock, IssuanceStore, OrgId, RenewalEventStore, RequestState, RetentionRule,
    RetentionStore,
};
use renewal_store_seaorm::SeaOrmStore;
use std::sync::Arc;
use tests::history::{self, BIG, QUIET};
use tests::{Backend, Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [every_statement_that_prunes_follows_an_index])
}

const DEVICE: &str = "idx_cert_renewal_events_device_id";

/// Events that are counted or removed.
const BY_ID: Expected = ("PRIMARY", &["org_id", "id"]);

/// The newest events of a device.
const NEWEST: Expected = (DEVICE, &["org_id", "device_id"]);

/// The device's next events.
const NEXT: Expected = (DEVICE, &["org_id", "device_id", "id"]);

const BY_SERIAL: Expected = ("PRIMARY", &["org_id", "serial"]);
const CURRENT: Expected = ("PRIMARY", &["org_id", "device_id"]);

async fn every_statement_that_prunes_follows_an_index(context: Context) {
    for analysed in [false, true] {
        let history = History::new(&context).await;
        for owner in [1, 2, 3] {
            fill(&history.store, &Samples::of(owner)).await;
        }
        if analysed {
            history.analyse().await;
        }
        let _before = history.sent();
        for org in [BIG, QUIET] {
            events(&history, org).await;
        }
        a_success_behind_which_failures_come(&history).await;
        if analysed || context.backend() != Backend::Postgres {
            the_newest_record(&history).await;
        }
        certificates(&history).await;
        history.close().await;
    }
}

/// Six hundred certificates of twenty devices.
async fn fill(store: &SeaOrmStore, samples: &Samples) {
    for number in 1..=600 {
        let device = format!("gateway {}", number % 20);
        let request = samples.request(&device, &format!("csr {number}"), 0, RequestState::Signing);
        opens(store, samples, &request).await;
        let end = samples.issued_until(&request, number, samples.clock.now());
        store.complete(samples.org, request.id(), &end).await.unwrap();
    }
}

/// The deletion of an organisation's history.
fn pruned(org: OrgId) -> Action {
    Samples::of(org.as_uuid().as_u128()).pruned()
}

/// What may go, everything being old.
fn rule(before: DateTime<Utc>, keep_attempts: u32, dry_run: bool) -> RetentionRule {
    RetentionRule {
        events_before: before,
        keep_attempts,
        certificates_before: before,
        revoked_before: before,
        dry_run,
    }
}

async fn events(history: &History, org: OrgId) {
    for (keep_attempts, dry_run) in [(0, true), (3, true), (3, false)] {
        let rule = rule(history::end(20_000), keep_attempts, dry_run);
        let (mut after, action) = (None, pruned(org));
        for _ in 0..3 {
            let batch = history.store.prune_events(org, &rule, after, &action).await.unwrap();
            let mut sent = history.sent();
            sent.retain(|sent| !sent.sql().starts_with("INSERT "));
            history.follows(&sent[0], &[NEWEST, NEWEST, BY_ID]).await;
            let removing = usize::from(batch.removed > 0);
            let (looking, removing) = sent[1..].split_at(sent.len() - 1 - removing);
            // Of few devices the last success may be among these, with failures behind it.
            for looking in looking {
                history.follows(looking, &[NEXT]).await;
            }
            for removing in removing {
                history.follows(removing, &[BY_ID]).await;
            }
            after = batch.next;
            if after.is_none() {
                break;
            }
        }
    }
}

async fn a_success_behind_which_failures_come(history: &History) {
    let samples = Samples::of(11);
    let mut events = Vec::new();
    for number in 0..40 {
        let start = samples.start("gateway", AttemptKind::Renewal);
        events.push(if number == 0 { samples.success(&start) } else { samples.failed(&start, "denied") });
        events.push(start);
    }
    history.store.create_many(samples.org, &events).await.unwrap();
    let rule = rule(samples.tick(), 1, false);
    let _before = history.sent();
    let batch = history.store.prune_events(samples.org, &rule, None, &samples.pruned()).await.unwrap();
    assert_eq!(batch.removed, 76);
    history.expects_each(&[&[NEWEST, NEWEST, BY_ID], &[NEXT], &[BY_ID]]).await;
}

async fn the_newest_record(history: &History) {
    history.store.newest_record(Samples::of(1).org).await.unwrap().expect("there are records");
    let whole: Expected = ("PRIMARY", &["org_id"]);
    let last_to_expire: Expected = ("idx_current_certificates_not_after", &["org_id", "not_after"]);
    history.expects(&[whole, whole, last_to_expire]).await;
}

async fn certificates(history: &History) {
    let samples = Samples::of(1);
    let before = samples.clock.now() + TimeDelta::days(1);
    for dry_run in [true, false] {
        let rule = rule(before, 1, dry_run);
        let first =
            history.store.prune_certificates(samples.org, &rule, None, &samples.pruned()).await.unwrap();
        assert!(first.removed > 50 && first.next.is_some(), "{first:?}");
        let whole: Expected = ("PRIMARY", &["org_id"]);
        history.expects_each(&[&[whole, CURRENT], &[BY_SERIAL]]).await;
        let rest = history
            .store
            .prune_certificates(samples.org, &rule, first.next, &samples.pruned())
            .await
            .unwrap();
        assert!(rest.removed > 50, "{rest:?}");
        history.expects_each(&[&[CURRENT, BY_SERIAL], &[BY_SERIAL]]).await;
    }
}
