//! A store through whose every call somebody else looks: to measure it, or to let it fail.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Action, ActionFilter, ActionStore, Answer, ApiToken, ApiTokenId, ApiTokenStore, Block, BlockStore,
    BlockSubject, CertificateFilter, CertificateRecord, Completed, Completion, DeviceId, EnrollmentToken,
    EnrollmentTokenStore, EventCount, EventFilter, EventId, FleetStore, IssuanceStore, OpenCounts,
    OpenRefusal, OpenRequest, OpenRequestFilter, OpenRules, Opened, OrgId, Page, PageRequest, PrunedBatch,
    RenewalEvent, RenewalEventStore, RequestId, RetentionRule, RetentionStore, RevocationId, RevocationStore,
    RevokedCertificate, Serial, Sha256Digest, StoreError, Stores, TokenId,
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

/// Implements a store trait: each method goes through the interceptor to the store of this field.
macro_rules! intercept {
    ($trait:ident, $field:ident: $(fn $method:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<I: Interceptor> $trait for Intercepted<I> {
            $(
                async fn $method(&self, $($arg: $type),*) -> Result<$answer, StoreError> {
                    let work = self.stores.$field.$method($($arg),*);
                    self.interceptor.call(stringify!($method), work).await
                }
            )*
        }
    };
}

intercept! { RenewalEventStore, events:
    fn create(org: OrgId, event: &RenewalEvent) -> ();
    fn create_many(org: OrgId, events: &[RenewalEvent]) -> ();
    fn list(org: OrgId, filter: &EventFilter, page: &PageRequest) -> Page<RenewalEvent>;
    fn get(org: OrgId, id: EventId) -> Option<RenewalEvent>;
}

intercept! { IssuanceStore, issuance:
    fn answer(org: OrgId, request: &OpenRequest, now: DateTime<Utc>) -> Option<Answer>;
    fn open(org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Opened;
    fn refusal(org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Option<OpenRefusal>;
    fn certificate_used(org: OrgId, device: DeviceId, serial: &Serial) -> ();
    fn complete(org: OrgId, id: RequestId, completion: &Completion) -> Completed;
    fn open_request(org: OrgId, id: RequestId) -> Option<OpenRequest>;
    fn open_requests(org: OrgId, filter: &OpenRequestFilter, page: &PageRequest) -> Page<OpenRequest>;
    fn certificate(org: OrgId, serial: &Serial) -> Option<CertificateRecord>;
}

intercept! { EnrollmentTokenStore, enrollment_tokens:
    fn create_enrollment_token(org: OrgId, token: &EnrollmentToken, action: &Action) -> ();
    fn enrollment_token(org: OrgId, id: TokenId) -> Option<EnrollmentToken>;
    fn enrollment_token_of_secret(org: OrgId, secret_sha256: &Sha256Digest) -> Option<EnrollmentToken>;
    fn enrollment_tokens(org: OrgId, page: &PageRequest) -> Page<EnrollmentToken>;
    fn enrollment_tokens_made_by(org: OrgId, maker: ApiTokenId, page: &PageRequest) -> Page<EnrollmentToken>;
    fn revoke_enrollment_token(org: OrgId, id: TokenId, at: DateTime<Utc>, action: &Action) -> Option<EnrollmentToken>;
}

intercept! { FleetStore, fleet:
    fn certificates(org: OrgId, filter: &CertificateFilter, page: &PageRequest) -> Page<CertificateRecord>;
    fn count_expiring(org: OrgId, after: DateTime<Utc>, until: DateTime<Utc>) -> u64;
    fn count_events(org: OrgId, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<EventCount>;
    fn count_failing(org: OrgId, since: DateTime<Utc>) -> u64;
    fn count_open(org: OrgId) -> OpenCounts;
    fn check() -> ();
}

intercept! { ApiTokenStore, api_tokens:
    fn create_api_token(org: OrgId, token: &ApiToken, action: &Action) -> ();
    fn api_token(org: OrgId, id: ApiTokenId) -> Option<ApiToken>;
    fn api_tokens(org: OrgId, page: &PageRequest) -> Page<ApiToken>;
    fn api_tokens_made_by(org: OrgId, maker: ApiTokenId, page: &PageRequest) -> Page<ApiToken>;
    fn revoke_api_token(org: OrgId, id: ApiTokenId, at: DateTime<Utc>, action: &Action) -> Option<ApiToken>;
}

intercept! { RetentionStore, retention:
    fn prune_events(
        org: OrgId, rule: &RetentionRule, after: Option<EventId>, action: &Action
    ) -> PrunedBatch<EventId>;
    fn prune_certificates(
        org: OrgId, rule: &RetentionRule, after: Option<Serial>, action: &Action
    ) -> PrunedBatch<Serial>;
    fn prune_revocations(
        org: OrgId, rule: &RetentionRule, after: Option<RevocationId>, action: &Action
    ) -> PrunedBatch<RevocationId>;
    fn newest_record(org: OrgId) -> Option<DateTime<Utc>>;
}

intercept! { ActionStore, actions:
    fn record_action(org: OrgId, action: &Action) -> ();
    fn actions(org: OrgId, filter: &ActionFilter, page: &PageRequest) -> Page<Action>;
}

intercept! { BlockStore, blocks:
    fn block(org: OrgId, block: &Block, action: &Action) -> bool;
    fn unblock(org: OrgId, subject: &BlockSubject, action: &Action) -> bool;
    fn block_of(org: OrgId, subject: &BlockSubject) -> Option<Block>;
    fn blocks(org: OrgId, page: &PageRequest) -> Page<Block>;
}

intercept! { RevocationStore, revocations:
    fn revoke(
        org: OrgId, revocations: &[(RevokedCertificate, Action)], block: Option<(Block, Action)>
    ) -> Vec<RevocationId>;
    fn revocation(
        org: OrgId, issuer_key_sha256: &Sha256Digest, serial: &Serial
    ) -> Option<RevokedCertificate>;
    fn is_revoked_anywhere(issuer_key_sha256: &Sha256Digest, serial: &Serial) -> bool;
    fn revocations(org: OrgId, page: &PageRequest) -> Page<RevokedCertificate>;
}
