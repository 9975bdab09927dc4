//! A token permits one enrollment: it is used with the certificate.

use futures::future::join_all;

use super::enrollment_tokens::{create, revoke};
use super::steps::{NEW, actions, complete, end_with, open};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{CertificateFilter, Completed, PageRequest, TokenEnd};

suite![
    a_token_is_used_with_the_certificate,
    a_token_that_was_used_cannot_be_revoked,
    an_enrollment_that_fails_leaves_its_token_unused,
    of_two_requests_with_one_token_one_is_answered,
    a_token_that_was_revoked_permits_nothing,
    a_token_of_another_organisation_permits_nothing,
];

async fn a_token_is_used_with_the_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    create(&stores, &samples, &token).await;
    let request = samples.enrollment("gateway", "csr", token.id);
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let opened = stores.issuance.open_request(samples.org, request.id()).await.works();
    assert_eq!(opened.as_ref(), Some(&request), "the request knows its token");
    end_with(&stores, &samples, &request, &samples.issued(&request, 10)).await;
    let used = stores.enrollment_tokens.enrollment_token(samples.org, token.id).await.works();
    assert_eq!(used.and_then(|token| token.end), Some(TokenEnd::Used { request_id: request.id() }));
}

async fn a_token_that_was_used_cannot_be_revoked(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    let created = create(&stores, &samples, &token).await;
    let request = samples.enrollment("gateway", "csr", token.id);
    open(&stores, &samples, &request).await;
    end_with(&stores, &samples, &request, &samples.issued(&request, 10)).await;
    let (used, _) = revoke(&stores, &samples, token.id).await;
    assert_eq!(used.and_then(|token| token.end), Some(TokenEnd::Used { request_id: request.id() }));
    assert_eq!(actions(&stores, &samples).await, [created]);
}

async fn an_enrollment_that_fails_leaves_its_token_unused(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    create(&stores, &samples, &token).await;
    let request = samples.enrollment("gateway", "csr", token.id);
    open(&stores, &samples, &request).await;
    let end = samples.refused(&request, "denied");
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
    let read = stores.enrollment_tokens.enrollment_token(samples.org, token.id).await.works();
    assert_eq!(read, Some(token));
}

async fn of_two_requests_with_one_token_one_is_answered(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    create(&stores, &samples, &token).await;
    let requests: Vec<_> =
        (0..16).map(|n| samples.enrollment("gateway", &format!("csr {n}"), token.id)).collect();
    for request in &requests {
        assert_eq!(open(&stores, &samples, request).await, NEW);
    }
    let ends: Vec<_> = requests.iter().zip(1..).map(|(request, n)| samples.issued(request, n)).collect();
    let race = requests.iter().zip(&ends).map(|(request, end)| complete(&stores, &samples, request, end));
    let results = join_all(race).await;
    assert_eq!(results.iter().filter(|done| **done == Completed::Recorded).count(), 1, "{results:?}");
    assert_eq!(results.iter().filter(|done| **done == Completed::TokenUnusable).count(), 15, "{results:?}");
    let filter = CertificateFilter::OfDevice(samples.device("gateway").1);
    let page = stores.fleet.certificates(samples.org, &filter, &PageRequest::default()).await.works();
    assert_eq!(page.items.len(), 1);
    for (request, done) in requests.iter().zip(results) {
        let open = stores.issuance.open_request(samples.org, request.id()).await.works();
        assert_eq!(open.is_some(), done == Completed::TokenUnusable, "it can still be ended otherwise");
    }
}

async fn a_token_that_was_revoked_permits_nothing(stores: Stores) {
    let samples = Samples::of(1);
    let token = samples.token("gateway", 1);
    create(&stores, &samples, &token).await;
    let request = samples.enrollment("gateway", "csr", token.id);
    open(&stores, &samples, &request).await;
    revoke(&stores, &samples, token.id).await;
    let end = samples.issued(&request, 10);
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::TokenUnusable);
    assert_eq!(stores.issuance.certificate(samples.org, &samples.serial(10)).await.works(), None);
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), Some(request));
}

async fn a_token_of_another_organisation_permits_nothing(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let token = ours.token("gateway", 1);
    create(&stores, &ours, &token).await;
    let request = theirs.enrollment("gateway", "csr", token.id);
    open(&stores, &theirs, &request).await;
    let end = theirs.issued(&request, 10);
    assert_eq!(complete(&stores, &theirs, &request, &end).await, Completed::TokenUnusable);
    let untouched = stores.enrollment_tokens.enrollment_token(ours.org, token.id).await.works();
    assert_eq!(untouched, Some(token));
}
