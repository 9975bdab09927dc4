//! What happens to the device, in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use csr_service::{
    ApprovalMode, Credential, CsrService, EnrollmentGrant, Issuer, NewIssuer, Outcome, Profile,
    ProvenCertificate, Request,
};
use renewal_domain::{Clock, DeviceId, DeviceName, OrgId, RequestId, RequestKind, device};
use renewal_store_seaorm::SeaOrmStore;

use crate::Place;
use crate::command_line;
use crate::demo::clock::StoryClock;
use crate::device::Device;
use crate::output::say;
use crate::table;

/// How long the story is.
pub(crate) const DAYS: i64 = 417;

/// How long a certificate is valid in it.
const LIFETIME: i64 = 90;

/// The number of the device that the next run is about.
pub(crate) fn next_number(dir: &Path) -> u32 {
    let taken = |number: &u32| dir.join(format!("gateway-{number:04}.key")).exists();
    1 + (1..u32::MAX).take_while(taken).last().unwrap_or(0)
}

/// The story, ready to be played.
pub(crate) struct Story {
    org: OrgId,
    dir: PathBuf,
    clock: Arc<StoryClock>,
    automatic: CsrService,
    manual: CsrService,
    gateway: String,
    impostor: String,
}

/// A device and the certificate it has installed, DER.
struct Equipped {
    device: Device,
    certificate: Vec<u8>,
}

impl Story {
    pub(crate) fn new(
        place: &Place,
        org: OrgId,
        issuer: &Issuer,
        store: &Arc<SeaOrmStore>,
        clock: Arc<StoryClock>,
        number: u32,
    ) -> Result<Self> {
        let lifetime = Duration::from_secs(u64::try_from(LIFETIME)? * 24 * 60 * 60);
        let profile = || Profile::builder().lifetime(lifetime);
        let service = |profile| {
            CsrService::builder(issuer.clone(), profile, store.clone()).clock(clock.clone()).build()
        };
        Ok(Self {
            org,
            dir: place.dir.clone(),
            automatic: service(profile().build()?),
            manual: service(profile().approval(RequestKind::Renewal, ApprovalMode::Manual).build()?),
            gateway: format!("gateway-{number:04}"),
            impostor: format!("impostor-{number:04}"),
            clock,
        })
    }

    /// The device the story is about.
    pub(crate) fn device(&self) -> DeviceId {
        match DeviceName::new(self.gateway.as_str()) {
            Ok(name) => DeviceId::of(self.org, &name, device::DEFAULT_PREFIX),
            Err(_) => DeviceId::new(uuid::Uuid::nil()),
        }
    }

    /// Plays it, and returns the name of the device.
    pub(crate) async fn play(&self) -> Result<String> {
        let gateway = self.enroll(Device::new(&self.dir, &self.gateway)?).await?;
        self.clock.pass(60);
        let gateway = self.renew(gateway, "renews, with the same key").await?;
        self.clock.pass(60);
        let rekeyed = Equipped { device: gateway.device.with_new_key()?, ..gateway };
        let gateway = self.renew(rekeyed, "renews, with a new key").await?;
        self.impostors(&gateway).await?;

        self.clock.pass(LIFETIME + 10);
        let gateway =
            self.renew(gateway, "was off, its certificate expired 10 days ago; it recovers").await?;
        self.clock.pass(LIFETIME + 45);
        let request = gateway.device.request()?;
        self.refused(
            &self.gateway,
            "was off again, too long this time",
            &request,
            proven(&gateway.certificate),
        )
        .await?;
        self.clock.pass(1);
        let gateway = self.enroll(gateway.device).await?;

        self.clock.pass(60);
        let request = gateway.device.request()?;
        let pending =
            self.ask_manual(&gateway, &request, "asks to renew, and now a person decides: denied").await?;
        self.manual
            .deny(self.org, pending, "the device was reported stolen", &command_line::context())
            .await?;
        self.clock.pass(1);
        let request = gateway.device.request()?;
        let pending = self.ask_manual(&gateway, &request, "was found, and asks again: approved").await?;
        self.manual.approve(self.org, pending, &command_line::context()).await?;
        let answer = self.submit(&self.manual, &request, proven(&gateway.certificate)).await?;
        let Outcome::Issued(issued) = answer else { bail!("an approved request was not answered") };
        gateway.device.install(&issued.pem())?;
        Ok(self.gateway.clone())
    }

    async fn enroll(&self, device: Device) -> Result<Equipped> {
        let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
        self.tell(&device.name, "enrolls")?;
        self.equip(device, credential).await
    }

    async fn renew(&self, gateway: Equipped, what: &str) -> Result<Equipped> {
        self.tell(&gateway.device.name, what)?;
        self.equip(gateway.device, proven(&gateway.certificate)).await
    }

    async fn equip(&self, device: Device, credential: Credential) -> Result<Equipped> {
        match self.submit(&self.automatic, &device.request()?, credential).await? {
            Outcome::Issued(issued) => {
                device.install(&issued.pem())?;
                Ok(Equipped { device, certificate: issued.certificate.der })
            }
            other => bail!("{} got no certificate: {other:?}", device.name),
        }
    }

    /// Two who want the gateway's name: one with a certificate of ours, one with a forged one.
    async fn impostors(&self, gateway: &Equipped) -> Result<()> {
        let impostor = self.enroll(Device::new(&self.dir, &self.impostor)?).await?;
        let request = impostor.device.request_as(&gateway.device.name)?;
        self.refused(&self.impostor, "asks for the gateway's name", &request, proven(&impostor.certificate))
            .await?;

        let elsewhere = NewIssuer::builder("Forged CA").create(self.clock.now())?;
        let issuer = Issuer::from_pem(elsewhere.certificate_pem(), elsewhere.key_pem(), self.clock.now())?;
        let csr = csr_service::Csr::parse(&request, Profile::builder().build()?.key_policy())?;
        let forged = csr_service::issue(&issuer, &Profile::builder().build()?, &csr, None, self.clock.now())?;
        self.refused(
            "an unauthenticated requester",
            "presents a forged certificate of the gateway",
            &request,
            proven(forged.der()),
        )
        .await
    }

    async fn refused(&self, who: &str, what: &str, request: &[u8], credential: Credential) -> Result<()> {
        self.tell(who, what)?;
        match self.submit(&self.automatic, request, credential).await? {
            Outcome::Rejected(rejection) => {
                say!("{:12}refused: {}", "", rejection.reason())
            }
            other => bail!("{who} was not refused: {other:?}"),
        }
    }

    async fn ask_manual(&self, gateway: &Equipped, request: &[u8], what: &str) -> Result<RequestId> {
        self.tell(&gateway.device.name, what)?;
        match self.submit(&self.manual, request, proven(&gateway.certificate)).await? {
            Outcome::Pending(pending) => Ok(pending.request_id),
            other => bail!("the request does not wait: {other:?}"),
        }
    }

    async fn submit(&self, service: &CsrService, csr: &[u8], credential: Credential) -> Result<Outcome> {
        Ok(service
            .submit(self.org, Request { csr, credential, lifetime: None, source_address: None })
            .await?)
    }

    fn tell(&self, who: &str, what: &str) -> Result<()> {
        say!("{}  {who} {what}", table::date(self.clock.now()))
    }
}

fn proven(certificate: &[u8]) -> Credential {
    Credential::Certificate(ProvenCertificate::vouched_for_by_operator(certificate))
}
