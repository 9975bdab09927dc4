//! Revocations: recorded and looked up.

use std::collections::{BTreeMap, HashSet};

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
use crate::{action_statements, block_statements, fleet_statements, revocation_statements as statements};

/// How many certificates one statement asks for.
const SERIALS: usize = 512;

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
        let new = self.not_revoked(transaction, org, revocations).await?;
        let mut rows: Vec<_> = new.iter().map(|(revoked, _)| revoked).collect();
        // In one order, whoever writes: so two that revoke the same wait for one another, and not each for
        // the other.
        rows.sort_by_key(|revoked| (revoked.issuer_key_sha256, &revoked.serial));
        for insert in statements::insert(&rows) {
            transaction.write(&insert).await?;
        }
        for revoked in rows {
            if transaction.write(&statements::revoke_row(revoked)).await? > 0 {
                transaction.write(&fleet_statements::forget_current(org, &revoked.serial)).await?;
            }
        }
        let actions: Vec<_> = new.iter().map(|(_, action)| action).collect();
        for insert in action_statements::insert(&actions) {
            transaction.write(&insert).await?;
        }
        if let Some((block, action)) = block {
            let there = blocks_of(backend, org, [block.subject].into_iter());
            if transaction.read(&there).await?.is_empty() {
                transaction.write(&block_statements::insert(block)).await?;
                record(transaction, action).await?;
            }
        }
        Ok(new.iter().map(|(revoked, _)| revoked.id).collect())
    }

    /// Those whose certificates are not revoked yet, each certificate once.
    async fn not_revoked<'r>(
        &self,
        transaction: &Transaction,
        org: OrgId,
        revocations: &'r [(RevokedCertificate, Action)],
    ) -> Result<Vec<&'r (RevokedCertificate, Action)>, Failure> {
        let mut asked: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (revoked, _) in revocations {
            asked.entry(&revoked.issuer_key_sha256).or_default().push(&revoked.serial);
        }
        let mut there = HashSet::new();
        for (issuer, serials) in asked {
            for serials in serials.chunks(SERIALS) {
                let select = self::revocations(self.session.backend(), Some(org), issuer, serials);
                for row in transaction.read(&select).await? {
                    there.insert((*issuer, revocation::read(&row)?.serial));
                }
            }
        }
        let mut is_new =
            |revoked: &RevokedCertificate| there.insert((revoked.issuer_key_sha256, revoked.serial.clone()));
        Ok(revocations.iter().filter(|(revoked, _)| is_new(revoked)).collect())
    }
}
