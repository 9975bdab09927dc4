//! Certificates of the ledger, to be handed out.

use renewal_domain::{CertificateRecord, OrgId, Serial};

use super::CsrService;
use crate::encoding::pem_of;
use crate::outcome::ServiceError;
use crate::stored::check_stored;

impl CsrService {
    /// Reads a certificate from the ledger, and checks that an authority of ours signed it and that it is
    /// the one that its row says: who can write to the database is not the authority. None if there is none.
    ///
    /// # Errors
    /// The store's failures; [`StoreError::Corrupt`](renewal_domain::StoreError::Corrupt) says what is wrong
    /// with a row.
    pub async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, ServiceError> {
        let found = self.parts.stores.issuance.certificate(org, serial).await?;
        if let Some(certificate) = &found {
            check_stored(certificate, &self.parts.device_issuers)?;
        }
        Ok(found)
    }
}

/// The certificate of a record in PEM (RFC 7468, section 5).
#[must_use]
pub fn certificate_pem(certificate: &CertificateRecord) -> String {
    pem_of("CERTIFICATE", &certificate.der)
}
