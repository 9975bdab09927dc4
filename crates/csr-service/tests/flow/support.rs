//! A service, a clock to set, and devices that ask it for certificates.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use csr_service::{
    Credential, CsrService, CsrServiceBuilder, EnrollmentGrant, Issued, Issuer, NamePolicy, NewIssuer,
    Outcome, Profile, ProfileBuilder, ProvenCertificate, Reason, Rejection, Request, SanPolicy, ServiceError,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use renewal_domain::testing::{MemoryStore, MockClock, predictable_ids};
use renewal_domain::{
    Action, ActionContext, ActionFilter, ActionKind, ActionStore, Actor, CertificateFilter,
    CertificateRecord, Clock, DeviceId, DeviceName, EventFilter, EventType, FleetStore, IssuanceStore,
    OpenRequestFilter, OrgId, PageRequest, RenewalEvent, RenewalEventStore, Stores, device,
};
use uuid::Uuid;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// Who decides in these tests.
pub(crate) fn by() -> ActionContext {
    Actor::CommandLine { user: "alice".into(), host: "desk".into() }.into()
}

pub(crate) const ORG: OrgId = OrgId::new(Uuid::nil());

/// The parts of a service under test, which outlive it.
pub(crate) struct World {
    pub(crate) clock: MockClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) authority: NewIssuer,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = MockClock::default();
        let authority = NewIssuer::builder("Test CA").create(clock.now()).unwrap();
        Self { clock, store: Arc::new(MemoryStore::new()), authority }
    }

    pub(crate) fn issuer(&self) -> Issuer {
        Issuer::from_pem(self.authority.certificate_pem(), self.authority.key_pem(), self.clock.now())
            .unwrap()
    }

    pub(crate) fn builder(&self, profile: ProfileBuilder, stores: impl Into<Stores>) -> CsrServiceBuilder {
        self.builder_for(self.issuer(), profile, stores)
    }

    pub(crate) fn builder_for(
        &self,
        issuer: Issuer,
        profile: ProfileBuilder,
        stores: impl Into<Stores>,
    ) -> CsrServiceBuilder {
        CsrService::builder(issuer, profile.build().unwrap(), stores)
            .clock(Arc::new(self.clock.clone()))
            .ids(predictable_ids(&self.clock))
    }

    pub(crate) fn service(&self) -> CsrService {
        self.service_with(profile())
    }

    pub(crate) fn service_with(&self, profile: ProfileBuilder) -> CsrService {
        self.builder(profile, self.store.clone()).build()
    }

    /// A service with the authority of another world, and a ledger of its own.
    pub(crate) fn same_as(&self, other: &Self) -> CsrService {
        other.builder(profile(), self.store.clone()).build()
    }

    /// The ledger, oldest first.
    pub(crate) async fn events(&self) -> Vec<RenewalEvent> {
        let page = PageRequest::first(renewal_domain::PageSize::MAX);
        let mut events = self.store.list(ORG, &EventFilter::new(), &page).await.unwrap().items;
        events.reverse();
        events
    }

    /// The types of the events, oldest first, with their reasons.
    pub(crate) async fn story(&self) -> Vec<String> {
        let tell = |event: &RenewalEvent| match event.reason() {
            Some(reason) => format!("{}: {reason}", event.event_type()),
            None => event.event_type().to_string(),
        };
        self.events().await.iter().map(tell).collect()
    }

    /// What was decided, oldest first.
    pub(crate) async fn actions(&self) -> Vec<Action> {
        let page = PageRequest::first(renewal_domain::PageSize::MAX);
        let mut actions = self.store.actions(ORG, &ActionFilter::All, &page).await.unwrap().items;
        actions.reverse();
        actions
    }

    /// The kinds of what was decided, oldest first.
    pub(crate) async fn action_kinds(&self) -> Vec<ActionKind> {
        self.actions().await.iter().map(|action| action.kind).collect()
    }

    pub(crate) async fn certificates(&self, device: &Device) -> Vec<CertificateRecord> {
        self.store
            .certificates(ORG, &CertificateFilter::OfDevice(device.id()), &PageRequest::default())
            .await
            .unwrap()
            .items
    }

    pub(crate) async fn open_requests(&self) -> usize {
        let filter = OpenRequestFilter::default();
        self.store.open_requests(ORG, &filter, &PageRequest::default()).await.unwrap().items.len()
    }

    /// The promises that hold whatever happened: no success without its certificate, no
    /// attempt with two ends, no certificate without its event.
    pub(crate) async fn assert_consistent(&self, devices: &[&Device]) {
        let events = self.events().await;
        let mut successes: Vec<_> = events
            .iter()
            .filter(|event| {
                matches!(event.event_type(), EventType::RenewalSuccess | EventType::RecoverySuccess)
            })
            .map(RenewalEvent::attempt_id)
            .collect();
        let mut certificates = Vec::new();
        for device in devices {
            certificates
                .extend(self.certificates(device).await.iter().filter_map(CertificateRecord::attempt_id));
        }
        successes.sort();
        certificates.sort();
        assert_eq!(successes, certificates);
    }

    /// Every start has exactly one end, and nothing is open.
    pub(crate) async fn assert_all_ended(&self) {
        assert_eq!(self.open_requests().await, 0);
        let events = self.events().await;
        for start in events.iter().filter(|event| event.id() == event.attempt_id().into()) {
            let ends = events.iter().filter(|e| e.attempt_id() == start.attempt_id() && e.id() != start.id());
            assert_eq!(ends.count(), 1, "{start:?}");
        }
    }
}

