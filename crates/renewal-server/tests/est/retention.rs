//! Old history is pruned by the server.

use std::sync::Arc;

use chrono::TimeDelta;
use csr_service::{Profile, PruneError, Retention};
use libtest_mimic::Trial;
use renewal_domain::{ActionFilter, ActionKind, ActionStore, Actor, PageRequest};
use renewal_server::ScheduledRetention;

use crate::device::{Device, REENROLL};
use crate::trials::trials;
use crate::world::{DAY, ORG, OTHER_ORG, World};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        what_is_too_old_is_pruned_and_an_action_of_the_server_says_so,
        a_clock_that_is_far_ahead_prunes_nothing,
    ])
}

fn retention(world: &World) -> ScheduledRetention {
    let profile = Profile::builder().grace(DAY).build().unwrap();
    let retention = Retention::new(10 * DAY, 0, &profile, DAY).unwrap();
    let (store, clock) = (world.store.inner.clone(), Arc::new(world.clock.clone()));
    ScheduledRetention::new(retention, store, vec![OTHER_ORG, ORG], clock, world.metrics.clone())
}

/// A device that has renewed twice, 20 days apart.
async fn renewed_twice(world: &World) {
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let mut certificate = device.enroll(world, &server).await;
    for _ in 0..2 {
        world.clock.advance(TimeDelta::days(20));
        let client = device.client(world, &server, &certificate);
        certificate = client.enroll(REENROLL, &device.csr()).await.certificate();
    }
}

async fn prunings(world: &World) -> Vec<Actor> {
    let filter = ActionFilter::Kind(ActionKind::Pruned);
    let actions = world.store.inner.actions(ORG, &filter, &PageRequest::default()).await.unwrap().items;
    actions.into_iter().map(|action| action.actor).collect()
}

async fn what_is_too_old_is_pruned_and_an_action_of_the_server_says_so() {
    let world = World::new();
    renewed_twice(&world).await;
    retention(&world).run().await.unwrap();
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
    assert_eq!(prunings(&world).await, [Actor::Server]);
    let text = world.metrics.render();
    assert!(text.contains("renewal_pruned_events_total 2"), "{text}");
    assert!(text.contains("renewal_pruned_revocations_total 0"), "{text}");
    assert!(!text.contains("renewal_retention_last_run_timestamp_seconds 0"), "{text}");
}

async fn a_clock_that_is_far_ahead_prunes_nothing() {
    let world = World::new();
    renewed_twice(&world).await;
    world.clock.advance(TimeDelta::days(31));
    let error = retention(&world).run().await.unwrap_err();
    assert!(matches!(error, PruneError::ClockAhead { .. }), "{error}");
    assert_eq!(world.story().await.len(), 4);
    assert!(prunings(&world).await.is_empty());
    assert!(world.metrics.render().contains("renewal_retention_last_run_timestamp_seconds 0"));
}
