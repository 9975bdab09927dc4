//! Tokens with which operators use the HTTP API: making, reading, revoking.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use renewal_domain::{ApiToken, ApiTokenId, ApiTokenStore, OrgId, Page, PageRequest, StoreError};

use crate::api_token_statements as statements;
use crate::entity::api_token;
use crate::failure::{Failure, conflict};
use crate::session::retrying;
use crate::store::SeaOrmStore;

#[async_trait]
impl ApiTokenStore for SeaOrmStore {
    async fn create_api_token(&self, org: OrgId, token: &ApiToken) -> Result<(), StoreError> {
        if token.org_id != org {
            return Err(conflict("the token is of another organisation"));
        }
        let insert = statements::insert(token);
        match retrying(|| self.session.write(&insert)).await {
            Err(Failure::Duplicate) => Err(conflict("the token exists")),
            done => Ok(done.map(drop)?),
        }
    }

    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
        let rows = self.session.read(&statements::by_id(org, id)).await?;
        rows.first().map(api_token::read).transpose()
    }

    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError> {
        let select = statements::newest(self.session.backend(), org, page);
        let rows = self.session.read(&select).await?;
        let tokens = rows.iter().map(api_token::read).collect::<Result<_, _>>()?;
        Ok(Page::of(tokens, page, &ApiToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiToken>, StoreError> {
        let revoke = statements::revoke(org, id, at.trunc_subsecs(0));
        retrying(|| self.session.write(&revoke)).await?;
        self.api_token(org, id).await
    }
}