pub(crate) fn profile() -> ProfileBuilder {
    let san = SanPolicy::from_patterns(["DNS:{cn}.example"]).unwrap();
    Profile::builder().lifetime(90 * DAY).names(NamePolicy { san, ..NamePolicy::default() })
}

/// A device: a key and a name.
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) key: KeyPair,
    pub(crate) san: Vec<String>,
}

impl Device {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: KeyPair::generate().unwrap(),
            san: vec![format!("{name}.example")],
        }
    }

    pub(crate) fn id(&self) -> DeviceId {
        DeviceId::of(ORG, &DeviceName::new(self.name.as_str()).unwrap(), device::DEFAULT_PREFIX)
    }

    pub(crate) fn csr(&self) -> Vec<u8> {
        csr(&self.name, &self.san, &self.key)
    }

    pub(crate) fn rekeyed(&self) -> Self {
        Self { name: self.name.clone(), key: KeyPair::generate().unwrap(), san: self.san.clone() }
    }

    pub(crate) fn clone_key(&self) -> Self {
        let key = KeyPair::from_pem(&self.key.serialize_pem()).unwrap();
        Self { name: self.name.clone(), key, san: self.san.clone() }
    }

    pub(crate) fn with_san(&self, san: &[&str]) -> Self {
        let key = KeyPair::from_pem(&self.key.serialize_pem()).unwrap();
        Self { name: self.name.clone(), key, san: san.iter().map(ToString::to_string).collect() }
    }

    pub(crate) async fn enroll(&self, service: &CsrService) -> CertificateRecord {
        let outcome = self.ask_to_enroll(service).await.unwrap();
        issued(outcome).certificate
    }

    pub(crate) async fn ask_to_enroll(&self, service: &CsrService) -> Result<Outcome, ServiceError> {
        submit(service, &self.csr(), Credential::Enrollment(EnrollmentGrant::for_any_device())).await
    }

    pub(crate) async fn renew(
        &self,
        service: &CsrService,
        current: &CertificateRecord,
    ) -> Result<Outcome, ServiceError> {
        submit(service, &self.csr(), presenting(&current.der)).await
    }
}

pub(crate) fn csr(name: &str, san: &[String], key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(san.to_vec()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serialize_request(key).unwrap().der().to_vec()
}

pub(crate) fn presenting(certificate: &[u8]) -> Credential {
    Credential::Certificate(ProvenCertificate::proven_by_tls_handshake(certificate))
}

pub(crate) async fn submit(
    service: &CsrService,
    csr: &[u8],
    credential: Credential,
) -> Result<Outcome, ServiceError> {
    service.submit(ORG, Request { csr, credential, lifetime: None, source_address: None }).await
}

#[track_caller]
pub(crate) fn issued(outcome: Outcome) -> Issued {
    match outcome {
        Outcome::Issued(issued) => *issued,
        other => panic!("not issued: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn rejected(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_rejected(outcome: Result<Outcome, ServiceError>, reason: Reason) {
    assert_eq!(rejected(outcome.unwrap()).reason(), reason);
}

pub(crate) fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}
