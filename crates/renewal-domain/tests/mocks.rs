//! The mocks of the feature `mock` stand in for a store.

use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    AttemptKind, MockApiTokenStore, MockEnrollmentTokenStore, MockFleetStore, MockIssuanceStore,
    MockRenewalEventStore, MockRetentionStore, OpenRequestFilter, Page, PageRequest, RenewalEventStore,
    StoreError, Stores,
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
    let stores = Stores {
        events: std::sync::Arc::new(MockRenewalEventStore::new()),
        issuance: std::sync::Arc::new(issuance),
        enrollment_tokens: std::sync::Arc::new(MockEnrollmentTokenStore::new()),
        fleet: std::sync::Arc::new(MockFleetStore::new()),
        api_tokens: std::sync::Arc::new(MockApiTokenStore::new()),
        retention: std::sync::Arc::new(MockRetentionStore::new()),
    };
    let org = Samples::of(1).org;
    let open =
        stores.issuance.open_requests(org, &OpenRequestFilter::default(), &PageRequest::default()).await;
    assert!(open.is_ok_and(|page| page.items.is_empty()));
}
