//! The store traits. Every method takes the organisation first, and finds nothing of another.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Action, ActionStore, ApiTokenId, ApiTokenStore, BlockStore, CertificateRecord, Completion, DeviceId,
    DeviceName, EnrollmentToken, EventFilter, EventId, FleetStore, OpenRefusal, OpenRequest, OpenRules,
    OrgId, Page, PageRequest, RenewalEvent, RequestId, RequestState, RetentionStore, RevocationStore, Serial,
    Sha256Digest, StoreError, TokenId,
};

/// The ledger: events, appended and read, never changed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RenewalEventStore: Send + Sync {
    /// Appends an event. Appending one that is there already is no error and writes
    /// nothing, so that a write whose answer was lost can be repeated.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id exists with other content, when the attempt
    /// has a start or an end already, or when the event is of another organisation.
    async fn create(&self, org: OrgId, event: &RenewalEvent) -> Result<(), StoreError> {
        self.create_many(org, std::slice::from_ref(event)).await
    }

    /// Appends events, all of them or none.
    ///
    /// # Errors
    /// As [`create`](Self::create), if one of them is at fault.
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError>;

    /// Reads a page of the events that the filter lets through, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError>;

    /// Reads one event; none if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError>;
}

/// What the same request got before. Two requests are the same when device, CSR and the
/// serial number of the presented certificate are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is open: somebody is signing it, or it is pending.
    Open(Box<OpenRequest>),
    /// It was answered with this certificate, which is still good.
    Issued(Box<CertificateRecord>),
}

/// What became of a request that was to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is recorded, and with it the start event.
    New {
        /// Another device that has a certificate with the same key, under [`KeyReuse::Warn`](crate::KeyReuse).
        key_used_by: Option<DeviceName>,
    },
    /// The same request has an answer already; nothing was written.
    Answered(Answer),
    /// It may not be opened; nothing was written.
    Refused(OpenRefusal),
}

/// What became of a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completed {
    /// It is recorded: the request has ended with it.
    Recorded,
    /// The request has ended otherwise before. Nothing of this completion is recorded,
    /// and its certificate must not leave the process.
    TooLate,
    /// The token that permits the enrollment was used or revoked meanwhile. Nothing is
    /// recorded, and the request is still open.
    TokenUnusable,
    /// Another device of the organisation, of this name, has got a certificate with the same key
    /// meanwhile, and the completion is [not to be recorded](Completion::refusing_key_in_use) then. Nothing
    /// is recorded, and the request is still open.
    KeyInUse(DeviceName),
}

/// Which open requests to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenRequestFilter {
    /// Only those that wait for this.
    pub state: Option<RequestState>,
    /// Only those opened before this instant.
    pub opened_before: Option<DateTime<Utc>>,
    /// Only those of this device, which are looked for one by one: few are open at a time.
    pub device: Option<DeviceId>,
    /// Only attempts, and no enrollments.
    pub attempts_only: bool,
}

/// The working set and its outcome: requests being worked on, certificates issued.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IssuanceStore: Send + Sync {
    /// Finds what the same request got before: an open request, or else the newest
    /// certificate that is [good](CertificateRecord::is_good_at) at `now`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError>;

    /// Opens a request: its row and its start event, in one transaction, before anything
    /// is signed. If [`OpenRules::check`] refuses it, by what the organisation's ledger has, nothing is
    /// written. If the same request has an [`answer`](Self::answer), nothing is written
    /// and that answer is returned: of two that come at once only one is new. A new one is refused, if
    /// the rules say so, when another device of the organisation has a certificate with its key that is
    /// [good](CertificateRecord::is_good_at).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is in use, or the request is of another organisation.
    async fn open(&self, org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Result<Opened, StoreError>;

    /// Why a request, open or not, would not be opened now; none if nothing speaks against it. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row breaks the model's rules.
    async fn refusal(
        &self,
        org: OrgId,
        request: &OpenRequest,
        rules: &OpenRules,
    ) -> Result<Option<OpenRefusal>, StoreError>;

    /// Records that a device has used its latest certificate, if it is this one: for attempts that are
    /// refused without being opened.
    ///
    /// # Errors
    /// Those of the database.
    async fn certificate_used(&self, org: OrgId, device: DeviceId, serial: &Serial)
    -> Result<(), StoreError>;

    /// Ends a request: deletes its row, writes the certificate and the event, and uses the
    /// token that permits the enrollment, in one transaction. The certificate becomes the device's
    /// [current](crate::FleetStore) one, unless that answers a later request. Of completions that
    /// race, one is recorded and the others are too late.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the serial number is in use, or the request is of
    /// another organisation; the request stays open then, as after any other error, unless
    /// the error hides a success: after [`StoreError::Unavailable`] either can be.
    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError>;

    /// Reads an open request; none if it has ended or never was.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError>;

    /// Reads a page of the open requests, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError>;

    /// Reads a certificate; none if it was not issued here.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn certificate(&self, org: OrgId, serial: &Serial)
    -> Result<Option<CertificateRecord>, StoreError>;
}

