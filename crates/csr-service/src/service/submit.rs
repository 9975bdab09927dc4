//! A request comes in.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use renewal_domain::{
    ActionContext, ActionKind, Actor, AttemptKind, BlockSubject, DeviceId, DeviceName, NewAction,
    NewPresented, NewRequest, OpenRequest, OrgId, Purpose, RenewalEvent, RequestState,
};
use tracing::{Instrument, info, warn};

use super::authorise::{rejection, same_names};
use super::context::device_or_organisation;
use super::finish::interrupted;
use super::{CsrService, Parts};
use crate::credential::{BootstrapCertificate, Credential, EnrollmentGrant, ProvenCertificate};
use crate::outcome::{Outcome, ServiceError};
use crate::profile::ApprovalMode;
use crate::{Csr, NameGrant, PresentedCertificate, Reason, Rejection, UncoveredNames};

/// A request for a certificate.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The PKCS#10 request (RFC 2986), DER or PEM.
    pub csr: &'a [u8],
    /// On what ground.
    pub credential: Credential,
    /// The lifetime asked for; the profile's stands if it is shorter, or none is asked for.
    pub lifetime: Option<Duration>,
    /// The address of the client, if the request came over a network.
    pub source_address: Option<IpAddr>,
}

impl CsrService {
    /// Judges a request and answers it: with a certificate, a refusal, or the advice to ask
    /// again. The same request again gets the same answer, and writes nothing.
    ///
    /// A first request may have the names that the profile and the permission to enroll permit; others
    /// are refused, unless a person approves enrollments. A renewal repeats the names that it presents.
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
        let csr = parts.read_csr(request.csr);
        match &request.credential {
            Credential::Enrollment(grant) => self.enroll(org, csr, grant, &request, now).await,
            Credential::Certificate(proven) => match parts.identify(org, proven, now) {
                Ok(device) => self.renew(org, csr, device, &request, now).await,
                Err(rejection) => Ok(parts.refuse_unauthenticated(org, csr.err().unwrap_or(rejection))),
            },
        }
    }

    /// The names of a first request that neither the profile nor `grant` permits. Where a person approves
    /// enrollments, a request with such names waits for the person, who must see which they are; else
    /// [`submit`](Self::submit) refuses it.
    #[must_use]
    pub fn uncovered_names(&self, org: OrgId, csr: &Csr, grant: &NameGrant) -> UncoveredNames {
        let device = self.device_id(org, csr.subject().common_name());
        self.parts.profile.names().uncovered(csr, device, grant)
    }

    async fn enroll(
        &self,
        org: OrgId,
        csr: Result<Csr, Rejection>,
        grant: &EnrollmentGrant,
        request: &Request<'_>,
        now: DateTime<Utc>,
    ) -> Result<Outcome, ServiceError> {
        let parts = &self.parts;
        let csr = match csr {
            Ok(csr) => csr,
            Err(rejection) => {
                return parts.refuse_enrollment(org, grant, None, request.source_address, rejection).await;
            }
        };
        let refuse = async |rejection: Rejection| {
            parts.refuse_enrollment(org, grant, Some(&csr), request.source_address, rejection).await
        };
        if !grant.permits(csr.subject().common_name()) {
            let detail = format!("requested {}", csr.subject().common_name());
            return refuse(Rejection::new(Reason::EnrollmentNameMismatch, detail)).await;
        }
        let purpose = Purpose::Enrollment { token: grant.token() };
        let open = parts.new_request(org, &csr, purpose, request, grant.description());
        if let Some(certificate) = grant.bootstrap()
            && let Some(rejection) = parts.bootstrap_refusal(org, certificate).await?
        {
            return refuse(rejection).await;
        }
        let permitted = match grant.unusable() {
            Some(reason) => Err(reason.into()),
            None => parts.names_permitted(&csr, &open, grant.names()),
        };
        if let Err(not_permitted) = permitted {
            // What was permitted when it was asked for is answered, unless the device is stopped.
            let rules = parts.rules(now);
            if let Some(refusal) = parts.stores.issuance.refusal(org, &open, &rules).await? {
                return refuse(rejection(refusal, &open)).await;
            }
            return match parts.stores.issuance.answer(org, &open, now).await? {
                Some(answer) => parts.answered(answer),
                None => refuse(not_permitted).await,
            };
        }
        match self.begin(open, csr.clone(), now).await? {
            Ok(outcome) => Ok(outcome),
            Err(rejection) => refuse(rejection).await,
        }
    }

    async fn renew(
        &self,
        org: OrgId,
        csr: Result<Csr, Rejection>,
        device: ProvenDevice,
        request: &Request<'_>,
        now: DateTime<Utc>,
    ) -> Result<Outcome, ServiceError> {
        let parts = &self.parts;
        let presented = &device.presented;
        let csr = match csr.and_then(|csr| same_names(&csr, presented).map(|()| csr)) {
            Ok(csr) => csr,
            Err(rejection) => return parts.record_refusal(org, &device, rejection).await,
        };
        let credential = format!("certificate {}", presented.serial());
        let open = parts.new_request(org, &csr, device.purpose.clone(), request, credential);
        let opened = match parts.in_time(presented, now) {
            Ok(()) => self.begin(open, csr, now).await?,
            // What was asked for in time is answered, however late the device asks again.
            Err(late) => match parts.stores.issuance.refusal(org, &open, &parts.rules(now)).await? {
                Some(refusal) => Err(rejection(refusal, &open)),
                None => match parts.stores.issuance.answer(org, &open, now).await? {
                    Some(answer) => return parts.answered(answer),
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
    /// recorded of one that may not be opened.
    async fn begin(
        &self,
        open: OpenRequest,
        csr: Csr,
        now: DateTime<Utc>,
    ) -> Result<Result<Outcome, Rejection>, ServiceError> {
        let parts = Arc::clone(&self.parts);
        let work = async move { parts.open_and_finish(open, csr, now).await };
        tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(interrupted(error)))
    }
}

/// A device that proved who it is.
struct ProvenDevice {
    id: DeviceId,
    presented: Arc<PresentedCertificate>,
    purpose: Purpose,
    kind: AttemptKind,
}

impl Parts {
    pub(super) fn device(&self, org: OrgId, name: &DeviceName) -> DeviceId {
        DeviceId::of(org, name, &self.name_prefix)
    }

    /// Reads a request and judges what needs nothing but the request and the issuer.
    pub(super) fn read_csr(&self, csr: &[u8]) -> Result<Csr, Rejection> {
        let csr = Csr::parse(csr, self.profile.key_policy())?;
        self.issuer.refuse_own_key(&csr)?;
        self.issuer.permits_names(&csr)?;
        Ok(csr)
    }

    /// Why a bootstrap certificate permits nothing: it was revoked, or its key is barred.
    async fn bootstrap_refusal(
        &self,
        org: OrgId,
        bootstrap: &BootstrapCertificate,
    ) -> Result<Option<Rejection>, ServiceError> {
        let revocations = &self.stores.revocations;
        if let Some(revoked) =
            revocations.revocation(org, &bootstrap.issuer_key_sha256, &bootstrap.serial).await?
        {
            let revocation = revoked.revocation;
            let detail = format!("on {}: {}", revocation.at, revocation.reason.as_str());
            return Ok(Some(Rejection::new(Reason::CertificateRevoked, detail)));
        }
        let key = BlockSubject::Key(bootstrap.public_key_sha256);
        let barred = self.stores.blocks.block_of(org, &key).await?;
        Ok(barred
            .map(|block| Rejection::new(Reason::KeyCompromised, format!("barred since {}", block.since))))
    }

    /// Refuses an enrollment of somebody who proved who he is: an action of the server says so.
    async fn refuse_enrollment(
        &self,
        org: OrgId,
        grant: &EnrollmentGrant,
        csr: Option<&Csr>,
        source_address: Option<IpAddr>,
        rejection: Rejection,
    ) -> Result<Outcome, ServiceError> {
        let name = csr.map(|csr| csr.subject().common_name()).or_else(|| grant.name());
        let device = name.map(|name| self.device(org, name));
        let asked = match csr {
            None => String::new(),
            Some(csr) if csr.san().is_empty() => format!("asked for {}. ", csr.subject()),
            Some(csr) => format!("asked for {}; {}. ", csr.subject(), csr.san()),
        };
        let mut new = NewAction::new(ActionKind::EnrollmentRefused, device_or_organisation(device))
            .reason(rejection.reason().reason_code())
            .note(format!("By {}: {asked}{}", grant.description(), rejection.message()));
        new.device_id = device;
        let by = ActionContext { actor: Actor::Server, source_address, http_request_id: None };
        self.stores.actions.record_action(org, &self.action(org, &by, new)).await?;
        self.observer.enrollment_refused(org, rejection.reason());
        info!(%org, reason = %rejection.reason(), "refused an enrollment");
        Ok(Outcome::Rejected(rejection))
    }

    /// Who presents this certificate, if it proves anything.
    fn identify(
        &self,
        org: OrgId,
        proven: &ProvenCertificate,
        now: DateTime<Utc>,
    ) -> Result<ProvenDevice, Rejection> {
        let presented = proven.check(&self.device_issuers, now)?;
        let issuer = &self.device_issuers[presented.issuer_index()];
        let origin = issuer.origin(org, presented.not_before()).ok_or_else(|| {
            let detail = "its authority is not trusted in this organisation";
            Rejection::new(Reason::CertificateNotFromDeviceIssuer, detail)
        })?;
        let kind = match presented.expired_for(now) {
            None => AttemptKind::Renewal,
            Some(_) => AttemptKind::Recovery,
        };
        let certificate = NewPresented {
            serial: presented.serial().clone(),
            not_after: presented.not_after(),
            issuer_key_sha256: issuer.public_key_sha256(),
            certificate_sha256: presented.sha256(),
            public_key_sha256: presented.public_key_sha256(),
            origin,
        };
        Ok(ProvenDevice {
            id: self.device(org, presented.subject().common_name()),
            purpose: Purpose::Attempt { kind, presented: certificate.into() },
            kind,
            presented,
        })
    }

    /// A request that waits for a person may have any names: the person is shown them before deciding.
    fn names_permitted(&self, csr: &Csr, open: &OpenRequest, grant: &NameGrant) -> Result<(), Rejection> {
        match open.state() {
            RequestState::Pending => Ok(()),
            RequestState::Signing => self.profile.names().check(csr, open.device_id(), grant),
        }
    }

    fn new_request(
        &self,
        org: OrgId,
        csr: &Csr,
        purpose: Purpose,
        request: &Request<'_>,
        credential: String,
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
            public_key_sha256: csr.public_key_sha256(),
            requested_lifetime: request.lifetime,
            credential,
            source_address: request.source_address,
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
        self.stores.issuance.certificate_used(org, device.id, device.presented.serial()).await?;
        for event in &events {
            self.observer.recorded(event);
        }
        info!(%org, device = %device.id, reason = %rejection.reason(), "refused a device");
        Ok(Outcome::Rejected(rejection))
    }
}
