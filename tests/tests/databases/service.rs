//! The signing service on each real database: its story, many devices at once, callers that give
//! up, and a database that dies in mid-flow.

use csr_service::{
    Credential, CsrService, EnrollmentGrant, Issuer, NewIssuer, Outcome, Profile, ProvenCertificate, Request,
    ServiceError,
};
use futures::future::join_all;
use libtest_mimic::Trial;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use renewal_domain::testing::MockClock;
use renewal_domain::{
    CertificateFilter, CertificateRecord, Clock, DeviceId, DeviceName, EventFilter, FleetStore,
    IssuanceStore, OpenRequestFilter, OrgId, PageRequest, PageSize, RenewalEvent, RenewalEventStore, Stage,
};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore, connect};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tests::{Backend, Backends, Context, ServerOptions};
use uuid::Uuid;

const ORG: OrgId = OrgId::new(Uuid::from_u128(7));

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            a_device_renews_recovers_and_is_refused,
            many_devices_renew_at_once,
            callers_that_give_up_at_any_moment_leave_every_attempt_ended,
        ]
    );
    trials.extend(tests::trials!(backends, Backend::SERVERS, [a_database_killed_in_mid_flow_loses_nothing]));
    trials
}

async fn a_device_renews_recovers_and_is_refused(cx: Context) {
    let database = cx.fresh_database().await;
    let world = World::on(database.url()).await;
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service).await;
    let second = issued(device.present(&world.service, &first).await.unwrap());
    let impostor = Device::named("gateway-2").present(&world.service, &first).await.unwrap();
    assert!(matches!(impostor, Outcome::Rejected(_)), "{impostor:?}");
    world.clock.set(second.not_after + chrono::TimeDelta::days(3));
    let third = issued(device.present(&world.service, &second).await.unwrap());
    world.clock.set(third.not_after + chrono::TimeDelta::days(300));
    let late = device.present(&world.service, &third).await.unwrap();
    assert!(matches!(late, Outcome::Rejected(_)), "{late:?}");
    let story: Vec<_> = world.events().await.iter().map(|event| event.event_type().as_str()).collect();
    assert_eq!(
        story,
        [
            "renewal_start",
            "renewal_success",
            "renewal_start",
            "renewal_failed",
            "recovery_start",
            "recovery_success",
            "recovery_start",
            "recovery_failed",
        ]
    );
    world.assert_sound(&[device]).await;
}

async fn many_devices_renew_at_once(cx: Context) {
    let database = cx.fresh_database().await;
    let world = World::on(database.url()).await;
    let devices: Vec<_> = (0..64).map(|n| Device::named(&format!("gateway-{n}"))).collect();
    let first = join_all(devices.iter().map(|device| device.enroll(&world.service))).await;
    let renewals =
        devices.iter().zip(&first).map(|(device, current)| device.present(&world.service, current));
    for outcome in join_all(renewals).await {
        issued(outcome.unwrap());
    }
    assert_eq!(world.events().await.len(), 128);
    world.assert_sound(&devices).await;
}

async fn callers_that_give_up_at_any_moment_leave_every_attempt_ended(cx: Context) {
    let database = cx.fresh_database().await;
    let world = World::on(database.url()).await;
    let mut devices = Vec::new();
    for micros in (0..40).map(|n| n * n * 10) {
        let device = Device::named(&format!("gateway-{micros}"));
        let first = device.enroll(&world.service).await;
        let patience = Duration::from_micros(micros);
        let _given_up = tokio::time::timeout(patience, device.present(&world.service, &first)).await;
        devices.push(device);
    }
    // What had begun goes on to its end by itself.
    world.settled().await;
    world.assert_sound(&devices).await;
}

