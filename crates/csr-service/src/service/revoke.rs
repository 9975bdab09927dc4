//! Revocations: one certificate, all of a device, all with a compromised key, one of another authority.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use renewal_domain::{
    Action, ActionContext, ActionKind, Block, BlockSubject, CertificateFilter, CertificateRecord, DeviceId,
    NewAction, OrgId, PageRequest, PageSize, ReasonCode, Revocation, RevocationReason, RevokedCertificate,
    Serial, Sha256Digest, Target,
};
use tracing::info;

use super::CsrService;
use crate::foreign::ForeignCertificate;
use crate::outcome::ServiceError;

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The revocations that were recorded. What was revoked before is not among them.
    pub revocations: Vec<RevokedCertificate>,
    /// The key that was barred with them, if it was not barred before.
    pub barred_key: Option<Sha256Digest>,
}

/// The revocations to record, each with its action, by issuer and serial number.
type Batch = BTreeMap<(Sha256Digest, Serial), (RevokedCertificate, Action)>;

impl CsrService {
    /// Revokes a certificate that was issued here, and returns it as the ledger has it afterwards. One
    /// that was revoked before keeps the time and reason that it has.
    ///
    /// For [`KeyCompromise`](RevocationReason::KeyCompromise) every certificate with the same key that
    /// could still be used is revoked too, and the key is barred: it is never certified again.
    ///
    /// # Errors
    /// [`ServiceError::NoSuchCertificate`] when it was not issued here, and the store's failures.
    pub async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        reason: RevocationReason,
        note: &str,
        by: &ActionContext,
    ) -> Result<(CertificateRecord, Revoked), ServiceError> {
        let issuance = &self.parts.stores.issuance;
        let missing = || ServiceError::NoSuchCertificate(serial.clone());
        let certificate = issuance.certificate(org, serial).await?.ok_or_else(missing)?;
        let order = Order { org, reason, note, by, at: self.parts.clock.now().trunc_subsecs(0) };
        let mut batch = Batch::new();
        self.add(&mut batch, &order, &certificate);
        let compromised =
            (reason == RevocationReason::KeyCompromise).then_some(certificate.public_key_sha256);
        let revoked = self.carry_out(&order, batch, compromised).await?;
        let certificate = issuance.certificate(org, serial).await?.ok_or_else(missing)?;
        Ok((certificate, revoked))
    }

    /// Revokes every certificate of a device that could still be used: that has not expired, or can be
    /// recovered. For [`KeyCompromise`](RevocationReason::KeyCompromise) the keys are not barred: revoke
    /// the certificates one by one for that.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn revoke_device(
        &self,
        org: OrgId,
        device: DeviceId,
        reason: RevocationReason,
        note: &str,
        by: &ActionContext,
    ) -> Result<Revoked, ServiceError> {
        let order = Order { org, reason, note, by, at: self.parts.clock.now().trunc_subsecs(0) };
        let mut batch = Batch::new();
        self.add_all(&mut batch, &order, CertificateFilter::OfDevice(device)).await?;
        self.carry_out(&order, batch, None).await
    }

    /// Revokes a certificate of another authority whose certificates are trusted here, or an unrecorded one of
    /// ours: it is not accepted any more. With [`KeyCompromise`](RevocationReason::KeyCompromise) its key,
    /// if it is known, is barred, and what was certified with it here is revoked too.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn revoke_foreign(
        &self,
        org: OrgId,
        certificate: &ForeignCertificate,
        reason: RevocationReason,
        note: &str,
        by: &ActionContext,
    ) -> Result<Revoked, ServiceError> {
        let order = Order { org, reason, note, by, at: self.parts.clock.now().trunc_subsecs(0) };
        let device = certificate.common_name.as_ref().map(|name| self.device_id(org, name));
        let action = self.revocation_action(&order, &certificate.serial, device);
        let revoked = RevokedCertificate {
            id: self.parts.ids.next().into(),
            org_id: org,
            issuer_key_sha256: certificate.issuer_key_sha256,
            serial: certificate.serial.clone(),
            certificate_sha256: certificate.certificate_sha256,
            device_id: device,
            not_after: certificate.not_after,
            revocation: order.revocation(),
            action_id: action.id,
        };
        let mut batch = Batch::new();
        batch.insert((revoked.issuer_key_sha256, revoked.serial.clone()), (revoked, action));
        let compromised = certificate.public_key_sha256;
        let compromised = compromised.filter(|_| reason == RevocationReason::KeyCompromise);
        self.carry_out(&order, batch, compromised).await
    }

    async fn carry_out(
        &self,
        order: &Order<'_>,
        mut batch: Batch,
        compromised: Option<Sha256Digest>,
    ) -> Result<Revoked, ServiceError> {
        let mut block = None;
        if let Some(key) = compromised {
            self.add_all(&mut batch, order, CertificateFilter::OfKey(key)).await?;
            let new = NewAction::new(ActionKind::KeyBarred, Target::Key(key)).note(order.note);
            let action = self.parts.action(order.org, order.by, new);
            block = Some((Block::by(&action, BlockSubject::Key(key), order.note), action));
        }
        let batch: Vec<_> = batch.into_values().collect();
        let barred = match compromised {
            Some(key) => {
                self.parts.stores.blocks.block_of(order.org, &BlockSubject::Key(key)).await?.is_none()
            }
            None => false,
        };
        let recorded = self.parts.stores.revocations.revoke(order.org, &batch, block).await?;
        let revocations: Vec<_> = batch
            .into_iter()
            .map(|(revoked, _)| revoked)
            .filter(|revoked| recorded.contains(&revoked.id))
            .collect();
        for revoked in &revocations {
            info!(org = %order.org, serial = %revoked.serial, reason = order.reason.as_str(), actor = %order.by.actor,
                "revoked a certificate");
        }
        Ok(Revoked { revocations, barred_key: compromised.filter(|_| barred) })
    }

    /// Adds the certificates of a listing that could still be used and are not revoked.
    async fn add_all(
        &self,
        batch: &mut Batch,
        order: &Order<'_>,
        filter: CertificateFilter,
    ) -> Result<(), ServiceError> {
        let useless_before = order.at - self.parts.profile.grace();
        let mut page = PageRequest::first(PageSize::MAX);
        loop {
            let found = self.parts.stores.fleet.certificates(order.org, &filter, &page).await?;
            let usable =
                found.items.iter().filter(|it| it.revocation.is_none() && it.not_after >= useless_before);
            usable.for_each(|certificate| self.add(batch, order, certificate));
            let Some(next) = found.next else { return Ok(()) };
            page = PageRequest::resume(PageSize::MAX, &filter.scope(order.org), next)
                .map_err(|error| ServiceError::Interrupted(error.into()))?;
        }
    }

    fn add(&self, batch: &mut Batch, order: &Order<'_>, certificate: &CertificateRecord) {
        let key = (certificate.issuer_key_sha256, certificate.serial.clone());
        batch.entry(key).or_insert_with(|| {
            let action = self.revocation_action(order, &certificate.serial, Some(certificate.device_id));
            let revoked = RevokedCertificate {
                id: self.parts.ids.next().into(),
                org_id: order.org,
                issuer_key_sha256: certificate.issuer_key_sha256,
                serial: certificate.serial.clone(),
                certificate_sha256: Some(certificate.certificate_sha256),
                device_id: Some(certificate.device_id),
                not_after: Some(certificate.not_after),
                revocation: order.revocation(),
                action_id: action.id,
            };
            (revoked, action)
        });
    }

    fn revocation_action(&self, order: &Order<'_>, serial: &Serial, device: Option<DeviceId>) -> Action {
        let mut new = NewAction::new(ActionKind::CertificateRevoked, Target::Certificate(serial.clone()))
            .reason(ReasonCode::new(order.reason.as_str()).ok())
            .note(order.note);
        new.device_id = device;
        self.parts.action(order.org, order.by, new)
    }
}

/// What is to be revoked, why, and who says so.
struct Order<'o> {
    org: OrgId,
    reason: RevocationReason,
    note: &'o str,
    by: &'o ActionContext,
    at: DateTime<Utc>,
}

impl Order<'_> {
    const fn revocation(&self) -> Revocation {
        Revocation { at: self.at, reason: self.reason }
    }
}
