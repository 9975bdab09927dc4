//! Tokens of operators.

use chrono::TimeDelta;

use super::steps::{actions, read_all};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{Action, Actor, ApiRole, ApiToken, Clock, IdSource, PageRequest};

suite![
    an_api_token_is_read_as_it_was_made,
    an_api_token_exists_once,
    instants_of_an_api_token_are_kept_in_whole_seconds,
    api_tokens_are_listed_newest_first,
    api_tokens_are_listed_by_who_made_them,
    a_first_revocation_of_an_api_token_stands,
    making_and_revoking_an_api_token_are_recorded_as_actions,
    another_organisation_has_no_use_of_an_api_token,
];

/// Records a token, and gives the action.
async fn create(stores: &Stores, samples: &Samples, token: &ApiToken) -> Action {
    let action = samples.api_token_created(token);
    stores.api_tokens.create_api_token(samples.org, token, &action).await.works();
    action
}

async fn an_api_token_is_read_as_it_was_made(stores: Stores) {
    let samples = Samples::of(1);
    let makers = [
        samples.operator(),
        Actor::Server,
        Actor::ApiToken { id: samples.ids.next().into(), name: "Zähler 7".to_owned() },
        samples.operator(),
    ];
    for (role, made_by) in ApiRole::ALL.into_iter().zip(makers) {
        let mut token = ApiToken { made_by, ..samples.api_token(&"é".repeat(64), role) };
        token.expires_at = token.expires_at.filter(|_| role == ApiRole::Viewer);
        create(&stores, &samples, &token).await;
        assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token));
    }
    let unknown = samples.ids.next().into();
    assert_eq!(stores.api_tokens.api_token(samples.org, unknown).await.works(), None);
    let action = samples.api_token_revoked(unknown);
    let revoked = stores.api_tokens.revoke_api_token(samples.org, unknown, samples.tick(), &action).await;
    assert_eq!(revoked.works(), None);
}

async fn an_api_token_exists_once(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Viewer);
    let action = create(&stores, &samples, &token).await;
    let other = ApiToken { role: ApiRole::Operator, ..token.clone() };
    for again in [&token, &other] {
        let action = samples.api_token_created(again);
        assert_conflict(&stores.api_tokens.create_api_token(samples.org, again, &action).await);
    }
    assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token));
    assert_eq!(actions(&stores, &samples).await, [action], "a token that was not made has no action");
}

async fn instants_of_an_api_token_are_kept_in_whole_seconds(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Viewer);
    let late = TimeDelta::milliseconds(999);
    let finer = ApiToken { expires_at: token.expires_at.map(|at| at + late), ..token.clone() };
    create(&stores, &samples, &finer).await;
    assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token.clone()));
    let action = samples.api_token_revoked(token.id);
    let at = samples.tick();
    let revoked = stores.api_tokens.revoke_api_token(samples.org, token.id, at + late, &action).await;
    assert_eq!(revoked.works(), Some(ApiToken { revoked_at: Some(at), ..token }));
}

async fn api_tokens_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for number in 1..=5 {
        let token = samples.api_token(&format!("shift {number}"), ApiRole::Viewer);
        create(&stores, &samples, &token).await;
        expected.insert(0, token);
    }
    let scope = ApiToken::scope(samples.org);
    assert_eq!(read_all!(2, scope, |page| stores.api_tokens.api_tokens(samples.org, &page)), expected);
}

async fn api_tokens_are_listed_by_who_made_them(stores: Stores) {
    let samples = Samples::of(1);
    let makers = ["day shift", "night shift"].map(|name| samples.api_token(name, ApiRole::Administrator));
    let mut expected = [Vec::new(), Vec::new()];
    for maker in &makers {
        create(&stores, &samples, maker).await;
    }
    for number in 0..10 {
        let which = number % 3;
        let mut token = samples.api_token(&format!("program {number}"), ApiRole::Viewer);
        if let Some(maker) = makers.get(which) {
            token.made_by = Actor::ApiToken { id: maker.id, name: maker.name.clone() };
            expected[which].insert(0, token.clone());
        }
        create(&stores, &samples, &token).await;
    }
    for (maker, expected) in makers.iter().zip(expected) {
        let (store, org) = (&stores.api_tokens, samples.org);
        let read = read_all!(2, ApiToken::scope(org), |page| store.api_tokens_made_by(org, maker.id, &page));
        assert_eq!(read, expected, "{}", maker.name);
    }
    let nobody = samples.ids.next().into();
    let page = PageRequest::default();
    assert_eq!(stores.api_tokens.api_tokens_made_by(samples.org, nobody, &page).await.works().items, []);
}

async fn a_first_revocation_of_an_api_token_stands(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Operator);
    create(&stores, &samples, &token).await;
    let first = samples.tick();
    let expected = ApiToken { revoked_at: Some(first), ..token };
    for at in [first, samples.tick()] {
        let action = samples.api_token_revoked(expected.id);
        let revoked = stores.api_tokens.revoke_api_token(samples.org, expected.id, at, &action).await.works();
        assert_eq!(revoked.as_ref(), Some(&expected));
    }
    assert_eq!(stores.api_tokens.api_token(samples.org, expected.id).await.works(), Some(expected));
}

async fn making_and_revoking_an_api_token_are_recorded_as_actions(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Operator);
    let created = create(&stores, &samples, &token).await;
    assert_eq!(actions(&stores, &samples).await, std::slice::from_ref(&created));
    let [revoked, again, unknown] = [token.id, token.id, samples.ids.next().into()].map(|id| {
        let action = samples.api_token_revoked(id);
        (id, action)
    });
    for (id, action) in [&revoked, &again, &unknown] {
        stores.api_tokens.revoke_api_token(samples.org, *id, samples.tick(), action).await.works();
    }
    assert_eq!(actions(&stores, &samples).await, [created, revoked.1], "once, and none of what is not there");
}

async fn another_organisation_has_no_use_of_an_api_token(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let maker = ours.api_token("day shift", ApiRole::Administrator);
    let made_by = Actor::ApiToken { id: maker.id, name: maker.name.clone() };
    let token = ApiToken { made_by, ..ours.api_token("night shift", ApiRole::Viewer) };
    let [our_action, their_action] = [&ours, &theirs].map(|samples| samples.api_token_created(&token));
    assert_conflict(&stores.api_tokens.create_api_token(theirs.org, &token, &their_action).await);
    assert_conflict(&stores.api_tokens.create_api_token(ours.org, &token, &their_action).await);
    stores.api_tokens.create_api_token(ours.org, &token, &our_action).await.works();
    assert_eq!(stores.api_tokens.api_token(theirs.org, token.id).await.works(), None);
    let page = PageRequest::default();
    assert_eq!(stores.api_tokens.api_tokens(theirs.org, &page).await.works().items, []);
    let made = stores.api_tokens.api_tokens_made_by(theirs.org, maker.id, &page).await.works();
    assert_eq!(made.items, []);
    let (now, action) = (theirs.clock.now(), theirs.api_token_revoked(token.id));
    assert_eq!(stores.api_tokens.revoke_api_token(theirs.org, token.id, now, &action).await.works(), None);
    assert_conflict(&stores.api_tokens.revoke_api_token(ours.org, token.id, now, &action).await);
    assert_eq!(stores.api_tokens.api_token(ours.org, token.id).await.works(), Some(token));
    assert_eq!(actions(&stores, &theirs).await, []);
}
