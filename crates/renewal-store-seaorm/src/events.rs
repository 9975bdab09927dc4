//! The ledger: appending and reading events.

use async_trait::async_trait;
use renewal_domain::{
    EventFilter, EventId, OrgId, Page, PageRequest, RenewalEvent, RenewalEventStore, StoreError,
};

use crate::access::candidates;
use crate::failure::conflict;
use crate::statements;
use crate::store::SeaOrmStore;
use crate::writes::Write;

/// Batches of more events than this are large enough by themselves, and would only keep others
/// waiting.
const SMALL: usize = 64;

#[async_trait]
impl RenewalEventStore for SeaOrmStore {
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        if events.iter().any(|event| event.org_id() != org) {
            return Err(conflict("the event is of another organisation"));
        }
        if events.is_empty() {
            return Ok(());
        }
        if events.len() > SMALL {
            return self.session.append(org, events).await;
        }
        let events = events.to_vec();
        self.writes.ask(&self.writer, |caller| Write::Append { org, events, caller }).await
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        let mut events = match candidates(self.session.backend(), org, filter, page) {
            Some(select) => self.session.events(&select).await?,
            None => Vec::new(),
        };
        let after = page.after();
        events.retain(|event| filter.matches(event) && after.is_none_or(|after| event.position() < after));
        Ok(Page::of(events, page, &filter.scope(org), RenewalEvent::position))
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        Ok(self.session.events(&statements::events_by_id(self.session.backend(), org, [id])).await?.pop())
    }
}
