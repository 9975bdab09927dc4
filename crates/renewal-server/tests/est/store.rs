//! A store that can be taken away and given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::testing::MemoryStore;
use renewal_domain::{
    Answer, CertificateRecord, Completed, Completion, DeviceId, EnrollmentToken, EnrollmentTokenStore,
    EventFilter, EventId, IssuanceStore, OpenRequest, OpenRequestFilter, Opened, OrgId, Page, PageRequest,
    RenewalEvent, RenewalEventStore, RequestId, Revocation, Serial, Sha256Digest, StoreError, TokenId,
};

/// How the store behaves.
#[derive(Debug, Default)]
pub(crate) struct TestStore {
    pub(crate) inner: MemoryStore,
    down: AtomicBool,
    slow: AtomicBool,
    calls: AtomicUsize,
}

impl TestStore {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Takes the store away, or gives it back.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Makes every call take half a second, or no time.
    pub(crate) fn set_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::SeqCst);
    }

    /// Waits until the store is called.
    pub(crate) async fn next_call(&self) {
        let before = self.calls.load(Ordering::SeqCst);
        while self.calls.load(Ordering::SeqCst) == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn reachable(&self) -> Result<&MemoryStore, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the database at 10.1.2.3 refused: secret detail".into()));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl RenewalEventStore for TestStore {
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        self.reachable().await?.create_many(org, events).await
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        self.reachable().await?.list(org, filter, page).await
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        self.reachable().await?.get(org, id).await
    }
}

#[async_trait]
impl IssuanceStore for TestStore {
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        self.reachable().await?.answer(org, request, now).await
    }

    async fn open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Opened, StoreError> {
        self.reachable().await?.open(org, request, now).await
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        self.reachable().await?.complete(org, id, completion).await
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        self.reachable().await?.open_request(org, id).await
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        self.reachable().await?.open_requests(org, filter, page).await
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.reachable().await?.certificate(org, serial).await
    }

    async fn device_certificates(
        &self,
        org: OrgId,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        self.reachable().await?.device_certificates(org, device, page).await
    }

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.reachable().await?.revoke(org, serial, revocation).await
    }
}

#[async_trait]
impl EnrollmentTokenStore for TestStore {
    async fn create_token(&self, org: OrgId, token: &EnrollmentToken) -> Result<(), StoreError> {
        self.reachable().await?.create_token(org, token).await
    }

    async fn token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.reachable().await?.token_of_secret(org, secret_sha256).await
    }

    async fn tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<EnrollmentToken>, StoreError> {
        self.reachable().await?.tokens(org, page).await
    }

    async fn revoke_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.reachable().await?.revoke_token(org, id, at).await
    }
}
