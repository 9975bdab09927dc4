//! A store through whose every call somebody else looks: to measure it, or to let it fail.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Answer, ApiToken, ApiTokenId, ApiTokenStore, CertificateFilter, CertificateRecord, Completed, Completion,
    EnrollmentToken, EnrollmentTokenStore, EventCount, EventFilter, EventId, FleetStore, IssuanceStore,
    OpenCounts, OpenRequest, OpenRequestFilter, Opened, OrgId, Page, PageRequest, PrunedBatch, RenewalEvent,
    RenewalEventStore, RequestId, RetentionRule, RetentionStore, Revocation, Serial, Sha256Digest, Standing,
    StoreError, Stores, TokenId,
};

/// What is done around each call of a store.
pub trait Interceptor: Send + Sync + 'static {
    /// Carries out a call of the method of this name by awaiting `work`, once or not at all, and
    /// answers in its place.
    fn call<T: Send>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}

/// A store whose every call goes through an [`Interceptor`].
#[derive(Clone)]
pub struct Intercepted<I> {
    stores: Stores,
    interceptor: I,
}

impl<I: Interceptor> Intercepted<I> {
    /// Puts the interceptor in front of a store.
    #[must_use]
    pub fn new(stores: impl Into<Stores>, interceptor: I) -> Self {
        Self { stores: stores.into(), interceptor }
    }

    /// The interceptor.
    #[must_use]
    pub const fn interceptor(&self) -> &I {
        &self.interceptor
    }
}

#[async_trait]
impl<I: Interceptor> RenewalEventStore for Intercepted<I> {
    async fn create(&self, org: OrgId, event: &RenewalEvent) -> Result<(), StoreError> {
        self.interceptor.call("create", self.stores.events.create(org, event)).await
    }

    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        self.interceptor.call("create_many", self.stores.events.create_many(org, events)).await
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        self.interceptor.call("list", self.stores.events.list(org, filter, page)).await
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        self.interceptor.call("get", self.stores.events.get(org, id)).await
    }
}

#[async_trait]
impl<I: Interceptor> IssuanceStore for Intercepted<I> {
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        self.interceptor.call("answer", self.stores.issuance.answer(org, request, now)).await
    }

    async fn open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Opened, StoreError> {
        self.interceptor.call("open", self.stores.issuance.open(org, request, standing, now)).await
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        self.interceptor.call("complete", self.stores.issuance.complete(org, id, completion)).await
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        self.interceptor.call("open_request", self.stores.issuance.open_request(org, id)).await
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        self.interceptor.call("open_requests", self.stores.issuance.open_requests(org, filter, page)).await
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.interceptor.call("certificate", self.stores.issuance.certificate(org, serial)).await
    }

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.interceptor.call("revoke", self.stores.issuance.revoke(org, serial, revocation)).await
    }
}

#[async_trait]
impl<I: Interceptor> EnrollmentTokenStore for Intercepted<I> {
    async fn create_enrollment_token(&self, org: OrgId, token: &EnrollmentToken) -> Result<(), StoreError> {
        self.interceptor
            .call(
                "create_enrollment_token",
                self.stores.enrollment_tokens.create_enrollment_token(org, token),
            )
            .await
    }

    async fn enrollment_token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.interceptor
            .call(
                "enrollment_token_of_secret",
                self.stores.enrollment_tokens.enrollment_token_of_secret(org, secret_sha256),
            )
            .await
    }

    async fn enrollment_tokens(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        self.interceptor
            .call("enrollment_tokens", self.stores.enrollment_tokens.enrollment_tokens(org, page))
            .await
    }

    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.interceptor
            .call(
                "revoke_enrollment_token",
                self.stores.enrollment_tokens.revoke_enrollment_token(org, id, at),
            )
            .await
    }
}

#[async_trait]
impl<I: Interceptor> FleetStore for Intercepted<I> {
    async fn certificates(
        &self,
        org: OrgId,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        self.interceptor.call("certificates", self.stores.fleet.certificates(org, filter, page)).await
    }

    async fn count_expiring(
        &self,
        org: OrgId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.interceptor.call("count_expiring", self.stores.fleet.count_expiring(org, after, until)).await
    }

    async fn count_events(
        &self,
        org: OrgId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<EventCount>, StoreError> {
        self.interceptor.call("count_events", self.stores.fleet.count_events(org, from, to)).await
    }

    async fn count_failing(&self, org: OrgId, since: DateTime<Utc>) -> Result<u64, StoreError> {
        self.interceptor.call("count_failing", self.stores.fleet.count_failing(org, since)).await
    }

    async fn count_open(&self, org: OrgId) -> Result<OpenCounts, StoreError> {
        self.interceptor.call("count_open", self.stores.fleet.count_open(org)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.interceptor.call("check", self.stores.fleet.check()).await
    }
}

#[async_trait]
impl<I: Interceptor> ApiTokenStore for Intercepted<I> {
    async fn create_api_token(&self, org: OrgId, token: &ApiToken) -> Result<(), StoreError> {
        self.interceptor.call("create_api_token", self.stores.api_tokens.create_api_token(org, token)).await
    }

    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
        self.interceptor.call("api_token", self.stores.api_tokens.api_token(org, id)).await
    }

    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError> {
        self.interceptor.call("api_tokens", self.stores.api_tokens.api_tokens(org, page)).await
    }

    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiToken>, StoreError> {
        self.interceptor.call("revoke_api_token", self.stores.api_tokens.revoke_api_token(org, id, at)).await
    }
}

#[async_trait]
impl<I: Interceptor> RetentionStore for Intercepted<I> {
    async fn prune_events(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<EventId>,
    ) -> Result<PrunedBatch<EventId>, StoreError> {
        self.interceptor.call("prune_events", self.stores.retention.prune_events(org, rule, after)).await
    }

    async fn prune_certificates(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<Serial>,
    ) -> Result<PrunedBatch<Serial>, StoreError> {
        let call = self.stores.retention.prune_certificates(org, rule, after);
        self.interceptor.call("prune_certificates", call).await
    }
}
