//! Tokens with which operators use the HTTP API: making, reading, revoking.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use renewal_domain::{Action, ApiToken, ApiTokenId, ApiTokenStore, OrgId, Page, PageRequest, StoreError};

use crate::actions::of_organisation;
use crate::api_token_statements as statements;
use crate::entity::api_token;
use crate::failure::{Failure, conflict};
use crate::mac::required;
use crate::store::SeaOrmStore;

#[async_trait]
impl ApiTokenStore for SeaOrmStore {
    async fn create_api_token(
        &self,
        org: OrgId,
        token: &ApiToken,
        action: &Action,
    ) -> Result<(), StoreError> {
        of_organisation(org, action)?;
        if token.org_id != org {
            return Err(conflict("the token is of another organisation"));
        }
        let insert = statements::insert(token, required(self.session.keys())?);
        match self.session.write_with(&insert, action).await {
            Err(Failure::Duplicate) => Err(conflict("the token exists")),
            done => Ok(done.map(drop)?),
        }
    }

    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
        let keys = required(self.session.keys())?;
        let rows = self.session.read(&statements::by_id(org, id)).await?;
        rows.first().map(|row| api_token::read(row, keys)).transpose()
    }

    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError> {
        self.newest_api_tokens(org, None, page).await
    }

    async fn api_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError> {
        self.newest_api_tokens(org, Some(maker), page).await
    }

    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<ApiToken>, StoreError> {
        of_organisation(org, action)?;
        required(self.session.keys())?;
        let revoke = statements::revoke(org, id, at.trunc_subsecs(0));
        self.session.write_with(&revoke, action).await?;
        self.api_token(org, id).await
    }
}

impl SeaOrmStore {
    async fn newest_api_tokens(
        &self,
        org: OrgId,
        maker: Option<ApiTokenId>,
        page: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError> {
        let keys = required(self.session.keys())?;
        let rows = self.session.read(&statements::newest(self.session.backend(), org, maker, page)).await?;
        let read = |row| api_token::read(row, keys);
        let tokens = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(tokens, page, &ApiToken::scope(org), |token| token.id.as_uuid()))
    }
}