async fn a_database_killed_in_mid_flow_loses_nothing(cx: Context) {
    let server = Backends::private_server(cx.backend(), ServerOptions { durable: true });
    let database = server.fresh_database().await;
    let world = World::on(database.url()).await;
    let devices: Vec<_> = (0..24).map(|n| Device::named(&format!("gateway-{n}"))).collect();
    let mut current = join_all(devices.iter().map(|device| device.enroll(&world.service))).await;

    for round in 0..3 {
        let kill = {
            let server = Arc::clone(&server);
            tokio::task::spawn_blocking(move || {
                std::thread::sleep(Duration::from_millis(5 + 15 * round));
                server.kill();
                server.restart();
            })
        };
        let renewals =
            devices.iter().zip(&current).map(|(device, current)| device.present(&world.service, current));
        let outcomes = join_all(renewals).await;
        kill.await.unwrap();
        for (outcome, current) in outcomes.into_iter().zip(&mut current) {
            match outcome {
                Ok(outcome) => *current = issued(outcome),
                Err(ServiceError::Store(_) | ServiceError::EndedMeanwhile(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        // Whatever was released is there, after the crash.
        for certificate in &current {
            let stored = eventually(|| world.store.certificate(ORG, &certificate.serial)).await;
            assert_eq!(stored.as_ref(), Some(certificate));
        }
    }
    world.clock.advance(chrono::TimeDelta::hours(1));
    eventually(|| world.service.reconcile(ORG)).await;
    world.assert_sound(&devices).await;
    for (device, current) in devices.iter().zip(&current) {
        // Groups go over a connection of their own, which nobody may have used since the crash.
        issued(device.present(&world.service, current).await.unwrap());
    }
}

/// A service on a database, and a clock to set.
struct World {
    clock: MockClock,
    store: Arc<SeaOrmStore>,
    service: CsrService,
}

impl World {
    async fn on(url: &str) -> Self {
        let clock = MockClock::default();
        let options = ConnectOptions::new().acquire_timeout(Duration::from_secs(3));
        let store = Arc::new(connect(url, options).await.unwrap());
        let authority = NewIssuer::builder("Test CA").create(clock.now()).unwrap();
        let issuer = Issuer::from_pem(authority.certificate_pem(), authority.key_pem(), clock.now()).unwrap();
        let service = CsrService::builder(issuer, Profile::builder().build().unwrap(), store.clone())
            .clock(Arc::new(clock.clone()))
            .build();
        Self { clock, store, service }
    }

    async fn events(&self) -> Vec<RenewalEvent> {
        let (mut all, mut page) = (Vec::new(), PageRequest::first(PageSize::MAX));
        loop {
            let found = self.store.list(ORG, &EventFilter::new(), &page).await.unwrap();
            all.extend(found.items);
            let Some(next) = found.next else { break };
            page = PageRequest::resume(PageSize::MAX, &EventFilter::new().scope(ORG), next).unwrap();
        }
        all.reverse();
        all
    }

    async fn open_requests(&self) -> usize {
        let filter = OpenRequestFilter::default();
        self.store.open_requests(ORG, &filter, &PageRequest::default()).await.unwrap().items.len()
    }

    /// Waits until nothing is open, nor becomes so: a request whose caller gave up early may have
    /// yet to be opened.
    async fn settled(&self) {
        let mut quiet = 0;
        for _ in 0..200 {
            quiet = if self.open_requests().await == 0 { quiet + 1 } else { 0 };
            if quiet == 10 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every start has exactly one end, every success its certificate, and the other way round.
    async fn assert_sound(&self, devices: &[Device]) {
        assert_eq!(self.open_requests().await, 0);
        let mut ends: HashMap<_, Vec<_>> = HashMap::new();
        for event in self.events().await {
            let ends = ends.entry(event.attempt_id()).or_default();
            ends.extend((event.stage() != Stage::Start).then_some(event));
        }
        let mut successes = Vec::new();
        for (attempt, ends) in ends {
            assert_eq!(ends.len(), 1, "{attempt}: {ends:?}");
            successes.extend(ends.iter().filter(|e| e.stage() == Stage::Success).map(|_| attempt));
        }
        let mut certified = Vec::new();
        for device in devices {
            let page = PageRequest::first(PageSize::MAX);
            let filter = CertificateFilter::OfDevice(device.id());
            let certificates = self.store.certificates(ORG, &filter, &page).await.unwrap();
            certified.extend(certificates.items.iter().filter_map(CertificateRecord::attempt_id));
        }
        successes.sort();
        certified.sort();
        assert_eq!(successes, certified);
    }
}

struct Device {
    name: DeviceName,
    key: KeyPair,
}

impl Device {
    fn named(name: &str) -> Self {
        Self { name: DeviceName::new(name).unwrap(), key: KeyPair::generate().unwrap() }
    }

    fn id(&self) -> DeviceId {
        DeviceId::of(ORG, &self.name, renewal_domain::device::DEFAULT_PREFIX)
    }

    async fn enroll(&self, service: &CsrService) -> CertificateRecord {
        let grant = Credential::Enrollment(EnrollmentGrant::for_device(self.name.clone()));
        issued(self.submit(service, grant).await.unwrap())
    }

    async fn present(
        &self,
        service: &CsrService,
        current: &CertificateRecord,
    ) -> Result<Outcome, ServiceError> {
        let proven = ProvenCertificate::proven_by_tls_handshake(current.der.clone());
        self.submit(service, Credential::Certificate(proven)).await
    }

    async fn submit(&self, service: &CsrService, credential: Credential) -> Result<Outcome, ServiceError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name.as_str());
        let csr = params.serialize_request(&self.key).unwrap();
        service
            .submit(ORG, Request { csr: csr.der(), credential, lifetime: None, source_address: None })
            .await
    }
}

#[track_caller]
fn issued(outcome: Outcome) -> CertificateRecord {
    match outcome {
        Outcome::Issued(issued) => issued.certificate,
        other => panic!("not issued: {other:?}"),
    }
}

/// Asks again until the database is back.
async fn eventually<T, E: std::fmt::Debug, R: Future<Output = Result<T, E>>>(ask: impl Fn() -> R) -> T {
    let mut last = None;
    for _ in 0..100 {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came back: {last:?}")
}
