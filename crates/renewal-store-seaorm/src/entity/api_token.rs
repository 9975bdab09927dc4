//! `api_tokens`: one row a token of an operator; only its revocation ever changes.

use chrono::{DateTime, Utc};
use renewal_domain::text::is_unsafe;
use renewal_domain::{ApiRole, ApiToken, ApiTokenId, OrgId, StoreError};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use crate::row::{Row, digest};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub secret_sha256: Vec<u8>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a token, with every column set.
pub(crate) fn row(token: &ApiToken) -> [(Column, Value); 7] {
    let token = token.clone().in_whole_seconds();
    [
        (Column::OrgId, token.org_id.as_uuid().into()),
        (Column::Id, token.id.as_uuid().into()),
        (Column::Name, token.name.into()),
        (Column::Role, token.role.as_str().into()),
        (Column::SecretSha256, token.secret_sha256.to_vec().into()),
        (Column::ExpiresAt, token.expires_at.into()),
        (Column::RevokedAt, token.revoked_at.into()),
    ]
}

/// The token of a row.
pub(crate) fn read(row: &QueryResult) -> Result<ApiToken, StoreError> {
    let row = Row::new("api_tokens", ["org_id", "id"], row);
    Ok(ApiToken {
        id: row.parse(Column::Id, ApiTokenId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        name: row.parse(Column::Name, |name: String| {
            let fits = (1..=64).contains(&name.chars().count()) && !name.contains(is_unsafe);
            if fits { Ok(name) } else { Err("it has 1 to 64 characters, none of them unsafe") }
        })?,
        role: row.parse(Column::Role, |name: String| {
            ApiRole::from_name(&name).ok_or("it is one of viewer, operator")
        })?,
        secret_sha256: row.parse(Column::SecretSha256, digest)?,
        expires_at: row.get(Column::ExpiresAt)?,
        revoked_at: row.get(Column::RevokedAt)?,
    })
}
