//! The tokens of operators.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use super::{MemoryStore, conflict, newest_first, of_organisation};
use crate::{Action, ApiToken, ApiTokenId, ApiTokenStore, OrgId, Page, PageRequest, StoreError};

#[async_trait]
impl ApiTokenStore for MemoryStore {
    async fn create_api_token(
        &self,
        org: OrgId,
        token: &ApiToken,
        action: &Action,
    ) -> Result<(), StoreError> {
        of_organisation(org, token.org_id, "token")?;
        let token = token.clone().in_whole_seconds();
        self.transaction(|tables| match tables.api_tokens.insert((org, token.id), token) {
            Some(_) => Err(conflict("the token exists")),
            None => tables.record(org, action),
        })
    }

    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
        Ok(self.tables().api_tokens.get(&(org, id)).cloned())
    }

    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError> {
        let tables = self.tables();
        let found = tables.api_tokens.values().filter(|token| token.org_id == org);
        Ok(newest_first(found, page, &ApiToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn api_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError> {
        let tables = self.tables();
        let ours = tables.api_tokens.values().filter(|token| token.org_id == org);
        let found = ours.filter(|token| token.made_by.api_token() == Some(maker));
        Ok(newest_first(found, page, &ApiToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<ApiToken>, StoreError> {
        of_organisation(org, action.org_id, "action")?;
        self.transaction(|tables| {
            let Some(token) = tables.api_tokens.get_mut(&(org, id)) else { return Ok(None) };
            let was_revoked = token.revoked_at.is_some();
            token.revoked_at.get_or_insert(at.trunc_subsecs(0));
            let token = token.clone();
            if !was_revoked {
                tables.record(org, action)?;
            }
            Ok(Some(token))
        })
    }
}
