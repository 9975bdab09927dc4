//! Tokens of operators.

use chrono::TimeDelta;

use super::{Stores, Works, assert_conflict, suite};
use crate::testing::samples::Samples;
use crate::{ApiRole, ApiToken, Clock, IdSource, Page, PageRequest, PageSize};

suite![
    an_api_token_is_read_as_it_was_made,
    an_api_token_exists_once,
    instants_of_an_api_token_are_kept_in_whole_seconds,
    api_tokens_are_listed_newest_first,
    a_first_revocation_of_an_api_token_stands,
    another_organisation_has_no_use_of_an_api_token,
];

async fn an_api_token_is_read_as_it_was_made(stores: Stores) {
    let samples = Samples::of(1);
    for (role, expires) in [(ApiRole::Viewer, true), (ApiRole::Operator, false)] {
        let mut token = samples.api_token(&"é".repeat(64), role);
        token.expires_at = token.expires_at.filter(|_| expires);
        stores.api_tokens.create_api_token(samples.org, &token).await.works();
        assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token));
    }
    let unknown = samples.ids.next().into();
    assert_eq!(stores.api_tokens.api_token(samples.org, unknown).await.works(), None);
    assert_eq!(stores.api_tokens.revoke_api_token(samples.org, unknown, samples.tick()).await.works(), None);
}

async fn an_api_token_exists_once(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Viewer);
    stores.api_tokens.create_api_token(samples.org, &token).await.works();
    let other = ApiToken { role: ApiRole::Operator, ..token.clone() };
    for again in [&token, &other] {
        assert_conflict(&stores.api_tokens.create_api_token(samples.org, again).await);
    }
    assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token));
}

async fn instants_of_an_api_token_are_kept_in_whole_seconds(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Viewer);
    let late = TimeDelta::milliseconds(999);
    let finer = ApiToken { expires_at: token.expires_at.map(|at| at + late), ..token.clone() };
    stores.api_tokens.create_api_token(samples.org, &finer).await.works();
    assert_eq!(stores.api_tokens.api_token(samples.org, token.id).await.works(), Some(token.clone()));
    let at = samples.tick();
    let revoked = stores.api_tokens.revoke_api_token(samples.org, token.id, at + late).await.works();
    assert_eq!(revoked, Some(ApiToken { revoked_at: Some(at), ..token }));
}

async fn api_tokens_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected: Vec<_> =
        (1..=5).map(|n| samples.api_token(&format!("shift {n}"), ApiRole::Viewer)).collect();
    for token in &expected {
        stores.api_tokens.create_api_token(samples.org, token).await.works();
    }
    expected.reverse();
    let size = PageSize::nearest(2);
    let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
    loop {
        let Page { items, next } = stores.api_tokens.api_tokens(samples.org, &page).await.works();
        read.extend(items);
        let Some(next) = next else { break };
        page = PageRequest::resume(size, &ApiToken::scope(samples.org), next).unwrap_or_default();
    }
    assert_eq!(read, expected);
}

async fn a_first_revocation_of_an_api_token_stands(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.api_token("night shift", ApiRole::Operator);
    stores.api_tokens.create_api_token(samples.org, &token).await.works();
    let first = samples.tick();
    let expected = ApiToken { revoked_at: Some(first), ..token };
    for at in [first, samples.tick()] {
        let revoked = stores.api_tokens.revoke_api_token(samples.org, expected.id, at).await.works();
        assert_eq!(revoked.as_ref(), Some(&expected));
    }
    assert_eq!(stores.api_tokens.api_token(samples.org, expected.id).await.works(), Some(expected));
}

async fn another_organisation_has_no_use_of_an_api_token(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let token = ours.api_token("night shift", ApiRole::Viewer);
    assert_conflict(&stores.api_tokens.create_api_token(theirs.org, &token).await);
    stores.api_tokens.create_api_token(ours.org, &token).await.works();
    assert_eq!(stores.api_tokens.api_token(theirs.org, token.id).await.works(), None);
    assert_eq!(stores.api_tokens.api_tokens(theirs.org, &PageRequest::default()).await.works().items, []);
    let now = theirs.clock.now();
    assert_eq!(stores.api_tokens.revoke_api_token(theirs.org, token.id, now).await.works(), None);
    assert_eq!(stores.api_tokens.api_token(ours.org, token.id).await.works(), Some(token));
}
