//! The shortest store that keeps every promise: ordered maps behind one lock.

mod actions;
mod api_tokens;
mod blocks;
mod enrollment_tokens;
mod events;
mod fleet;
mod issuance;
mod open_checks;
mod retention;
mod revocations;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::{
    Action, ActionId, ApiToken, ApiTokenId, Block, BlockSubject, CertificateRecord, DeviceId,
    EnrollmentToken, EventId, LatestCertificate, OpenRequest, OrgId, Page, PageRequest, RenewalEvent,
    RequestId, RevocationId, RevokedCertificate, Scope, Serial, StoreError, TokenId,
};

/// A store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    events: BTreeMap<(OrgId, EventId), RenewalEvent>,
    requests: BTreeMap<(OrgId, RequestId), OpenRequest>,
    certificates: BTreeMap<(OrgId, Serial), CertificateRecord>,
    /// The certificate of each device that answers its latest request, be it revoked or not.
    latest: BTreeMap<(OrgId, DeviceId), (RequestId, LatestCertificate)>,
    enrollment_tokens: BTreeMap<(OrgId, TokenId), EnrollmentToken>,
    api_tokens: BTreeMap<(OrgId, ApiTokenId), ApiToken>,
    actions: BTreeMap<(OrgId, ActionId), Action>,
    blocks: BTreeMap<(OrgId, BlockSubject), Block>,
    revocations: BTreeMap<(OrgId, RevocationId), RevokedCertificate>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes all tables or, on an error, none.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tables = self.tables();
        let mut changed = tables.clone();
        let done = work(&mut changed)?;
        *tables = changed;
        Ok(done)
    }
}

/// A page of what is in the order of ids, the oldest first.
fn oldest_first<'t, T: Clone + 't>(
    items: impl Iterator<Item = &'t T>,
    page: &PageRequest,
    scope: &Scope,
    id: impl Fn(&T) -> Uuid,
) -> Page<T> {
    let found = items.filter(|item| page.after().is_none_or(|after| id(item) > after));
    Page::of(found.take(page.size() + 1).cloned().collect(), page, scope, id)
}

/// A page of what is in the order of ids, the newest first.
fn newest_first<'t, T: Clone + 't>(
    items: impl DoubleEndedIterator<Item = &'t T>,
    page: &PageRequest,
    scope: &Scope,
    id: impl Fn(&T) -> Uuid,
) -> Page<T> {
    let found = items.rev().filter(|item| page.after().is_none_or(|after| id(item) < after));
    Page::of(found.take(page.size() + 1).cloned().collect(), page, scope, id)
}

/// Refuses what is of another organisation.
fn of_organisation(org: OrgId, of: OrgId, what: &str) -> Result<(), StoreError> {
    if of == org { Ok(()) } else { Err(conflict(&format!("the {what} is of another organisation"))) }
}

fn conflict(what: &str) -> StoreError {
    StoreError::Conflict(what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::conformance;

    #[tokio::test]
    async fn the_memory_store_conforms() {
        for case in conformance::cases() {
            let store = Arc::new(MemoryStore::new());
            (case.run)(store.into()).await;
        }
    }
}
