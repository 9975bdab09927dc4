//! A service whose authority OpenSSL made, a device, and the ledger they leave.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use csr_service::{
    Adoption, Credential, CsrService, CsrServiceBuilder, EnrollmentGrant, Issued, Issuer, NamePolicy,
    Outcome, Profile, ProfileBuilder, ProvenCertificate, Rejection, Request, SanPolicy, SubjectPolicy,
};
use renewal_domain::testing::{MemoryStore, MockClock};
use renewal_domain::{
    ActionFilter, ActionKind, ActionStore, CertificateFilter, Clock, DeviceId, DeviceName, EventFilter,
    FleetStore, OrgId, PageRequest, RenewalEventStore, SystemClock, device,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::workshop::{P256, Workshop};

pub(crate) const ORG: OrgId = OrgId::new(Uuid::nil());

/// A service, and a device named `gateway-1` with the key `device.key`.
pub(crate) struct World {
    pub(crate) workshop: Workshop,
    pub(crate) clock: MockClock,
    store: Arc<MemoryStore>,
    runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_authority(P256)
    }

    /// With an authority whose key is of this kind.
    pub(crate) fn with_authority(kind: &'static str) -> Self {
        let workshop = Workshop::new();
        workshop.key("ca.key", kind);
        workshop.authority("ca", "/O=Works/CN=Test CA");
        workshop.key("device.key", P256);
        // OpenSSL makes certificates that are valid from now on, and the system's clock may be set
        // back by a little between its look at it and ours.
        let clock = MockClock::at(SystemClock.now() + TimeDelta::seconds(2));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { workshop, clock, store: Arc::default(), runtime }
    }

    /// A service that has adopted the authority, as OpenSSL signs with its key too.
    pub(crate) fn builder(&self, profile: ProfileBuilder) -> CsrServiceBuilder {
        let before = self.clock.now() + TimeDelta::days(1);
        self.recording(profile).adopted(Adoption { before, organisation: ORG })
    }

    /// A service that takes no certificate of its authority that it has not recorded.
    pub(crate) fn recording(&self, profile: ProfileBuilder) -> CsrServiceBuilder {
        let (certificate, key) = (self.workshop.read("ca.pem"), self.workshop.read("ca.key"));
        let issuer = Issuer::from_pem(certificate, key, self.clock.now()).unwrap();
        CsrService::builder(issuer, profile.build().unwrap(), self.store.clone())
            .clock(Arc::new(self.clock.clone()))
    }

    pub(crate) fn service(&self) -> CsrService {
        self.builder(profile()).build()
    }

    pub(crate) fn submit(&self, service: &CsrService, csr: &[u8], credential: Credential) -> Outcome {
        let request = Request { csr, credential, lifetime: None, source_address: None };
        self.runtime.block_on(service.submit(ORG, request)).unwrap()
    }

    /// Runs what is asynchronous.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A request for the device, DER.
    pub(crate) fn request(&self) -> Vec<u8> {
        self.workshop.openssl("req -new -key device.key -outform DER")
    }

    /// A certificate of the device that OpenSSL signed with the authority's key, valid for 90 days.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.certificate_of("")
    }

    /// Such a certificate, made with further options of `openssl req`.
    pub(crate) fn certificate_of(&self, options: &str) -> Vec<u8> {
        self.workshop.openssl(&format!("req -new -key device.key -out device.csr {options}"));
        self.signed_with("-extensions device -copy_extensions copyall")
    }

    /// Signs `device.csr` with the authority's key and these options of `openssl x509`.
    pub(crate) fn signed_with(&self, options: &str) -> Vec<u8> {
        self.workshop.openssl(&format!(
            "x509 -req -in device.csr -CA ca.pem -CAkey ca.key -days 90 -extfile openssl.cnf {options}"
        ))
    }

    /// A certificate of the device, valid from and until a time.
    pub(crate) fn dated(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<u8> {
        self.workshop.openssl("req -new -key device.key -out device.csr");
        let time = |time: DateTime<Utc>| time.format("%Y%m%d%H%M%SZ").to_string();
        self.workshop.dated("device.csr", &time(from), &time(until))
    }

    /// The events, oldest first: their types, with the reason of a failure.
    pub(crate) fn story(&self) -> Vec<String> {
        let all = PageRequest::first(renewal_domain::PageSize::MAX);
        let events = self.wait(self.store.list(ORG, &EventFilter::new(), &all)).unwrap().items;
        let tell = |event: &renewal_domain::RenewalEvent| match event.reason() {
            Some(reason) => format!("{}: {reason}", event.event_type()),
            None => event.event_type().to_string(),
        };
        events.iter().rev().map(tell).collect()
    }

    /// The reasons of the enrollments that were permitted and refused, which must be all that was decided
    /// and all that is stored.
    pub(crate) fn refused_enrollments(&self) -> Vec<String> {
        let all = PageRequest::first(renewal_domain::PageSize::MAX);
        let actions = self.wait(self.store.actions(ORG, &ActionFilter::All, &all)).unwrap().items;
        assert!(actions.iter().all(|action| action.kind == ActionKind::EnrollmentRefused), "{actions:?}");
        assert!(self.story().is_empty());
        assert_eq!(self.issued_count(), 0);
        actions.iter().map(|action| action.reason.as_ref().unwrap().to_string()).collect()
    }

    /// How many certificates the device was issued.
    pub(crate) fn issued_count(&self) -> usize {
        let id = DeviceId::of(ORG, &DeviceName::new("gateway-1").unwrap(), device::DEFAULT_PREFIX);
        let page = PageRequest::default();
        self.wait(self.store.certificates(ORG, &CertificateFilter::OfDevice(id), &page)).unwrap().items.len()
    }

    /// No event, no open request, no certificate, of anybody.
    #[track_caller]
    pub(crate) fn assert_nothing_stored(&self) {
        assert_eq!(format!("{:?}", self.store), format!("{:?}", MemoryStore::new()));
    }
}

/// A profile that permits any name, so that what a name must look like is all that stops one.
pub(crate) fn profile() -> ProfileBuilder {
    Profile::builder().names(NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any })
}

pub(crate) fn enrolling() -> Credential {
    Credential::Enrollment(EnrollmentGrant::for_any_device())
}

pub(crate) fn presenting(certificate: &[u8]) -> Credential {
    Credential::Certificate(ProvenCertificate::vouched_for_by_operator(certificate))
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
