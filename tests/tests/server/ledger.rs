//! What is in the ledger afterwards, by the library.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use csr_service::{CsrService, Issuer, Profile};
use renewal_domain::testing::MockClock;
use renewal_domain::{
    ActionContext, Actor, CertificateFilter, CertificateRecord, Clock, DeviceId, DeviceName, EventFilter,
    FleetStore, IssuanceStore, OpenRequestFilter, OrgId, PageRequest, PageSize, RenewalEvent,
    RenewalEventStore, Stage, SystemClock,
};
use renewal_files::AuthenticationKeyFile;
use renewal_store_seaorm::{AuthenticationKeys, ConnectOptions, SeaOrmStore, connect};
use uuid::Uuid;

use crate::site::Site;

/// The organisation without a label.
pub(crate) const ORG: OrgId = OrgId::new(Uuid::nil());

/// Who decides in these tests, where no token does.
pub(crate) fn by() -> ActionContext {
    Actor::CommandLine { user: "alice".into(), host: "desk".into() }.into()
}

/// The ledger of a site, and the service over it.
pub(crate) struct Ledger {
    pub(crate) store: Arc<SeaOrmStore>,
    pub(crate) service: CsrService,
    clock: MockClock,
}

impl Ledger {
    pub(crate) async fn of(site: &Site) -> Self {
        let keys = AuthenticationKeyFile::read(&site.file(AuthenticationKeyFile::NAME)).unwrap();
        let keys = AuthenticationKeys::new(keys.first(), keys.older().iter().copied());
        let store = connect(&site.store_url(), ConnectOptions::new()).await.unwrap();
        let store = Arc::new(store.authenticated(keys));
        let clock = MockClock::at(SystemClock.now());
        let read = |name| std::fs::read(site.file(name)).unwrap();
        let issuer = Issuer::from_pem(read("ca.pem"), read("ca.key"), clock.now()).unwrap();
        let service = CsrService::builder(issuer, Profile::builder().build().unwrap(), store.clone())
            .clock(Arc::new(clock.clone()))
            .build();
        Self { store, service, clock }
    }

    /// Every event of an organisation, oldest first.
    pub(crate) async fn events(&self, org: OrgId) -> Vec<RenewalEvent> {
        let (mut all, mut page) = (Vec::new(), PageRequest::first(PageSize::MAX));
        loop {
            let found = self.store.list(org, &EventFilter::new(), &page).await.unwrap();
            all.extend(found.items);
            let Some(next) = found.next else { break };
            page = PageRequest::resume(PageSize::MAX, &EventFilter::new().scope(org), next).unwrap();
        }
        all.reverse();
        all
    }

    /// Their types, oldest first, with the reason of a failure.
    pub(crate) async fn story(&self, org: OrgId) -> Vec<String> {
        let tell = |event: &RenewalEvent| match event.reason() {
            None => event.event_type().as_str().to_owned(),
            Some(reason) => format!("{}: {reason}", event.event_type().as_str()),
        };
        self.events(org).await.iter().map(tell).collect()
    }

    /// The certificates of a device.
    pub(crate) async fn certificates(&self, name: &str) -> Vec<CertificateRecord> {
        let name = DeviceName::new(name).unwrap();
        let device = DeviceId::of(ORG, &name, renewal_domain::device::DEFAULT_PREFIX);
        let page = PageRequest::first(PageSize::MAX);
        self.store.certificates(ORG, &CertificateFilter::OfDevice(device), &page).await.unwrap().items
    }

    /// Ends what a crashed server has left open, as a server does when that is old enough.
    pub(crate) async fn reconcile_in_an_hour(&self) {
        self.clock.set(SystemClock.now() + TimeDelta::hours(1));
        self.service.reconcile(ORG).await.unwrap();
    }

    /// How many requests are open.
    pub(crate) async fn open_requests(&self) -> usize {
        let page = PageRequest::first(PageSize::MAX);
        self.store.open_requests(ORG, &OpenRequestFilter::default(), &page).await.unwrap().items.len()
    }

    /// Every start has exactly one end, every success its certificate, and the other way round.
    /// How many starts and successes there are.
    pub(crate) async fn assert_sound(&self, devices: impl Iterator<Item = &str>) -> (usize, usize) {
        assert_eq!(self.open_requests().await, 0);
        let mut ends: HashMap<_, Vec<_>> = HashMap::new();
        for event in self.events(ORG).await {
            let ends = ends.entry(event.attempt_id()).or_default();
            ends.extend((event.stage() != Stage::Start).then_some(event));
        }
        let starts = ends.len();
        let mut successes = Vec::new();
        for (attempt, ends) in ends {
            assert_eq!(ends.len(), 1, "{attempt}: {ends:?}");
            successes.extend(ends.iter().filter(|e| e.stage() == Stage::Success).map(|_| attempt));
        }
        let mut certified = Vec::new();
        for device in devices {
            let certificates = self.certificates(device).await;
            certified.extend(certificates.iter().filter_map(CertificateRecord::attempt_id));
        }
        successes.sort();
        certified.sort();
        assert_eq!(successes, certified);
        (starts, successes.len())
    }
}
