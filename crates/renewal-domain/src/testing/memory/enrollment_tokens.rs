//! The tokens with which devices enroll.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use super::{MemoryStore, conflict, newest_first, of_organisation};
use crate::{
    Action, ApiTokenId, EnrollmentToken, EnrollmentTokenStore, OrgId, Page, PageRequest, Sha256Digest,
    StoreError, TokenEnd, TokenId,
};

#[async_trait]
impl EnrollmentTokenStore for MemoryStore {
    async fn create_enrollment_token(
        &self,
        org: OrgId,
        token: &EnrollmentToken,
        action: &Action,
    ) -> Result<(), StoreError> {
        of_organisation(org, token.org_id, "token")?;
        self.transaction(|tables| {
            let mut ours = tables.enrollment_tokens.values().filter(|other| other.org_id == org);
            if ours.any(|other| other.id == token.id || other.secret_sha256 == token.secret_sha256) {
                return Err(conflict("the token exists"));
            }
            tables.enrollment_tokens.insert((org, token.id), token.clone().in_whole_seconds());
            tables.record(org, action)
        })
    }

    async fn enrollment_token(&self, org: OrgId, id: TokenId) -> Result<Option<EnrollmentToken>, StoreError> {
        Ok(self.tables().enrollment_tokens.get(&(org, id)).cloned())
    }

    async fn enrollment_token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        let tables = self.tables();
        let mut ours = tables.enrollment_tokens.values().filter(|token| token.org_id == org);
        Ok(ours.find(|token| token.secret_sha256 == *secret_sha256).cloned())
    }

    async fn enrollment_tokens(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        let tables = self.tables();
        let found = tables.enrollment_tokens.values().filter(|token| token.org_id == org);
        Ok(newest_first(found, page, &EnrollmentToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn enrollment_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        let tables = self.tables();
        let ours = tables.enrollment_tokens.values().filter(|token| token.org_id == org);
        let found = ours.filter(|token| token.made_by.api_token() == Some(maker));
        Ok(newest_first(found, page, &EnrollmentToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        of_organisation(org, action.org_id, "action")?;
        self.transaction(|tables| {
            let Some(token) = tables.enrollment_tokens.get_mut(&(org, id)) else { return Ok(None) };
            let had_ended = token.end.is_some();
            token.end.get_or_insert(TokenEnd::Revoked { at: at.trunc_subsecs(0) });
            let token = token.clone();
            if !had_ended {
                tables.record(org, action)?;
            }
            Ok(Some(token))
        })
    }
}