/// The tokens with which devices enroll.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EnrollmentTokenStore: Send + Sync {
    /// Records a new token, and the action with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id or secret is in use, or it is of another organisation.
    async fn create_enrollment_token(
        &self,
        org: OrgId,
        token: &EnrollmentToken,
        action: &Action,
    ) -> Result<(), StoreError>;

    /// Reads one token; none if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn enrollment_token(&self, org: OrgId, id: TokenId) -> Result<Option<EnrollmentToken>, StoreError>;

    /// Finds the token with this secret; none if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn enrollment_token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError>;

    /// Reads a page of the tokens, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn enrollment_tokens(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError>;

    /// Reads a page of the tokens that were made with a token of the HTTP API, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn enrollment_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError>;

    /// Revokes a token, records the action with it, and returns the token as it is afterwards: one that
    /// was used or revoked stays as it was, and no action is recorded. None if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<EnrollmentToken>, StoreError>;
}

/// A store, by all its traits.
#[derive(Clone)]
pub struct Stores {
    /// The ledger.
    pub events: Arc<dyn RenewalEventStore>,
    /// The working set and the certificates.
    pub issuance: Arc<dyn IssuanceStore>,
    /// The tokens with which devices enroll.
    pub enrollment_tokens: Arc<dyn EnrollmentTokenStore>,
    /// The fleet as it is now.
    pub fleet: Arc<dyn FleetStore>,
    /// The tokens of operators.
    pub api_tokens: Arc<dyn ApiTokenStore>,
    /// How the store prunes history.
    pub retention: Arc<dyn RetentionStore>,
    /// Who did what.
    pub actions: Arc<dyn ActionStore>,
    /// Who gets no certificates.
    pub blocks: Arc<dyn BlockStore>,
    /// What is revoked.
    pub revocations: Arc<dyn RevocationStore>,
}

impl<S> From<Arc<S>> for Stores
where
    S: RenewalEventStore
        + IssuanceStore
        + EnrollmentTokenStore
        + FleetStore
        + ApiTokenStore
        + RetentionStore
        + ActionStore
        + BlockStore
        + RevocationStore
        + 'static,
{
    fn from(store: Arc<S>) -> Self {
        Self {
            events: store.clone(),
            issuance: store.clone(),
            enrollment_tokens: store.clone(),
            fleet: store.clone(),
            api_tokens: store.clone(),
            retention: store.clone(),
            actions: store.clone(),
            blocks: store.clone(),
            revocations: store,
        }
    }
}

impl OpenRequestFilter {
    /// Whether the filter lets the request through: the definition that every store follows.
    #[must_use]
    pub fn matches(&self, request: &OpenRequest) -> bool {
        self.state.is_none_or(|state| state == request.state())
            && self.opened_before.is_none_or(|before| request.opened_at() < before)
            && self.device.is_none_or(|device| device == request.device_id())
            && (!self.attempts_only || request.attempt_id().is_some())
    }

    /// What a cursor of this listing belongs to. The age limit moves with the clock, so
    /// it is not part of it.
    #[must_use]
    pub fn scope(&self, org: OrgId) -> crate::Scope {
        let mut scope = crate::Scope::of("open-requests", org);
        scope.add("state", self.state.map(RequestState::as_str));
        scope.add("device", self.device);
        scope.add("attempts_only", Some(self.attempts_only));
        scope
    }
}
