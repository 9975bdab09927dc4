//! Blocks: put in force, lifted, read.

use async_trait::async_trait;
use renewal_domain::{Action, Block, BlockStore, BlockSubject, OrgId, Page, PageRequest, StoreError};

use crate::actions::of_organisation;
use crate::block_statements as statements;
use crate::entity::block;
use crate::failure::{Failure, conflict};
use crate::open_check_statements::blocks_of;
use crate::store::SeaOrmStore;

#[async_trait]
impl BlockStore for SeaOrmStore {
    async fn block(&self, org: OrgId, block: &Block, action: &Action) -> Result<bool, StoreError> {
        of_organisation(org, action)?;
        if block.org_id != org {
            return Err(conflict("the block is of another organisation"));
        }
        match self.session.write_with(&statements::insert(block), action).await {
            Err(Failure::Duplicate) => Ok(false),
            done => Ok(done?),
        }
    }

    async fn unblock(&self, org: OrgId, subject: &BlockSubject, action: &Action) -> Result<bool, StoreError> {
        of_organisation(org, action)?;
        Ok(self.session.write_with(&statements::delete(org, subject), action).await?)
    }

    async fn block_of(&self, org: OrgId, subject: &BlockSubject) -> Result<Option<Block>, StoreError> {
        let select = blocks_of(self.session.backend(), org, [*subject].into_iter());
        let rows = self.session.read(&select).await?;
        let found = rows.iter().map(block::read).collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().find(|block| block.subject == *subject))
    }

    async fn blocks(&self, org: OrgId, page: &PageRequest) -> Result<Page<Block>, StoreError> {
        let rows = self.session.read(&statements::newest(self.session.backend(), org, page)).await?;
        let blocks = rows.iter().map(block::read).collect::<Result<_, _>>()?;
        Ok(Page::of(blocks, page, &Block::scope(org), |block| block.action_id.as_uuid()))
    }
}
