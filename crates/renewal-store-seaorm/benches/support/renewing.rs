//! Devices that renew, and a store that keeps nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use csr_service::{
    Credential, CsrService, Issuer, IssuerKey, NewIssuer, Outcome as Signed, Profile, Request,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use renewal_domain::testing::MemoryStore;
use renewal_domain::{
    Answer, CertificateRecord, Clock, Completed, Completion, DeviceId, EventFilter, EventId, IssuanceStore,
    OpenRefusal, OpenRequest, OpenRequestFilter, OpenRules, Opened, OrgId, Page, PageRequest, RenewalEvent,
    RenewalEventStore, RequestId, Serial, StoreError, Stores, SystemClock,
};
use uuid::Uuid;

/// Whose devices they are.
pub(crate) const ORG: OrgId = OrgId::new(Uuid::from_u128(7));

/// An authority of which everything is the default.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer,
    pub(crate) profile: Profile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let now = SystemClock.now();
        let made =
            NewIssuer::builder("Benchmark CA").key(IssuerKey::EcdsaP256).create(now).expect("an authority");
        let issuer = Issuer::from_pem(made.certificate_pem(), made.key_pem(), now).expect("an issuer");
        Self { issuer, profile: Profile::builder().build().expect("a profile") }
    }
}

/// A request for a certificate with this name.
pub(crate) fn request_of(name: &str, key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serialize_request(key).expect("a request").der().to_vec()
}

/// Asks for a certificate, and gets one.
pub(crate) async fn submit(service: &CsrService, csr: &[u8], credential: Credential) -> Vec<u8> {
    match service.submit(ORG, Request { csr, credential, lifetime: None, source_address: None }).await {
        Ok(Signed::Issued(issued)) => issued.certificate.der,
        other => panic!("not issued: {other:?}"),
    }
}

/// Stores of which those that a renewal uses keep nothing.
pub(crate) fn nothing() -> Stores {
    let mut stores: Stores = Arc::new(MemoryStore::new()).into();
    stores.events = Arc::new(Nothing);
    stores.issuance = Arc::new(Nothing);
    stores
}

/// A store that keeps nothing and says that it did.
struct Nothing;

#[async_trait]
impl RenewalEventStore for Nothing {
    async fn create_many(&self, _: OrgId, _: &[RenewalEvent]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        Ok(Page::of(Vec::new(), page, &filter.scope(org), RenewalEvent::position))
    }

    async fn get(&self, _: OrgId, _: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl IssuanceStore for Nothing {
    async fn answer(
        &self,
        _: OrgId,
        _: &OpenRequest,
        _: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        Ok(None)
    }

    async fn open(&self, _: OrgId, _: &OpenRequest, _: &OpenRules) -> Result<Opened, StoreError> {
        Ok(Opened::New { key_used_by: None })
    }

    async fn refusal(
        &self,
        _: OrgId,
        _: &OpenRequest,
        _: &OpenRules,
    ) -> Result<Option<OpenRefusal>, StoreError> {
        Ok(None)
    }

    async fn certificate_used(&self, _: OrgId, _: DeviceId, _: &Serial) -> Result<(), StoreError> {
        Ok(())
    }

    async fn complete(&self, _: OrgId, _: RequestId, _: &Completion) -> Result<Completed, StoreError> {
        Ok(Completed::Recorded)
    }

    async fn open_request(&self, _: OrgId, _: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        Ok(None)
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        Ok(Page::of(Vec::new(), page, &filter.scope(org), |request| request.id().as_uuid()))
    }

    async fn certificate(&self, _: OrgId, _: &Serial) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(None)
    }
}
