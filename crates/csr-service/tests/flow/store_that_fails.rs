//! A store that works but for one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::testing::MemoryStore;
use renewal_domain::{
    Answer, CertificateRecord, Completed, Completion, DeviceId, EnrollmentToken, EnrollmentTokenStore,
    EventFilter, EventId, IssuanceStore, OpenRequest, OpenRequestFilter, Opened, OrgId, Page, PageRequest,
    RenewalEvent, RenewalEventStore, RequestId, Revocation, Serial, Sha256Digest, StoreError, TokenId,
};

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and does nothing.
    FailBefore,
    /// It does its work, and the answer is lost.
    FailAfter,
    /// It, and every later call, fails and does nothing: the database is gone.
    GoneFrom,
    /// It never comes back, having done nothing: the process dies, or its future is dropped.
    HangBefore,
    /// It never comes back, having done its work.
    HangAfter,
}

/// Counts its calls, and has a fault at one of them.
pub(crate) struct FailingStore {
    inner: Arc<MemoryStore>,
    calls: AtomicUsize,
    at: usize,
    fault: Fault,
}

impl FailingStore {
    pub(crate) fn new(inner: Arc<MemoryStore>, at: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self { inner, calls: AtomicUsize::new(0), at, fault })
    }

    /// Whether the call with the fault was made.
    pub(crate) fn was_hit(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > self.at
    }

    async fn call<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let gone = || Err(StoreError::Unavailable("gone".into()));
        if call < self.at || (call > self.at && self.fault != Fault::GoneFrom) {
            return work.await;
        }
        match self.fault {
            Fault::FailBefore | Fault::GoneFrom => gone(),
            Fault::FailAfter => {
                work.await?;
                gone()
            }
            Fault::HangBefore => std::future::pending().await,
            Fault::HangAfter => {
                work.await?;
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl RenewalEventStore for FailingStore {
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        self.call(self.inner.create_many(org, events)).await
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        self.call(self.inner.list(org, filter, page)).await
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        self.call(self.inner.get(org, id)).await
    }
}

#[async_trait]
impl EnrollmentTokenStore for FailingStore {
    async fn create_token(&self, org: OrgId, token: &EnrollmentToken) -> Result<(), StoreError> {
        self.call(self.inner.create_token(org, token)).await
    }

    async fn token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.call(self.inner.token_of_secret(org, secret_sha256)).await
    }

    async fn tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<EnrollmentToken>, StoreError> {
        self.call(self.inner.tokens(org, page)).await
    }

    async fn revoke_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.call(self.inner.revoke_token(org, id, at)).await
    }
}

#[async_trait]
impl IssuanceStore for FailingStore {
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        self.call(self.inner.answer(org, request, now)).await
    }

    async fn open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Opened, StoreError> {
        self.call(self.inner.open(org, request, now)).await
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        self.call(self.inner.complete(org, id, completion)).await
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        self.call(self.inner.open_request(org, id)).await
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        self.call(self.inner.open_requests(org, filter, page)).await
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.call(self.inner.certificate(org, serial)).await
    }

    async fn device_certificates(
        &self,
        org: OrgId,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        self.call(self.inner.device_certificates(org, device, page)).await
    }

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.call(self.inner.revoke(org, serial, revocation)).await
    }
}
