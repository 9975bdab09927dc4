//! Tokens with which devices enroll: each is used once, with the certificate it permits.

use futures::future::join_all;

use super::{Stores, Works, assert_conflict, suite};
use crate::testing::samples::Samples;
use crate::{
    CertificateFilter, Clock, Completed, Opened, Page, PageRequest, PageSize, Standing, TokenEnd, TokenState,
};

suite![
    a_token_is_found_by_its_secret,
    a_token_exists_once,
    a_token_is_used_with_the_certificate,
    of_two_requests_with_one_token_one_is_answered,
    a_token_that_was_revoked_permits_nothing,
    tokens_are_listed_newest_first,
    another_organisation_has_no_use_of_a_token,
];

async fn a_token_is_found_by_its_secret(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await.works();
    let found = stores.enrollment_tokens.enrollment_token_of_secret(samples.org, &[1; 32]).await.works();
    assert_eq!(found, Some(token));
    assert_eq!(
        stores.enrollment_tokens.enrollment_token_of_secret(samples.org, &[2; 32]).await.works(),
        None
    );
}

async fn a_token_exists_once(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await.works();
    assert_conflict(&stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await);
    let same_secret = samples.token("meter", 1);
    assert_conflict(&stores.enrollment_tokens.create_enrollment_token(samples.org, &same_secret).await);
}

async fn a_token_is_used_with_the_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await.works();
    let request = samples.enrollment("gateway", "csr", token.id);
    stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await.works();
    let open = stores.issuance.open_request(samples.org, request.id()).await.works();
    assert_eq!(open.as_ref(), Some(&request), "the request knows its token");
    let end = samples.issued(&request, 10);
    assert_eq!(stores.issuance.complete(samples.org, request.id(), &end).await.works(), Completed::Recorded);
    let used = stores.enrollment_tokens.enrollment_token_of_secret(samples.org, &[1; 32]).await.works();
    assert_eq!(used.and_then(|token| token.end), Some(TokenEnd::Used { request_id: request.id() }));
}

async fn of_two_requests_with_one_token_one_is_answered(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await.works();
    let requests: Vec<_> =
        (0..16).map(|n| samples.enrollment("gateway", &format!("csr {n}"), token.id)).collect();
    for request in &requests {
        let opened = stores
            .issuance
            .open(samples.org, request, Standing::NotRevoked, samples.clock.now())
            .await
            .works();
        assert_eq!(opened, Opened::New);
    }
    let ends: Vec<_> = requests.iter().zip(1..).map(|(request, n)| samples.issued(request, n)).collect();
    let race = requests.iter().zip(&ends).map(|(r, end)| stores.issuance.complete(samples.org, r.id(), end));
    let results: Vec<_> = join_all(race).await.into_iter().map(Works::works).collect();
    assert_eq!(results.iter().filter(|done| **done == Completed::Recorded).count(), 1, "{results:?}");
    assert_eq!(results.iter().filter(|done| **done == Completed::TokenUnusable).count(), 15, "{results:?}");
    let device = samples.device("gateway").1;
    let page = stores
        .fleet
        .certificates(samples.org, &CertificateFilter::OfDevice(device), &PageRequest::default())
        .await
        .works();
    assert_eq!(page.items.len(), 1);
    for (request, done) in requests.iter().zip(results) {
        let open = stores.issuance.open_request(samples.org, request.id()).await.works();
        assert_eq!(open.is_some(), done == Completed::TokenUnusable, "it can still be ended otherwise");
    }
}

async fn a_token_that_was_revoked_permits_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    stores.enrollment_tokens.create_enrollment_token(samples.org, &token).await.works();
    let request = samples.enrollment("gateway", "csr", token.id);
    stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await.works();
    let at = samples.clock.now();
    let revoked = stores.enrollment_tokens.revoke_enrollment_token(samples.org, token.id, at).await.works();
    assert_eq!(revoked.as_ref().map(|token| token.state_at(at)), Some(TokenState::Revoked));
    let again =
        stores.enrollment_tokens.revoke_enrollment_token(samples.org, token.id, samples.tick()).await.works();
    assert_eq!(again, revoked, "the first stands");
    let end = samples.issued(&request, 10);
    let done = stores.issuance.complete(samples.org, request.id(), &end).await.works();
    assert_eq!(done, Completed::TokenUnusable);
}

async fn tokens_are_listed_newest_first(stores: Stores) {
    let samples = Samples::of(1);
    let mut expected: Vec<_> = (1..=5).map(|n| samples.token("gateway", n)).collect();
    for token in &expected {
        stores.enrollment_tokens.create_enrollment_token(samples.org, token).await.works();
    }
    expected.reverse();
    let size = PageSize::nearest(2);
    let (mut read, mut page) = (Vec::new(), PageRequest::first(size));
    loop {
        let Page { items, next } =
            stores.enrollment_tokens.enrollment_tokens(samples.org, &page).await.works();
        read.extend(items);
        let Some(next) = next else { break };
        page =
            PageRequest::resume(size, &crate::EnrollmentToken::scope(samples.org), next).unwrap_or_default();
    }
    assert_eq!(read, expected);
}

async fn another_organisation_has_no_use_of_a_token(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let token = ours.token("gateway", 1);
    assert_conflict(&stores.enrollment_tokens.create_enrollment_token(theirs.org, &token).await);
    stores.enrollment_tokens.create_enrollment_token(ours.org, &token).await.works();
    assert_eq!(stores.enrollment_tokens.enrollment_token_of_secret(theirs.org, &[1; 32]).await.works(), None);
    assert_eq!(
        stores.enrollment_tokens.enrollment_tokens(theirs.org, &PageRequest::default()).await.works().items,
        []
    );
    assert_eq!(
        stores.enrollment_tokens.revoke_enrollment_token(theirs.org, token.id, theirs.tick()).await.works(),
        None
    );
    let request = theirs.enrollment("gateway", "csr", token.id);
    stores.issuance.open(theirs.org, &request, Standing::NotRevoked, theirs.clock.now()).await.works();
    let end = theirs.issued(&request, 10);
    let done = stores.issuance.complete(theirs.org, request.id(), &end).await.works();
    assert_eq!(done, Completed::TokenUnusable);
    let untouched = stores.enrollment_tokens.enrollment_token_of_secret(ours.org, &[1; 32]).await.works();
    assert_eq!(untouched, Some(token));
}
