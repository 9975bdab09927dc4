//! A certificate is revoked: its device can't renew with it any more.

use chrono::SubsecRound;
use renewal_domain::{CertificateRecord, OrgId, Revocation, RevocationReason, Serial};
use tracing::info;

use super::CsrService;
use crate::outcome::ServiceError;

impl CsrService {
    /// Revokes a certificate, and returns it as the ledger has it afterwards. A certificate
    /// that was revoked before keeps the time and reason it was revoked with.
    ///
    /// # Errors
    /// [`ServiceError::NoSuchCertificate`] when it was not issued here, and the store's failures.
    pub async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        reason: RevocationReason,
    ) -> Result<CertificateRecord, ServiceError> {
        let revocation = Revocation { at: self.parts.clock.now().trunc_subsecs(0), reason };
        let revoked = self.parts.stores.issuance.revoke(org, serial, &revocation).await?;
        let certificate = revoked.ok_or_else(|| ServiceError::NoSuchCertificate(serial.clone()))?;
        info!(%org, %serial, device = %certificate.device_id, reason = reason.as_str(), "revoked a certificate");
        Ok(certificate)
    }
}
