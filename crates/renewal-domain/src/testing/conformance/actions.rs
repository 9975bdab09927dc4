//! Who did what: recorded and listed. That each effect records its action is with the cases of the effect.

use super::steps::{SAME_DEVICE, actions, read_all};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    Action, ActionContext, ActionFilter, ActionKind, Actor, IdSource, NewAction, PageRequest, PageSize,
    ReasonCode, Target,
};

suite![
    an_action_is_read_as_it_was_recorded,
    an_action_exists_once,
    every_listing_of_actions_holds_what_its_definition_says,
    actions_recorded_meanwhile_neither_repeat_nor_skip_others,
    actions_of_another_organisation_are_not_listed,
];

/// One target of each kind. The devices are two.
fn targets(samples: &Samples) -> Vec<Target> {
    vec![
        Target::Request(samples.ids.next().into()),
        Target::Certificate(samples.serial(0x0a_bc)),
        Target::Device(samples.device("gateway").1),
        Target::Device(samples.device("meter").1),
        Target::Key(samples.key("csr")),
        Target::EnrollmentToken(samples.ids.next().into()),
        Target::ApiToken(samples.ids.next().into()),
        Target::Authority("k".repeat(Target::MAX_ID)),
        Target::Organisation,
    ]
}

async fn an_action_is_read_as_it_was_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let over_network = |actor: Actor, address: &str| ActionContext {
        source_address: address.parse().ok(),
        http_request_id: Some("r".repeat(64)),
        ..actor.into()
    };
    let token = Actor::ApiToken { id: samples.ids.next().into(), name: "é".repeat(127) };
    let somebody = Actor::CommandLine { user: "Zoë".to_owned(), host: "h".repeat(64) };
    let contexts = [
        over_network(token.clone(), "2001:db8::1"),
        over_network(token, "192.0.2.7"),
        somebody.into(),
        Actor::Server.into(),
    ];
    let mut expected = Vec::new();
    for (number, kind) in ActionKind::ALL.iter().enumerate() {
        for target in targets(&samples) {
            let plain = NewAction::new(*kind, target);
            let full = plain.clone().device(samples.device("robot").1).note("é".repeat(512));
            let full = full.reason(ReasonCode::from_static("key_too_weak"));
            let new = if expected.len() % 2 == 0 { plain } else { full };
            let action = samples.action_of(&contexts[(number + expected.len()) % contexts.len()], new);
            stores.actions.record_action(samples.org, &action).await.works();
            expected.push(action);
        }
    }
    assert_eq!(actions(&stores, &samples).await, expected);
}

async fn an_action_exists_once(stores: Stores) {
    let samples = Samples::of(1);
    let action = samples.action(ActionKind::CaRolledOver, Target::Authority("one".to_owned()));
    stores.actions.record_action(samples.org, &action).await.works();
    let other = Action { target: Target::Authority("two".to_owned()), ..action.clone() };
    for again in [&action, &other] {
        assert_conflict(&stores.actions.record_action(samples.org, again).await);
    }
    assert_eq!(actions(&stores, &samples).await, [action]);
}

async fn every_listing_of_actions_holds_what_its_definition_says(stores: Stores) {
    let samples = Samples::of(1);
    let targets = targets(&samples);
    let kinds = [ActionKind::CertificateRevoked, ActionKind::RequestDenied, ActionKind::TokenCreated];
    let mut all = Vec::new();
    for (number, target) in targets.iter().cycle().take(36).enumerate() {
        let new = NewAction::new(kinds[number % 5 % 3], target.clone());
        let new = if number % 4 == 0 { new.device(samples.device("gateway").1) } else { new };
        let action = samples.action_of(&samples.operator().into(), new);
        stores.actions.record_action(samples.org, &action).await.works();
        all.insert(0, action);
    }
    let mut filters = vec![ActionFilter::All, ActionFilter::Kind(ActionKind::Pruned)];
    filters.extend(kinds.map(ActionFilter::Kind));
    filters.extend(["gateway", "meter", "robot"].map(|name| ActionFilter::Device(samples.device(name).1)));
    filters.extend(targets.into_iter().map(ActionFilter::Target));
    filters.push(ActionFilter::Target(Target::Certificate(samples.serial(1))));
    for filter in filters {
        let matching = all.iter().filter(|action| filter.matches(action));
        let expected: Vec<_> = matching.cloned().collect();
        for size in [1, 3, 1_000] {
            let (store, org) = (&stores.actions, samples.org);
            let read = read_all!(size, filter.scope(org), |page| store.actions(org, &filter, &page));
            assert_eq!(read, expected, "{filter:?}, {size} a page");
        }
    }
}

async fn actions_recorded_meanwhile_neither_repeat_nor_skip_others(stores: Stores) {
    let samples = Samples::of(1);
    let device = samples.device("gateway").1;
    let record = async || {
        let action = samples.action(ActionKind::DeviceBlocked, Target::Device(device));
        stores.actions.record_action(samples.org, &action).await.works();
        action
    };
    for filter in [
        ActionFilter::All,
        ActionFilter::Kind(ActionKind::DeviceBlocked),
        ActionFilter::Device(device),
        ActionFilter::Target(Target::Device(device)),
    ] {
        for _ in 0..7 {
            record().await;
        }
        let mut expected = actions(&stores, &samples).await;
        expected.reverse();
        let size = PageSize::nearest(3);
        let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
        loop {
            let answer = stores.actions.actions(samples.org, &filter, &page).await.works();
            read.extend(answer.items);
            record().await;
            let Some(next) = answer.next else { break };
            page = PageRequest::resume(size, &filter.scope(samples.org), next).unwrap_or_default();
        }
        assert_eq!(read, expected, "{filter:?}");
    }
}

async fn actions_of_another_organisation_are_not_listed(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let (_, device) = ours.device(SAME_DEVICE);
    let action = ours.action(ActionKind::DeviceBlocked, Target::Device(device));
    assert_conflict(&stores.actions.record_action(theirs.org, &action).await);
    stores.actions.record_action(ours.org, &action).await.works();
    let page = PageRequest::default();
    for filter in [
        ActionFilter::All,
        ActionFilter::Kind(ActionKind::DeviceBlocked),
        ActionFilter::Device(device),
        ActionFilter::Target(Target::Device(device)),
    ] {
        let found = stores.actions.actions(ours.org, &filter, &page).await.works().items;
        assert_eq!(found, std::slice::from_ref(&action));
        assert_eq!(stores.actions.actions(theirs.org, &filter, &page).await.works().items, [], "{filter:?}");
    }
}
