//! The statements about tokens with which operators use the HTTP API. Each finds its rows by the
//! primary key, or by the index that its comment names.

use chrono::{DateTime, Utc};
use renewal_domain::{ApiToken, ApiTokenId, OrgId, PageRequest};
use sea_orm::sea_query::{Query, SelectStatement, UpdateStatement};
use sea_orm::{ColumnTrait, Iterable, Value};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::api_token::{Column, Entity, row};
use crate::insert::Insert;
use crate::mac::AuthenticationKeys;
use crate::statements::select;
use crate::stretch::Stretch;

/// Adds a token.
pub(crate) fn insert(token: &ApiToken, keys: &AuthenticationKeys) -> Insert {
    Insert::of(Entity, [row(token, keys)])
}

/// Reads a token.
pub(crate) fn by_id(org: OrgId, id: ApiTokenId) -> SelectStatement {
    let mut select = select(Column::iter(), Entity, Column::OrgId.eq(org.as_uuid()));
    select.and_where(Column::Id.eq(id.as_uuid()));
    select
}

/// Reads a page of tokens, newest first: those that were made with another one by
/// `idx_api_tokens_made_by`.
pub(crate) fn newest(
    backend: Backend,
    org: OrgId,
    maker: Option<ApiTokenId>,
    page: &PageRequest,
) -> SelectStatement {
    let mut fixed = vec![(Column::OrgId, org.as_uuid().into())];
    fixed.extend(maker.map(|maker| (Column::MadeByTokenId, maker.as_uuid().into())));
    let stretch = Stretch {
        index: if maker.is_some() { Index::Named("idx_api_tokens_made_by") } else { Index::Primary },
        fixed,
        last: Column::Id,
        behind: page.after().map(Value::from),
    };
    stretch.descending(backend, Entity).limit(limit(page)).take()
}

/// Revokes a token, unless it was revoked before.
pub(crate) fn revoke(org: OrgId, id: ApiTokenId, at: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(Entity)
        .value(Column::RevokedAt, at)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::Id.eq(id.as_uuid()))
        .and_where(Column::RevokedAt.is_null())
        .take()
}
