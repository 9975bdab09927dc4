//! History is pruned, while devices renew.

use std::time::Duration;

use csr_service::{CrlIssuer, PruneProgress, Pruned, Reason, Retention, check_clock, prune, prune_action};
use renewal_domain::testing::predictable_ids;
use renewal_domain::{Action, ActionKind, Clock, IdSource, RetentionRule, RevocationReason, Stores};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{DAY, Device, ORG, World, assert_rejected, by, days, issued, profile};

const CRL_VALIDITY: Duration = Duration::from_hours(72);

fn retention(older_than: u32) -> Retention {
    Retention::new(DAY * older_than, 1, &profile().build().unwrap(), CRL_VALIDITY).unwrap()
}

/// The action of a walk.
fn action(world: &World, rule: &RetentionRule) -> Action {
    let id = predictable_ids(&world.clock).next();
    prune_action(id, ORG, rule, &by())
}

/// Walks through the ledger; what was removed, and how far the walk was after each step.
async fn pruned(world: &World, older_than: u32, dry_run: bool) -> (Pruned, Vec<PruneProgress>) {
    let mut steps = Vec::new();
    let rule = retention(older_than).rule(world.clock.now(), dry_run);
    let done =
        prune(&*world.store, ORG, &rule, &action(world, &rule), |step: &PruneProgress| steps.push(*step))
            .await
            .unwrap();
    (done, steps)
}

#[tokio::test]
async fn a_device_that_renewed_for_years_keeps_its_last_ones() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let mut current = device.enroll(&service).await;
    for _ in 0..6 {
        world.clock.advance(days(60));
        current = issued(device.renew(&service, &current).await.unwrap()).certificate;
    }
    let counted = pruned(&world, 100, true).await.0;
    assert_eq!(world.events().await.len(), 12);
    let (removed, steps) = pruned(&world, 100, false).await;
    assert_eq!(removed, counted);
    // Of six attempts two are younger; of seven certificates, which are good for 90 days, three
    // expired 100 days ago.
    assert_eq!((removed.attempts(), removed.events, removed.certificates), (4, 8, 3));
    assert_eq!(world.story().await, ["renewal_start", "renewal_success", "renewal_start", "renewal_success"]);
    assert_eq!(steps.last().unwrap().so_far, removed);
    assert!(steps.is_sorted_by(|one, next| one.done <= next.done), "{steps:?}");
    assert!((steps.last().unwrap().done - 1.0).abs() < f64::EPSILON, "{steps:?}");

    // Years later the last one is there, and nothing else.
    world.clock.advance(days(4_000));
    pruned(&world, 100, false).await;
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
    assert_eq!(world.certificates(&device).await.len(), 1);
    assert_eq!(pruned(&world, 100, false).await.0, Pruned { looked_at: 3, ..Pruned::default() });
    let kinds = world.action_kinds().await;
    assert_eq!(kinds, [ActionKind::Pruned; 2], "one for each walk that removed something");
}

#[tokio::test]
async fn a_revoked_certificate_stays_on_the_list_for_its_time_and_never_recovers() {
    let world = World::new();
    let service = world.service_with(profile().grace(DAY));
    let issuer = CrlIssuer::from_pem(world.authority.certificate_pem(), world.authority.key_pem()).unwrap();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    service.revoke(ORG, &first.serial, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    let listed = async || {
        let list = service.revocation_list(&issuer, &[ORG], CRL_VALIDITY).await.unwrap();
        let (_, list) = CertificateRevocationList::from_der(list.der()).unwrap();
        list.iter_revoked_certificates().count()
    };
    // The profile by which it is pruned lets devices recover for 30 days.
    world.clock.set(first.not_after);
    for day in 0..34 {
        let before = listed().await;
        assert_eq!(before, usize::from(day <= 3), "it is listed for one more validity of a list");
        pruned(&world, 1, false).await;
        assert_eq!(listed().await, before);
        // The latest certificate of a device stays, and so does its revocation.
        assert_rejected(device.renew(&world.service(), &first).await, Reason::CertificateRevoked);
        world.clock.advance(days(1));
    }
}

#[tokio::test]
async fn a_walk_that_fails_has_removed_what_it_removed_and_is_begun_again() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let mut current = device.enroll(&world.service()).await;
    for _ in 0..12 {
        world.clock.advance(days(1));
        current = issued(device.renew(&world.service(), &current).await.unwrap()).certificate;
    }
    world.clock.advance(days(10));
    let rule = retention(5).rule(world.clock.now(), false);
    let failing: Stores = failing_store(world.store.clone(), 3, Fault::FailBefore).into();
    let mut removed = 0;
    let count = |step: &PruneProgress| removed = step.so_far.events;
    prune(&*failing.retention, ORG, &rule, &action(&world, &rule), count).await.unwrap_err();
    assert!(removed > 0 && removed < 22, "{removed}");
    assert_eq!(world.events().await.len() as u64, 24 - removed);
    let rest =
        prune(&*world.store, ORG, &rule, &action(&world, &rule), |_: &PruneProgress| ()).await.unwrap();
    assert_eq!(rest.events + removed, 22);
}

#[tokio::test]
async fn a_clock_that_is_far_ahead_of_the_newest_record_prunes_nothing() {
    let world = World::new();
    Device::named("gateway-1").enroll(&world.service()).await;
    let check =
        async |days_later| check_clock(&*world.store, ORG, world.clock.now() + days(days_later)).await;
    check(30).await.unwrap();
    let refused = check(31).await.unwrap_err().to_string();
    assert!(refused.contains("check the clock") && refused.contains("--trust-clock"), "{refused}");
}
