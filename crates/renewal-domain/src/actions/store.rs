//! How a store keeps actions.

use async_trait::async_trait;

use super::{Action, ActionFilter};
use crate::{OrgId, Page, PageRequest, StoreError};

/// Who did what: appended and read, never changed. An action whose effect is in the store is written by
/// the call that has the effect, in its transaction.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ActionStore: Send + Sync {
    /// Records an action whose effect is outside of the store, such as a new issuing authority.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is in use, or the action is of another organisation.
    async fn record_action(&self, org: OrgId, action: &Action) -> Result<(), StoreError>;

    /// Reads a page of the actions that the filter lets through, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn actions(
        &self,
        org: OrgId,
        filter: &ActionFilter,
        page: &PageRequest,
    ) -> Result<Page<Action>, StoreError>;
}
