//! A server under test: its authorities, its store, its clock, its files.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use csr_service::{
    ApprovalMode, CsrService, CsrServiceBuilder, DeviceIssuer, EnrollmentGrant, Issuer, NewIssuer, Profile,
    ProfileBuilder,
};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};
use renewal_domain::testing::{MockClock, predictable_ids};
use renewal_domain::{
    ActionContext, Actor, Clock, DeviceName, EventFilter, FleetStore, Intercepted, IssuanceStore,
    OpenRequestFilter, OrgId, PageRequest, PageSize, RenewalEventStore, RequestKind, StoreError, SystemClock,
};
use renewal_server::{
    AttemptLimits, EnrollmentAuthority, Est, EstBuilder, EstServer, Limits, Metrics, ServerCertificate,
    Stopped,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::store::{Switches, TestStore};

pub(crate) const ORG: OrgId = OrgId::new(Uuid::from_u128(1));
pub(crate) const OTHER_ORG: OrgId = OrgId::new(Uuid::from_u128(2));
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The password that [`Tokens`] takes for any user; the user is the name permitted to enroll.
pub(crate) const TOKEN: &str = "s3cret-t0ken";

/// Somebody at the command line.
pub(crate) fn root() -> ActionContext {
    Actor::CommandLine { user: "root".into(), host: "ca".into() }.into()
}

/// A password that is the user's own.
pub(crate) fn own_token(user: &str) -> String {
    format!("{TOKEN}-of-{user}")
}

/// What a server is made of; the parts can be changed before it starts.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) clock: MockClock,
    pub(crate) store: TestStore,
    pub(crate) metrics: Metrics,
    pub(crate) authority: NewIssuer,
    pub(crate) profile: ProfileBuilder,
    pub(crate) limits: Limits,
    pub(crate) device_issuers: Vec<DeviceIssuer>,
    /// In place of `authority`.
    pub(crate) issuer: Option<Issuer>,
    server_authority: Authority,
}

/// A server that runs until it is stopped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) service: CsrService,
    pub(crate) certificate: Arc<ServerCertificate>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Stopped>,
}

/// An authority of the tests, which signs whatever is asked for.
pub(crate) struct Authority {
    key: KeyPair,
    params: CertificateParams,
    pub(crate) pem: String,
}

/// Every user whose password is [`TOKEN`] or [`own_token`] may enroll the device of the user's
/// name; and the user `*` any device.
pub(crate) struct Tokens(pub(crate) Arc<Intercepted<Switches>>);

#[async_trait]
impl EnrollmentAuthority for Tokens {
    async fn grant(
        &self,
        _org: OrgId,
        user: &str,
        password: &str,
    ) -> Result<Option<EnrollmentGrant>, StoreError> {
        self.0.check().await?;
        Ok(match DeviceName::new(user) {
            _ if password != TOKEN && password != own_token(user) => None,
            Ok(_) if user == "*" => Some(EnrollmentGrant::for_any_device()),
            Ok(name) => Some(EnrollmentGrant::for_device(name)),
            Err(_) => None,
        })
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = MockClock::at(SystemClock.now());
        let world = Self {
            directory: tempfile::Builder::new().prefix("renewal-est-").tempdir().unwrap(),
            store: TestStore::new(),
            metrics: Metrics::new(&clock),
            authority: NewIssuer::builder("Device CA").create(clock.now()).unwrap(),
            profile: Profile::builder().lifetime(90 * DAY),
            limits: Limits::default(),
            device_issuers: Vec::new(),
            issuer: None,
            server_authority: Authority::new("Server CA"),
            clock,
        };
        fs::write(world.path("server-ca.pem"), &world.server_authority.pem).unwrap();
        world.write_server_certificate("localhost");
        world
    }

