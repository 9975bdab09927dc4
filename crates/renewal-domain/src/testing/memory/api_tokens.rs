//! The tokens of operators.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use super::{MemoryStore, conflict};
use crate::{ApiToken, ApiTokenId, ApiTokenStore, OrgId, Page, PageRequest, StoreError};

#[async_trait]
impl ApiTokenStore for MemoryStore {
    async fn create_api_token(&self, org: OrgId, token: &ApiToken) -> Result<(), StoreError> {
        if token.org_id != org {
            return Err(conflict("the token is of another organisation"));
        }
        let token = token.clone().in_whole_seconds();
        self.transaction(|tables| match tables.api_tokens.insert((org, token.id), token) {
            Some(_) => Err(conflict("the token exists")),
            None => Ok(()),
        })
    }

    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
        Ok(self.tables().api_tokens.get(&(org, id)).cloned())
    }

    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError> {
        let tables = self.tables();
        let ours = tables.api_tokens.values().rev().filter(|token| token.org_id == org);
        let found = ours
            .filter(|token| page.after().is_none_or(|after| token.id.as_uuid() < after))
            .take(page.size() + 1)
            .cloned()
            .collect();
        Ok(Page::of(found, page, &ApiToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiToken>, StoreError> {
        let mut tables = self.tables();
        let token = tables.api_tokens.get_mut(&(org, id));
        Ok(token.map(|token| {
            token.revoked_at.get_or_insert(at.trunc_subsecs(0));
            token.clone()
        }))
    }
}
