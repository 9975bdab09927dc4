//! The mocks of the feature `mock` stand in for a store.

use std::sync::Arc;

use renewal_domain::testing::Samples;
use renewal_domain::{
    AttemptKind, MockActionStore, MockApiTokenStore, MockBlockStore, MockEnrollmentTokenStore,
    MockFleetStore, MockIssuanceStore, MockRenewalEventStore, MockRetentionStore, MockRevocationStore,
    OpenRequestFilter, Page, PageRequest, RenewalEventStore, StoreError, Stores,
};

#[tokio::test]
async fn a_mock_answers_as_it_is_told_and_checks_what_it_is_asked() {
    let samples = Samples::of(1);
    let org = samples.org;
    let event = samples.start("gateway", AttemptKind::Renewal);

    let mut events = MockRenewalEventStore::new();
    let expected = event.clone();
    events.expect_create().withf(move |o, e| *o == org && *e == expected).times(1).returning(|_, _| Ok(()));
    events.expect_list().returning(|_, _, _| Err(StoreError::Unavailable("gone".into())));
    assert!(events.create(org, &event).await.is_ok());
    let listed = events.list(org, &renewal_domain::EventFilter::new(), &PageRequest::default()).await;
    assert!(matches!(listed, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn mocks_serve_where_a_store_is_wanted() {
    let mut issuance = MockIssuanceStore::new();
    issuance.expect_open_requests().returning(|_, _, _| Ok(Page { items: Vec::new(), next: None }));
    let mut revocations = MockRevocationStore::new();
    revocations
        .expect_revoke()
        .withf(|_, revoked, block| revoked.is_empty() && block.is_none())
        .returning(|_, _, _| Ok(Vec::new()));
    let stores = Stores {
        events: Arc::new(MockRenewalEventStore::new()),
        issuance: Arc::new(issuance),
        enrollment_tokens: Arc::new(MockEnrollmentTokenStore::new()),
        fleet: Arc::new(MockFleetStore::new()),
        api_tokens: Arc::new(MockApiTokenStore::new()),
        retention: Arc::new(MockRetentionStore::new()),
        actions: Arc::new(MockActionStore::new()),
        blocks: Arc::new(MockBlockStore::new()),
        revocations: Arc::new(revocations),
    };
    let org = Samples::of(1).org;
    let open =
        stores.issuance.open_requests(org, &OpenRequestFilter::default(), &PageRequest::default()).await;
    assert!(open.is_ok_and(|page| page.items.is_empty()));
    assert!(stores.revocations.revoke(org, &[], None).await.is_ok_and(|recorded| recorded.is_empty()));
}
