//! The ledger.

use async_trait::async_trait;

use super::{MemoryStore, Tables, conflict, newest_first, of_organisation};
use crate::{
    EventFilter, EventId, OrgId, Page, PageRequest, RenewalEvent, RenewalEventStore, Stage, StoreError,
};

impl Tables {
    pub(super) fn append(&mut self, org: OrgId, event: &RenewalEvent) -> Result<(), StoreError> {
        of_organisation(org, event.org_id(), "event")?;
        if let Some(there) = self.events.get(&(org, event.id())) {
            return if there == event { Ok(()) } else { Err(conflict("the id is another event's")) };
        }
        let is_start = |event: &RenewalEvent| event.stage() == Stage::Start;
        let twice = self.events.values().any(|other| {
            other.org_id() == org
                && other.attempt_id() == event.attempt_id()
                && is_start(other) == is_start(event)
        });
        if twice {
            return Err(conflict("the attempt has ended"));
        }
        self.events.insert((org, event.id()), event.clone());
        Ok(())
    }
}

#[async_trait]
impl RenewalEventStore for MemoryStore {
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        self.transaction(|tables| events.iter().try_for_each(|event| tables.append(org, event)))
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        let tables = self.tables();
        let events = tables.events.values();
        let found = events.filter(|event| event.org_id() == org && filter.matches(event));
        Ok(newest_first(found, page, &filter.scope(org), RenewalEvent::position))
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        Ok(self.tables().events.get(&(org, id)).cloned())
    }
}
