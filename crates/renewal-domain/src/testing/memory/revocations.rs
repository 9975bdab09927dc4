//! What is revoked.

use async_trait::async_trait;

use super::{MemoryStore, Tables, of_organisation, oldest_first};
use crate::{
    Action, Block, OrgId, Page, PageRequest, RevocationId, RevocationStore, RevokedCertificate, Serial,
    Sha256Digest, StoreError,
};

impl Tables {
    /// The revocation of a certificate in an organisation.
    pub(super) fn revocation(
        &self,
        org: OrgId,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Option<&RevokedCertificate> {
        self.revocations_of(issuer_key_sha256, serial).find(|revoked| revoked.org_id == org)
    }

    /// The revocations of a certificate in all organisations.
    pub(super) fn revocations_of(
        &self,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> impl Iterator<Item = &RevokedCertificate> {
        self.revocations.values().filter(move |revoked| {
            revoked.issuer_key_sha256 == *issuer_key_sha256 && revoked.serial == *serial
        })
    }

    /// Records a revocation with its action, unless the certificate is revoked already.
    fn revoke(
        &mut self,
        org: OrgId,
        revoked: &RevokedCertificate,
        action: &Action,
    ) -> Result<bool, StoreError> {
        of_organisation(org, revoked.org_id, "revocation")?;
        of_organisation(org, action.org_id, "action")?;
        if self.revocation(org, &revoked.issuer_key_sha256, &revoked.serial).is_some() {
            return Ok(false);
        }
        self.record(org, action)?;
        self.revocations.insert((org, revoked.id), revoked.clone());
        let row = self.certificates.get_mut(&(org, revoked.serial.clone()));
        if let Some(row) = row.filter(|row| row.issuer_key_sha256 == revoked.issuer_key_sha256) {
            row.revocation = Some(revoked.revocation);
            if let Some((_, latest)) = self.latest.get_mut(&(org, row.device_id)) {
                latest.revoked |= latest.serial == revoked.serial;
            }
        }
        Ok(true)
    }
}

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn revoke(
        &self,
        org: OrgId,
        revocations: &[(RevokedCertificate, Action)],
        block: Option<(Block, Action)>,
    ) -> Result<Vec<RevocationId>, StoreError> {
        self.transaction(|tables| {
            let mut recorded = Vec::new();
            for (revoked, action) in revocations {
                if tables.revoke(org, revoked, action)? {
                    recorded.push(revoked.id);
                }
            }
            if let Some((block, action)) = &block {
                tables.block(org, block, action)?;
            }
            Ok(recorded)
        })
    }

    async fn revocation(
        &self,
        org: OrgId,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<Option<RevokedCertificate>, StoreError> {
        Ok(self.tables().revocation(org, issuer_key_sha256, serial).cloned())
    }

    async fn is_revoked_anywhere(
        &self,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<bool, StoreError> {
        Ok(self.tables().revocations_of(issuer_key_sha256, serial).next().is_some())
    }

    async fn revocations(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<RevokedCertificate>, StoreError> {
        let tables = self.tables();
        let found = tables.revocations.values().filter(|revoked| revoked.org_id == org);
        Ok(oldest_first(found, page, &RevokedCertificate::scope(org), |revoked| revoked.id.as_uuid()))
    }
}
