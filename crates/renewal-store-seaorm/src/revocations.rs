//! Revocations: recorded and looked up.

use async_trait::async_trait;
use renewal_domain::{
    Action, Block, OrgId, Page, PageRequest, RevocationId, RevocationStore, RevokedCertificate, Serial,
    Sha256Digest, StoreError,
};

use crate::actions::{of_organisation, record};
use crate::entity::revocation;
use crate::failure::{Failure, conflict};
use crate::open_check_statements::{blocks_of, revocations};
use crate::session::{Transaction, retrying};
use crate::store::SeaOrmStore;
use crate::{block_statements, fleet_statements, revocation_statements as statements};

#[async_trait]
impl RevocationStore for SeaOrmStore {
    async fn revoke(
        &self,
        org: OrgId,
        revocations: &[(RevokedCertificate, Action)],
        block: Option<(Block, Action)>,
    ) -> Result<Vec<RevocationId>, StoreError> {
        for (revoked, action) in revocations {
            of_organisation(org, action)?;
            if revoked.org_id != org {
                return Err(conflict("the revocation is of another organisation"));
            }
        }
        if let Some((block, action)) = &block {
            of_organisation(org, action)?;
            if block.org_id != org {
                return Err(conflict("the block is of another organisation"));
            }
        }
        Ok(retrying(|| self.try_revoke(org, revocations, block.as_ref())).await?)
    }

    async fn revocation(
        &self,
        org: OrgId,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<Option<RevokedCertificate>, StoreError> {
        let select = revocations(self.session.backend(), Some(org), issuer_key_sha256, &[serial]);
        self.session.read(&select).await?.first().map(revocation::read).transpose()
    }

    async fn is_revoked_anywhere(
        &self,
        issuer_key_sha256: &Sha256Digest,
        serial: &Serial,
    ) -> Result<bool, StoreError> {
        let select = revocations(self.session.backend(), None, issuer_key_sha256, &[serial]);
        Ok(!self.session.read(&select).await?.is_empty())
    }

    async fn revocations(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<RevokedCertificate>, StoreError> {
        let rows = self.session.read(&statements::oldest(self.session.backend(), org, page)).await?;
        let revocations = rows.iter().map(revocation::read).collect::<Result<_, _>>()?;
        Ok(Page::of(revocations, page, &RevokedCertificate::scope(org), |revoked| revoked.id.as_uuid()))
    }
}

impl SeaOrmStore {
    /// Whether each is there already is asked first: on PostgreSQL a transaction ends with its first
    /// error. Of two that revoke the same at once, one fails by the unique key, and is run again.
    async fn try_revoke(
        &self,
        org: OrgId,
        revocations: &[(RevokedCertificate, Action)],
        block: Option<&(Block, Action)>,
    ) -> Result<Vec<RevocationId>, Failure> {
        let transaction = self.session.begin().await?;
        match self.write_revocations(&transaction, org, revocations, block).await {
            Ok(recorded) => transaction.commit().await.map(|()| recorded),
            Err(Failure::Duplicate) => {
                transaction.rollback().await?;
                Err(Failure::overtaken())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn write_revocations(
        &self,
        transaction: &Transaction,
        org: OrgId,
        revocations: &[(RevokedCertificate, Action)],
        block: Option<&(Block, Action)>,
    ) -> Result<Vec<RevocationId>, Failure> {
        let backend = self.session.backend();
        let mut recorded = Vec::new();
        for (revoked, action) in revocations {
            let there = self::revocations(backend, Some(org), &revoked.issuer_key_sha256, &[&revoked.serial]);
            if !transaction.read(&there).await?.is_empty() {
                continue;
            }
            transaction.write(&statements::insert(revoked)).await?;
            if transaction.write(&statements::revoke_row(revoked)).await? > 0 {
                transaction.write(&fleet_statements::forget_current(org, &revoked.serial)).await?;
            }
            record(transaction, action).await?;
            recorded.push(revoked.id);
        }
        if let Some((block, action)) = block {
            let there = blocks_of(backend, org, [block.subject].into_iter());
            if transaction.read(&there).await?.is_empty() {
                transaction.write(&block_statements::insert(block)).await?;
                record(transaction, action).await?;
            }
        }
        Ok(recorded)
    }
}
