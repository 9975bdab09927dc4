//! Actions: recorded and listed.

use async_trait::async_trait;
use renewal_domain::{Action, ActionFilter, ActionStore, OrgId, Page, PageRequest, StoreError};

use sea_orm::StatementBuilder;

use crate::action_statements as statements;
use crate::entity::action;
use crate::failure::{Failure, conflict};
use crate::session::{Session, Transaction, retrying};
use crate::store::SeaOrmStore;

#[async_trait]
impl ActionStore for SeaOrmStore {
    async fn record_action(&self, org: OrgId, action: &Action) -> Result<(), StoreError> {
        of_organisation(org, action)?;
        let insert = statements::insert(&[action]);
        let Some(insert) = insert.first() else { return Ok(()) };
        match retrying(|| self.session.write(insert)).await {
            Err(Failure::Duplicate) => Err(conflict("the id is another action's")),
            done => Ok(done.map(drop)?),
        }
    }

    async fn actions(
        &self,
        org: OrgId,
        filter: &ActionFilter,
        page: &PageRequest,
    ) -> Result<Page<Action>, StoreError> {
        let rows = self.session.read(&statements::list(self.session.backend(), org, filter, page)).await?;
        let actions = rows.iter().map(action::read).collect::<Result<_, _>>()?;
        Ok(Page::of(actions, page, &filter.scope(org), ActionFilter::position))
    }
}

impl Session {
    /// Carries out a statement and, if it wrote a row, records the action, in one transaction. Whether it
    /// wrote one.
    pub(crate) async fn write_with(
        &self,
        statement: &impl StatementBuilder,
        action: &Action,
    ) -> Result<bool, Failure> {
        retrying(|| self.try_write_with(statement, action)).await
    }

    async fn try_write_with(
        &self,
        statement: &impl StatementBuilder,
        action: &Action,
    ) -> Result<bool, Failure> {
        let transaction = self.begin().await?;
        if transaction.write(statement).await? == 0 {
            return transaction.rollback().await.map(|()| false);
        }
        record(&transaction, action).await?;
        transaction.commit().await.map(|()| true)
    }
}

/// Records an action in the transaction of its effect.
pub(crate) async fn record(transaction: &Transaction, action: &Action) -> Result<(), Failure> {
    for insert in statements::insert(&[action]) {
        transaction.write(&insert).await?;
    }
    Ok(())
}

/// Refuses an action of another organisation.
pub(crate) fn of_organisation(org: OrgId, action: &Action) -> Result<(), StoreError> {
    if action.org_id == org { Ok(()) } else { Err(conflict("the action is of another organisation")) }
}
