//! Tokens with which devices enroll: making, finding, revoking. Using one is part of
//! completing a request.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use renewal_domain::{
    Action, ApiTokenId, EnrollmentToken, EnrollmentTokenStore, OrgId, Page, PageRequest, Sha256Digest,
    StoreError, TokenId,
};
use sea_orm::sea_query::SelectStatement;

use crate::actions::of_organisation;
use crate::enrollment_token_statements as statements;
use crate::entity::enrollment_token;
use crate::failure::{Failure, conflict};
use crate::mac::required;
use crate::store::SeaOrmStore;

#[async_trait]
impl EnrollmentTokenStore for SeaOrmStore {
    async fn create_enrollment_token(
        &self,
        org: OrgId,
        token: &EnrollmentToken,
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

    async fn enrollment_token(&self, org: OrgId, id: TokenId) -> Result<Option<EnrollmentToken>, StoreError> {
        self.token(&statements::by_id(org, id)).await
    }

    async fn enrollment_token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        self.token(&statements::by_secret(org, secret_sha256)).await
    }

    async fn enrollment_tokens(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        self.tokens(org, None, page).await
    }

    async fn enrollment_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        self.tokens(org, Some(maker), page).await
    }

    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        of_organisation(org, action)?;
        required(self.session.keys())?;
        let revoke = statements::revoke(org, id, at.trunc_subsecs(0));
        self.session.write_with(&revoke, action).await?;
        self.enrollment_token(org, id).await
    }
}

impl SeaOrmStore {
    async fn token(&self, select: &SelectStatement) -> Result<Option<EnrollmentToken>, StoreError> {
        let keys = required(self.session.keys())?;
        let rows = self.session.read(select).await?;
        rows.first().map(|row| enrollment_token::read(row, keys)).transpose()
    }

    async fn tokens(
        &self,
        org: OrgId,
        maker: Option<ApiTokenId>,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        let keys = required(self.session.keys())?;
        let rows = self.session.read(&statements::newest(self.session.backend(), org, maker, page)).await?;
        let read = |row| enrollment_token::read(row, keys);
        let tokens = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(tokens, page, &EnrollmentToken::scope(org), |token| token.id.as_uuid()))
    }
}
