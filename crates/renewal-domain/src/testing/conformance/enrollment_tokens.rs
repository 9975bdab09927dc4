//! Tokens with which devices enroll: made, found, listed, revoked. How they are used is in
//! `enrollment_token_use`.

use super::steps::{actions, read_all};
use super::{Stores, Works, assert_conflict, suite};
use crate::testing::Samples;
use crate::{
    Action, ActionKind, Actor, ApiRole, ApiTokenId, EnrollmentToken, GrantedNames, IdSource, PageRequest,
    Target, TokenEnd, TokenState,
};

suite![
    a_token_is_found_by_its_id_and_by_its_secret,
    what_a_token_says_is_read_as_it_was_made,
    a_token_exists_once,
    a_first_revocation_of_a_token_stands,
    making_and_revoking_a_token_are_recorded_as_actions,
    tokens_are_listed_newest_first,
    tokens_are_listed_by_who_made_them,
    another_organisation_finds_no_token,
];

/// Records a token, and gives the action.
pub(super) async fn create(stores: &Stores, samples: &Samples, token: &EnrollmentToken) -> Action {
    let action = samples.token_created(token);
    stores.enrollment_tokens.create_enrollment_token(samples.org, token, &action).await.works();
    action
}

/// Revokes a token now; what the store says it is then, and the action.
pub(super) async fn revoke(
    stores: &Stores,
    samples: &Samples,
    id: crate::TokenId,
) -> (Option<EnrollmentToken>, Action) {
    let action = samples.action(ActionKind::TokenRevoked, Target::EnrollmentToken(id));
    let at = samples.tick();
    let revoked = stores.enrollment_tokens.revoke_enrollment_token(samples.org, id, at, &action).await;
    (revoked.works(), action)
}

async fn a_token_is_found_by_its_id_and_by_its_secret(stores: Stores) {
    let samples = Samples::of(1);
    let tokens = [samples.token("gateway", 1), samples.token("gateway", 2)];
    for token in &tokens {
        create(&stores, &samples, token).await;
    }
    for token in tokens {
        let of_secret =
            stores.enrollment_tokens.enrollment_token_of_secret(samples.org, &token.secret_sha256).await;
        assert_eq!(of_secret.works().as_ref(), Some(&token));
        let of_id = stores.enrollment_tokens.enrollment_token(samples.org, token.id).await;
        assert_eq!(of_id.works(), Some(token));
    }
    let unknown = stores.enrollment_tokens.enrollment_token_of_secret(samples.org, &[3; 32]).await;
    assert_eq!(unknown.works(), None);
    let unknown = stores.enrollment_tokens.enrollment_token(samples.org, samples.ids.next().into()).await;
    assert_eq!(unknown.works(), None);
}

async fn what_a_token_says_is_read_as_it_was_made(stores: Stores) {
    let samples = Samples::of(1);
    let names = GrantedNames::new(["O=Example Ltd", "OU=Zähler"], ["DNS:gw-1.example", "IP:192.0.2.7"]);
    let names = names.unwrap_or_else(|error| panic!("{error}"));
    let maker = Actor::ApiToken { id: samples.ids.next().into(), name: "é".repeat(64) };
    for (secret, made_by) in (1..).zip([samples.operator(), maker, Actor::Server]) {
        let token =
            EnrollmentToken { names: names.clone(), made_by, ..samples.token(&"é".repeat(64), secret) };
        create(&stores, &samples, &token).await;
        let read = stores.enrollment_tokens.enrollment_token(samples.org, token.id).await.works();
        assert_eq!(read, Some(token));
    }
}

async fn a_token_exists_once(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    let action = create(&stores, &samples, &token).await;
    let same_id = EnrollmentToken { secret_sha256: [2; 32], ..token.clone() };
    let same_secret = samples.token("meter", 1);
    for again in [token, same_id, same_secret] {
        let action = samples.token_created(&again);
        let created = stores.enrollment_tokens.create_enrollment_token(samples.org, &again, &action).await;
        assert_conflict(&created);
    }
    assert_eq!(actions(&stores, &samples).await, [action], "a token that was not made has no action");
}

