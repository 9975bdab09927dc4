//! A server under test: its store, its clock, its tokens, and devices that come to it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use csr_service::{
    ApprovalMode, Credential, CsrService, CsrServiceBuilder, DeviceIssuer, EnrollmentGrant, Issuer,
    NewIssuer, Outcome, Profile, ProfileBuilder, ProvenCertificate, Request,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use renewal_domain::testing::{MockClock, predictable_ids};
use renewal_domain::{
    ActionContext, Actor, ApiRole, CertificateRecord, Clock, DeviceId, DeviceName, OrgId, RequestKind,
};
use renewal_server::{Api, ApiServer, Limits, Stopped};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::Client;
use crate::store::TestStore;

pub(crate) const ORG: OrgId = OrgId::new(Uuid::from_u128(1));
pub(crate) const OTHER_ORG: OrgId = OrgId::new(Uuid::from_u128(2));

/// Where the requests of devices come from.
pub(crate) const SOURCE: &str = "192.0.2.7";
const DAY: Duration = Duration::from_hours(24);

/// What a server is made of.
pub(crate) struct World {
    pub(crate) clock: MockClock,
    pub(crate) store: TestStore,
    pub(crate) limits: Limits,
    pub(crate) device_issuers: Vec<DeviceIssuer>,
    authority: NewIssuer,
    profile: ProfileBuilder,
}

/// A server that runs until it is stopped, and clients with tokens of [`ORG`].
pub(crate) struct Server {
    pub(crate) service: CsrService,
    pub(crate) administrator: Client,
    pub(crate) operator: Client,
    pub(crate) approver: Client,
    pub(crate) viewer: Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Stopped>,
}

/// A device of [`ORG`], and the certificate that it has.
pub(crate) struct Device {
    name: String,
    key: KeyPair,
    certificate: CertificateRecord,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = MockClock::default();
        Self {
            store: TestStore::new(),
            limits: Limits::default(),
            device_issuers: Vec::new(),
            authority: NewIssuer::builder("Device CA").create(clock.now()).unwrap(),
            profile: Profile::builder().lifetime(90 * DAY),
            clock,
        }
    }

    pub(crate) fn approving_renewals_manually(mut self) -> Self {
        self.profile = self.profile.approval(RequestKind::Renewal, ApprovalMode::Manual);
        self
    }

    pub(crate) fn approving_enrollments_manually(mut self) -> Self {
        self.profile = self.profile.approval(RequestKind::Enrollment, ApprovalMode::Manual);
        self
    }

    pub(crate) async fn start(&self) -> Server {
        self.start_with(|api| api).await
    }

    /// Starts a server whose API is changed first.
    pub(crate) async fn start_with(&self, change: impl FnOnce(Api) -> Api) -> Server {
        let (certificate, key) = (self.authority.certificate_pem(), self.authority.key_pem());
        let issuer = Issuer::from_pem(certificate, key, self.clock.now()).unwrap();
        let profile = self.profile.clone().build().unwrap();
        let service = CsrService::builder(issuer, profile, self.store.switched.clone())
            .clock(Arc::new(self.clock.clone()))
            .ids(predictable_ids(&self.clock));
        let service = self.device_issuers.iter().cloned().fold(service, CsrServiceBuilder::device_issuer);
        let service = service.build();
        let api = change(Api::new(service.clone()));
        let server = ApiServer::bind(([127, 0, 0, 1], 0).into(), api, self.limits).await.unwrap();
        let anybody = Client { address: server.local_address(), token: None };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.serve(async {
            let _: Result<(), _> = stopped.await;
        }));
        let mut clients = Vec::new();
        for role in ApiRole::ALL {
            clients.push(anybody.with(Some(&token(&service, ORG, role).await)));
        }
        let [viewer, approver, operator, administrator] = clients.try_into().ok().unwrap();
        Server { service, administrator, operator, approver, viewer, stop, running }
    }
}

/// Somebody at the command line.
pub(crate) fn root() -> ActionContext {
    Actor::CommandLine { user: "root".into(), host: "ca".into() }.into()
}

/// The text of a new token.
pub(crate) async fn token(service: &CsrService, org: OrgId, role: ApiRole) -> String {
    let (secret, _) = service.new_api_token(org, role.as_str(), role, None, &root()).await.unwrap();
    secret.reveal().to_owned()
}

impl Server {
    /// Tells the server to stop; the handle ends when it has.
    pub(crate) fn begin_to_stop(self) -> JoinHandle<Stopped> {
        self.stop.send(()).unwrap();
        self.running
    }
}

impl Device {
    /// A device that has enrolled.
    pub(crate) async fn enrolled(server: &Server, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
        match ask(server, &key, name, credential).await {
            Outcome::Issued(issued) => Self { name: name.to_owned(), key, certificate: issued.certificate },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn id(&self, server: &Server) -> DeviceId {
        server.service.device_id(ORG, &DeviceName::new(self.name.clone()).unwrap())
    }

    pub(crate) const fn certificate(&self) -> &CertificateRecord {
        &self.certificate
    }

    /// Asks for a new certificate with the one it has.
    pub(crate) async fn renew(&mut self, server: &Server) -> Outcome {
        let name = self.name.clone();
        let outcome = self.renew_as(server, &name).await;
        if let Outcome::Issued(issued) = &outcome {
            self.certificate = issued.certificate.clone();
        }
        outcome
    }

    /// Asks for a certificate of another name, which is refused.
    pub(crate) async fn fail(&self, server: &Server) {
        assert!(matches!(self.renew_as(server, "another").await, Outcome::Rejected(_)));
    }

    async fn renew_as(&self, server: &Server, name: &str) -> Outcome {
        let der = self.certificate().der.clone();
        let credential = Credential::Certificate(ProvenCertificate::vouched_for_by_operator(der));
        ask(server, &self.key, name, credential).await
    }
}

/// Asks for a new certificate with another one (PEM).
pub(crate) async fn renew_with(server: &Server, key: &KeyPair, name: &str, certificate: &str) -> Outcome {
    let credential = ProvenCertificate::vouched_for_by_operator(certificate.as_bytes());
    ask(server, key, name, Credential::Certificate(credential)).await
}

/// A device that has no key yet asks for its first certificate.
pub(crate) async fn enroll(server: &Server, name: &str, credential: Credential) -> Outcome {
    ask(server, &KeyPair::generate().unwrap(), name, credential).await
}

async fn ask(server: &Server, key: &KeyPair, name: &str, credential: Credential) -> Outcome {
    ask_for(server, key, request_for(name), credential).await
}

/// A request for a certificate of this name.
pub(crate) fn request_for(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Asks for what is in `params`, from an address of documentation.
pub(crate) async fn ask_for(
    server: &Server,
    key: &KeyPair,
    params: CertificateParams,
    credential: Credential,
) -> Outcome {
    let csr = params.serialize_request(key).unwrap().der().to_vec();
    let source_address = Some(SOURCE.parse().unwrap());
    let request = Request { csr: &csr, credential, lifetime: None, source_address };
    server.service.submit(ORG, request).await.unwrap()
}

/// An instant as JSON has it.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A path in the organisation of the tests.
pub(crate) fn path(rest: &str) -> String {
    format!("/api/v1/organisations/{ORG}/{rest}")
}

pub(crate) const fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}
