//! Tokens with which devices enroll: making, finding, revoking. Spending one is part of
//! completing a request.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use renewal_domain::{
    EnrollmentToken, EnrollmentTokenStore, OrgId, Page, PageRequest, Sha256Digest, StoreError, TokenId,
};
use sea_orm::sea_query::SelectStatement;

use crate::enrollment_token_statements as statements;
use crate::entity::enrollment_token;
use crate::failure::{Failure, conflict};
use crate::session::retrying;
use crate::store::SeaOrmStore;

#[async_trait]
impl EnrollmentTokenStore for SeaOrmStore {
    async fn create_enrollment_token(&self, org: OrgId, token: &EnrollmentToken) -> Result<(), StoreError> {
        if token.org_id != org {
            return Err(conflict("the token is of another organisation"));
        }
        let insert = statements::insert(token);
        match retrying(|| self.session.write(&insert)).await {
            Err(Failure::Duplicate) => Err(conflict("the token exists")),
            done => Ok(done.map(drop)?),
        }
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
        let select = statements::newest(self.session.backend(), org, page);
        let rows = self.session.read(&select).await?;
        let tokens = rows.iter().map(enrollment_token::read).collect::<Result<_, _>>()?;
        Ok(Page::of(tokens, page, &EnrollmentToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        let revoke = statements::revoke(org, id, at.trunc_subsecs(0));
        retrying(|| self.session.write(&revoke)).await?;
        self.token(&statements::by_id(org, id)).await
    }
}

impl SeaOrmStore {
    async fn token(&self, select: &SelectStatement) -> Result<Option<EnrollmentToken>, StoreError> {
        let rows = self.session.read(select).await?;
        rows.first().map(enrollment_token::read).transpose()
    }
}