async fn a_first_revocation_of_a_token_stands(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    create(&stores, &samples, &token).await;
    let (revoked, action) = revoke(&stores, &samples, token.id).await;
    let at = samples.rules().now;
    let expected = EnrollmentToken { end: Some(TokenEnd::Revoked { at }), ..token };
    assert_eq!(expected.state_at(at), TokenState::Revoked);
    assert!(at > action.created_at());
    assert_eq!(revoked.as_ref(), Some(&expected));
    assert_eq!(revoke(&stores, &samples, expected.id).await.0.as_ref(), Some(&expected));
    let read = stores.enrollment_tokens.enrollment_token(samples.org, expected.id).await.works();
    assert_eq!(read, Some(expected));
}

async fn making_and_revoking_a_token_are_recorded_as_actions(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    let created = create(&stores, &samples, &token).await;
    assert_eq!(actions(&stores, &samples).await, std::slice::from_ref(&created));
    let (_, revoked) = revoke(&stores, &samples, token.id).await;
    revoke(&stores, &samples, token.id).await;
    assert_eq!(revoke(&stores, &samples, samples.ids.next().into()).await.0, None);
    assert_eq!(actions(&stores, &samples).await, [created, revoked], "once, and none of what is not there");
}

async fn tokens_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected = Vec::new();
    for secret in 1..=5 {
        let token = samples.token("gateway", secret);
        create(&stores, &samples, &token).await;
        expected.insert(0, token);
    }
    let (store, org) = (&stores.enrollment_tokens, samples.org);
    let read = read_all!(2, EnrollmentToken::scope(org), |page| store.enrollment_tokens(org, &page));
    assert_eq!(read, expected);
}

async fn tokens_are_listed_by_who_made_them(stores: Stores) {
    let samples = Samples::of(1);
    let makers = ["day shift", "night shift"].map(|name| samples.api_token(name, ApiRole::Operator));
    let mut expected = [Vec::new(), Vec::new()];
    for secret in 0..10 {
        let which = usize::from(secret % 3);
        let mut token = samples.token("gateway", secret + 1);
        if let Some(maker) = makers.get(which) {
            token.made_by = Actor::ApiToken { id: maker.id, name: maker.name.clone() };
            expected[which].insert(0, token.clone());
        }
        create(&stores, &samples, &token).await;
    }
    let nobody: ApiTokenId = samples.ids.next().into();
    let expected = makers.iter().map(|maker| maker.id).zip(expected).chain([(nobody, Vec::new())]);
    for (maker, expected) in expected {
        let (store, org) = (&stores.enrollment_tokens, samples.org);
        let scope = EnrollmentToken::scope(org);
        let read = read_all!(2, scope, |page| store.enrollment_tokens_made_by(org, maker, &page));
        assert_eq!(read, expected);
    }
}

async fn another_organisation_finds_no_token(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let maker = ours.api_token("day shift", ApiRole::Operator);
    let made_by = Actor::ApiToken { id: maker.id, name: maker.name };
    let token = EnrollmentToken { made_by, ..ours.token("gateway", 1) };
    let tokens = &stores.enrollment_tokens;
    let [our_action, their_action] = [&ours, &theirs].map(|samples| samples.token_created(&token));
    assert_conflict(&tokens.create_enrollment_token(theirs.org, &token, &their_action).await);
    assert_conflict(&tokens.create_enrollment_token(ours.org, &token, &their_action).await);
    tokens.create_enrollment_token(ours.org, &token, &our_action).await.works();

    assert_eq!(tokens.enrollment_token(theirs.org, token.id).await.works(), None);
    assert_eq!(tokens.enrollment_token_of_secret(theirs.org, &token.secret_sha256).await.works(), None);
    let page = PageRequest::default();
    assert_eq!(tokens.enrollment_tokens(theirs.org, &page).await.works().items, []);
    assert_eq!(tokens.enrollment_tokens_made_by(theirs.org, maker.id, &page).await.works().items, []);
    let (revoked, their_action) = revoke(&stores, &theirs, token.id).await;
    assert_eq!(revoked, None);
    let at = ours.tick();
    assert_conflict(&tokens.revoke_enrollment_token(ours.org, token.id, at, &their_action).await);
    assert_eq!(tokens.enrollment_token(ours.org, token.id).await.works(), Some(token));
    assert_eq!(actions(&stores, &theirs).await, []);

    // The same secret is another token there.
    let equal = theirs.token("gateway", 1);
    create(&stores, &theirs, &equal).await;
    let found = tokens.enrollment_token_of_secret(theirs.org, &[1; 32]).await.works();
    assert_eq!(found, Some(equal));
}
