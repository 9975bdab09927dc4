//! A request comes in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use renewal_domain::{
    AttemptKind, DeviceId, DeviceName, NewRequest, OpenRequest, OrgId, Presented, Purpose, RenewalEvent,
    RequestState, Standing,
};
use tracing::{Instrument, info, warn};

use super::authorise::same_names;
use super::finish::{answered, interrupted};
use super::{CsrService, Parts};
use crate::credential::{Credential, EnrollmentGrant, ProvenCertificate};
use crate::outcome::{Outcome, ServiceError};
use crate::profile::ApprovalMode;
use crate::{Csr, PresentedCertificate, Reason, Rejection};

/// A request for a certificate.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The PKCS#10 request (RFC 2986), DER or PEM.
    pub csr: &'a [u8],
    /// On what ground.
    pub credential: Credential,
    /// The lifetime asked for; the profile's stands if it is shorter, or none is asked for.
    pub lifetime: Option<Duration>,
}

impl CsrService {
    /// Judges a request and answers it: with a certificate, a refusal, or the advice to ask
    /// again. The same request again gets the same answer, and writes nothing.
    ///
    /// Whatever comes out is in the ledger first. A requester who proves no identity leaves
    /// no trace there, and is [counted](Self::unauthenticated_requests) and logged.
    ///
    /// Dropping the returned future does not stop an attempt that has begun.
    ///
    /// # Errors
    /// [`ServiceError`] when the service fails; nothing is released then.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn submit(&self, org: OrgId, request: Request<'_>) -> Result<Outcome, ServiceError> {
        let parts = &self.parts;
        let now = parts.clock.now();
        let csr = Csr::parse(request.csr, parts.profile.key_policy()).and_then(|csr| {
            parts.issuer.refuse_own_key(&csr).and_then(|()| parts.issuer.permits_names(&csr)).map(|()| csr)
        });
        match &request.credential {
            Credential::Enrollment(grant) => self.enroll(org, csr, grant, request.lifetime, now).await,
            Credential::Certificate(proven) => match parts.identify(org, proven, now) {
                Ok(device) => self.renew(org, csr, device, request.lifetime, now).await,
                Err(rejection) => Ok(parts.refuse_unauthenticated(org, csr.err().unwrap_or(rejection))),
            },
        }
    }

    async fn enroll(
        &self,
        org: OrgId,
        csr: Result<Csr, Rejection>,
        grant: &EnrollmentGrant,
        lifetime: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Result<Outcome, ServiceError> {
        let parts = &self.parts;
        let permitted = |csr: Csr| match csr.subject().common_name() {
            name if grant.permits(name) => Ok(csr),
            name => Err(Rejection::new(Reason::EnrollmentNameMismatch, format!("requested {name}"))),
        };
        let csr = match csr.and_then(permitted) {
            Ok(csr) => csr,
            Err(rejection) => return Ok(parts.refuse_unauthenticated(org, rejection)),
        };
        if let Err(inactive) = parts.active(org).await? {
            return Ok(parts.refuse_unauthenticated(org, inactive));
        }
        let purpose = Purpose::Enrollment { token: grant.token() };
        let open = parts.new_request(org, &csr, purpose, lifetime);
        if let Some(reason) = grant.unusable() {
            return Ok(match parts.stores.issuance.answer(org, &open, now).await? {
                Some(answer) => answered(answer),
                None => parts.refuse_unauthenticated(org, reason.into()),
            });
        }
        // It presents none whose standing could count.
        let begun = self.begin(open, csr, Standing::NotRevoked, now).await?;
        Ok(begun.unwrap_or_else(|rejection| parts.refuse_unauthenticated(org, rejection)))
    }

    async fn renew(
        &self,
        org: OrgId,
        csr: Result<Csr, Rejection>,
        device: ProvenDevice,
        lifetime: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Result<Outcome, ServiceError> {
        let parts = &self.parts;
        let presented = &device.presented;
        let csr = match csr.and_then(|csr| same_names(&csr, presented).map(|()| csr)) {
            Ok(csr) => csr,
            Err(rejection) => return parts.record_refusal(org, &device, rejection).await,
        };
        if let Err(inactive) = parts.active(org).await? {
            return parts.record_refusal(org, &device, inactive).await;
        }
        let open = parts.new_request(org, &csr, device.purpose.clone(), lifetime);
        let standing = presented.required_standing();
        let opened = match parts.in_time(presented, now) {
            Ok(()) => self.begin(open, csr, standing, now).await?,
            // What was asked for in time is answered, however late the device asks again.
            Err(late) => match parts.standing(&open, standing).await? {
                Err(refusal) => Err(refusal),
                Ok(()) => match parts.stores.issuance.answer(org, &open, now).await? {
                    Some(answer) => return Ok(answered(answer)),
                    None => Err(late),
                },
            },
        };
        match opened {
            Ok(outcome) => Ok(outcome),
            Err(rejection) => parts.record_refusal(org, &device, rejection).await,
        }
    }

    /// Records the request and finishes it, in a task that goes on if the caller gives up. Nothing is
    /// recorded of one whose presented certificate does not have this standing.
    async fn begin(
        &self,
        open: OpenRequest,
        csr: Csr,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Result<Outcome, Rejection>, ServiceError> {
        let parts = Arc::clone(&self.parts);
        let work = async move { parts.open_and_finish(open, csr, standing, now).await };
        tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(interrupted(error)))
    }
}

/// A device that proved who it is.
struct ProvenDevice {
    id: DeviceId,
    presented: PresentedCertificate,
    purpose: Purpose,
    kind: AttemptKind,
}

impl Parts {
    pub(super) fn device(&self, org: OrgId, name: &DeviceName) -> DeviceId {
        DeviceId::of(org, name, &self.name_prefix)
    }

    /// Who presents this certificate, if it proves anything.
    fn identify(
        &self,
        org: OrgId,
        proven: &ProvenCertificate,
        now: DateTime<Utc>,
    ) -> Result<ProvenDevice, Rejection> {
        let presented = PresentedCertificate::parse(proven.certificate(), &self.device_issuers, now)?;
        let kind = match presented.expired_for(now) {
            None => AttemptKind::Renewal,
            Some(_) => AttemptKind::Recovery,
        };
        let certificate = Presented::new(presented.serial().clone(), presented.not_after());
        Ok(ProvenDevice {
            id: self.device(org, presented.subject().common_name()),
            purpose: Purpose::Attempt { kind, presented: certificate },
            kind,
            presented,
        })
    }

    fn new_request(
        &self,
        org: OrgId,
        csr: &Csr,
        purpose: Purpose,
        lifetime: Option<Duration>,
    ) -> OpenRequest {
        let name = csr.subject().common_name().clone();
        let state = match self.profile.approval(purpose.kind()) {
            ApprovalMode::Automatic => RequestState::Signing,
            ApprovalMode::Manual => RequestState::Pending,
        };
        OpenRequest::new(NewRequest {
            id: self.ids.next().into(),
            org_id: org,
            device_id: self.device(org, &name),
            device_name: name,
            purpose,
            state,
            csr_der: csr.der().to_vec(),
            requested_lifetime: lifetime,
        })
    }

    /// Refuses a requester who proved no identity: counted and logged, not recorded.
    fn refuse_unauthenticated(&self, org: OrgId, rejection: Rejection) -> Outcome {
        self.unauthenticated_requests.fetch_add(1, Ordering::Relaxed);
        self.observer.unauthenticated(org, rejection.reason());
        warn!(%org, reason = %rejection.reason(), "refused a requester who proved no identity");
        Outcome::Rejected(rejection)
    }

    /// A refusal is history too: the attempt is written with its end, in one transaction.
    async fn record_refusal(
        &self,
        org: OrgId,
        device: &ProvenDevice,
        rejection: Rejection,
    ) -> Result<Outcome, ServiceError> {
        let expiry = device.presented.not_after();
        let start = RenewalEvent::start(self.ids.next(), org, device.id, device.kind, expiry);
        let end = self.ids.next_after(start.id());
        let failed = start
            .failed(end, rejection.reason().reason_code(), &rejection.message())
            .map_err(|error| ServiceError::Interrupted(error.into()))?;
        let events = [start, failed];
        self.stores.events.create_many(org, &events).await?;
        for event in &events {
            self.observer.recorded(event);
        }
        info!(%org, device = %device.id, reason = %rejection.reason(), "refused a device");
        Ok(Outcome::Rejected(rejection))
    }
}