    pub(crate) fn approving_manually(mut self, kind: RequestKind) -> Self {
        self.profile = self.profile.approval(kind, ApprovalMode::Manual);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a new server certificate and key, for this name and the loopback address.
    pub(crate) fn write_server_certificate(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = cn(name);
        let (from, until) = around(SystemClock.now());
        (params.not_before, params.not_after) = (from, until);
        fs::write(self.path("server.pem"), self.server_authority.sign(&params, &key).pem()).unwrap();
        fs::write(self.path("server.key"), key.serialize_pem()).unwrap();
    }

    pub(crate) fn service(&self) -> CsrService {
        let now = self.clock.now();
        let own =
            || Issuer::from_pem(self.authority.certificate_pem(), self.authority.key_pem(), now).unwrap();
        let issuer = self.issuer.clone().unwrap_or_else(own);
        let store = Arc::new(self.metrics.watch_store(self.store.switched.clone()));
        let builder = CsrService::builder(issuer, self.profile.clone().build().unwrap(), store)
            .clock(Arc::new(self.clock.clone()))
            .ids(predictable_ids(&self.clock))
            .observer(Arc::new(self.metrics.clone()));
        self.device_issuers.iter().cloned().fold(builder, CsrServiceBuilder::device_issuer).build()
    }

    /// The operations with tokens, and with limits of attempts that no test meets by chance.
    pub(crate) fn est(&self, service: CsrService) -> EstBuilder {
        let plenty = AttemptLimits { per_device: 1_000, per_address: 1_000, ..AttemptLimits::default() };
        Est::builder(service, ORG)
            .label("other", OTHER_ORG)
            .enrollment_authority(Arc::new(Tokens(self.store.switched.clone())))
            .attempt_limits(plenty)
            .clock(Arc::new(self.clock.clone()))
            .metrics(self.metrics.clone())
    }

    pub(crate) async fn start(&self) -> Server {
        self.start_with(|est| est).await
    }

    /// Starts a server whose operations are changed first.
    pub(crate) async fn start_with(&self, change: impl FnOnce(EstBuilder) -> EstBuilder) -> Server {
        let service = self.service();
        let est = change(self.est(service.clone())).build().unwrap();
        let certificate = ServerCertificate::from_files(
            self.path("server.pem"),
            self.path("server.key"),
            Arc::new(SystemClock),
        );
        let certificate = Arc::new(certificate.unwrap());
        let anywhere = ([127, 0, 0, 1], 0).into();
        let server = EstServer::bind(anywhere, est, certificate.clone(), self.limits).await.unwrap();
        let address = server.local_address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.serve(async {
            let _: Result<(), _> = stopped.await;
        }));
        Server { address, service, certificate, stop, running }
    }

    /// The types of the events of the organisation, oldest first, with their reasons.
    pub(crate) async fn story(&self) -> Vec<String> {
        self.story_of(ORG).await
    }

    pub(crate) async fn story_of(&self, org: OrgId) -> Vec<String> {
        let page = PageRequest::first(PageSize::MAX);
        let events = self.store.inner.list(org, &EventFilter::new(), &page).await.unwrap().items;
        let tell = |event: &renewal_domain::RenewalEvent| match event.reason() {
            Some(reason) => format!("{}: {reason}", event.event_type()),
            None => event.event_type().to_string(),
        };
        events.iter().rev().map(tell).collect()
    }

    /// How many requests are open.
    pub(crate) async fn open_requests(&self) -> Vec<renewal_domain::OpenRequest> {
        let filter = OpenRequestFilter::default();
        let page = self.store.inner.open_requests(ORG, &filter, &PageRequest::default()).await;
        page.unwrap().items
    }
}

impl Server {
    /// Stops the server, and waits until it has ended.
    pub(crate) async fn stop(self) -> Stopped {
        self.stop.send(()).unwrap();
        self.running.await.unwrap()
    }

    /// Tells the server to stop; the handle ends when it has.
    pub(crate) fn begin_to_stop(self) -> JoinHandle<Stopped> {
        self.stop.send(()).unwrap();
        self.running
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::with_key(name, KeyPair::generate().unwrap())
    }

    pub(crate) fn with_key(name: &str, key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = cn(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let (from, until) = around(SystemClock.now());
        (params.not_before, params.not_after) = (from, until);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { key, params, pem }
    }

    pub(crate) fn sign(&self, params: &CertificateParams, key: &KeyPair) -> rcgen::Certificate {
        params.signed_by(key, &rcgen::Issuer::from_params(&self.params, &self.key)).unwrap()
    }

    /// A certificate of this name for a TLS client, valid for ten years from yesterday.
    pub(crate) fn client_certificate(&self, name: &str, key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = cn(name);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = around(SystemClock.now());
        self.sign(&params, key).der().to_vec()
    }
}

pub(crate) fn cn(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn around(now: DateTime<Utc>) -> (OffsetDateTime, OffsetDateTime) {
    let at = |time: DateTime<Utc>| OffsetDateTime::from_unix_timestamp(time.timestamp()).unwrap();
    (at(now - TimeDelta::days(1)), at(now + TimeDelta::days(3_650)))
}
