//! Who gets no certificates.

use async_trait::async_trait;

use super::{MemoryStore, Tables, newest_first, of_organisation};
use crate::{Action, Block, BlockStore, BlockSubject, OrgId, Page, PageRequest, StoreError};

impl Tables {
    /// Puts a block in force with its action, unless the subject is blocked already.
    pub(super) fn block(&mut self, org: OrgId, block: &Block, action: &Action) -> Result<bool, StoreError> {
        of_organisation(org, block.org_id, "block")?;
        of_organisation(org, action.org_id, "action")?;
        if self.blocks.contains_key(&(org, block.subject)) {
            return Ok(false);
        }
        self.record(org, action)?;
        self.blocks.insert((org, block.subject), block.clone());
        Ok(true)
    }
}

#[async_trait]
impl BlockStore for MemoryStore {
    async fn block(&self, org: OrgId, block: &Block, action: &Action) -> Result<bool, StoreError> {
        self.transaction(|tables| tables.block(org, block, action))
    }

    async fn unblock(&self, org: OrgId, subject: &BlockSubject, action: &Action) -> Result<bool, StoreError> {
        of_organisation(org, action.org_id, "action")?;
        self.transaction(|tables| {
            if tables.blocks.remove(&(org, *subject)).is_none() {
                return Ok(false);
            }
            tables.record(org, action).map(|()| true)
        })
    }

    async fn block_of(&self, org: OrgId, subject: &BlockSubject) -> Result<Option<Block>, StoreError> {
        Ok(self.tables().blocks.get(&(org, *subject)).cloned())
    }

    async fn blocks(&self, org: OrgId, page: &PageRequest) -> Result<Page<Block>, StoreError> {
        let tables = self.tables();
        let mut found: Vec<_> = tables.blocks.values().filter(|block| block.org_id == org).collect();
        found.sort_by_key(|block| block.action_id);
        Ok(newest_first(found.into_iter(), page, &Block::scope(org), |block| block.action_id.as_uuid()))
    }
}
