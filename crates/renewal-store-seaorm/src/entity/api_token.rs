//! `api_tokens`: one row a token of an operator; only its revocation ever changes.

use chrono::{DateTime, Utc};
use renewal_domain::text::is_unsafe;
use renewal_domain::{ApiRole, ApiToken, ApiTokenId, OrgId, StoreError};
use sea_orm::ActiveValue::Set;
use sea_orm::QueryResult;
use sea_orm::entity::prelude::*;

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
pub(crate) fn row(token: &ApiToken) -> ActiveModel {
    let token = token.clone().in_whole_seconds();
    ActiveModel {
        org_id: Set(token.org_id.as_uuid()),
        id: Set(token.id.as_uuid()),
        name: Set(token.name),
        role: Set(token.role.as_str().to_owned()),
        secret_sha256: Set(token.secret_sha256.to_vec()),
        expires_at: Set(token.expires_at),
        revoked_at: Set(token.revoked_at),
    }
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
