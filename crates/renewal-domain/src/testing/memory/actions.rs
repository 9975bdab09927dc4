//! Who did what.

use async_trait::async_trait;

use super::{MemoryStore, Tables, conflict, newest_first, of_organisation};
use crate::{Action, ActionFilter, ActionStore, OrgId, Page, PageRequest, StoreError};

impl Tables {
    /// Records an action, as part of the transaction that has its effect.
    pub(super) fn record(&mut self, org: OrgId, action: &Action) -> Result<(), StoreError> {
        of_organisation(org, action.org_id, "action")?;
        match self.actions.insert((org, action.id), action.clone()) {
            Some(_) => Err(conflict("the id is another action's")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl ActionStore for MemoryStore {
    async fn record_action(&self, org: OrgId, action: &Action) -> Result<(), StoreError> {
        self.transaction(|tables| tables.record(org, action))
    }

    async fn actions(
        &self,
        org: OrgId,
        filter: &ActionFilter,
        page: &PageRequest,
    ) -> Result<Page<Action>, StoreError> {
        let tables = self.tables();
        let found = tables.actions.values().filter(|action| action.org_id == org && filter.matches(action));
        Ok(newest_first(found, page, &filter.scope(org), ActionFilter::position))
    }
}
