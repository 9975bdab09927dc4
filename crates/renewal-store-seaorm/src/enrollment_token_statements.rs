//! The statements about tokens with which devices enroll.

use chrono::{DateTime, Utc};
use renewal_domain::{ApiTokenId, EnrollmentToken, OrgId, PageRequest, RequestId, Sha256Digest, TokenId};
use sea_orm::sea_query::{Query, SelectStatement, UpdateStatement};
use sea_orm::{ColumnTrait, Iterable, Value};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::enrollment_token::{Column, Entity, row};
use crate::insert::Insert;
use crate::mac::AuthenticationKeys;
use crate::statements::select;
use crate::stretch::Stretch;

/// Adds a token.
pub(crate) fn insert(token: &EnrollmentToken, keys: &AuthenticationKeys) -> Insert {
    Insert::of(Entity, [row(token, keys)])
}

/// Reads a token.
pub(crate) fn by_id(org: OrgId, id: TokenId) -> SelectStatement {
    let mut select = select(Column::iter(), Entity, Column::OrgId.eq(org.as_uuid()));
    select.and_where(Column::Id.eq(id.as_uuid()));
    select
}

/// Reads the token with a secret, by `idx_enrollment_tokens_secret`.
pub(crate) fn by_secret(org: OrgId, secret_sha256: &Sha256Digest) -> SelectStatement {
    let mut select = select(Column::iter(), Entity, Column::OrgId.eq(org.as_uuid()));
    select.and_where(Column::SecretSha256.eq(secret_sha256.to_vec()));
    select
}

/// Reads a page of tokens, newest first: those that were made with a token of the API by
/// `idx_enrollment_tokens_made_by`.
pub(crate) fn newest(
    backend: Backend,
    org: OrgId,
    maker: Option<ApiTokenId>,
    page: &PageRequest,
) -> SelectStatement {
    let by_maker = Index::Named("idx_enrollment_tokens_made_by");
    let mut fixed = vec![(Column::OrgId, org.as_uuid().into())];
    fixed.extend(maker.map(|maker| (Column::MadeByTokenId, maker.as_uuid().into())));
    let stretch = Stretch {
        index: if maker.is_some() { by_maker } else { Index::Primary },
        fixed,
        last: Column::Id,
        behind: page.after().map(Value::from),
    };
    stretch.descending(backend, Entity).limit(limit(page)).take()
}

/// Spends a token for a request, unless it has ended before.
pub(crate) fn mark_used(org: OrgId, id: TokenId, by: RequestId) -> UpdateStatement {
    end(org, id).value(Column::UsedByRequestId, by.as_uuid()).take()
}

/// Revokes a token, unless it has ended before.
pub(crate) fn revoke(org: OrgId, id: TokenId, at: DateTime<Utc>) -> UpdateStatement {
    end(org, id).value(Column::RevokedAt, at).take()
}

/// A change of a token that has not ended.
fn end(org: OrgId, id: TokenId) -> UpdateStatement {
    Query::update()
        .table(Entity)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::Id.eq(id.as_uuid()))
        .and_where(Column::UsedByRequestId.is_null())
        .and_where(Column::RevokedAt.is_null())
        .take()
}
