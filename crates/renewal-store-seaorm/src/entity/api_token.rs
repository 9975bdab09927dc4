//! `api_tokens`: one row a token of an operator; only its revocation ever changes.

use chrono::{DateTime, Utc};
use renewal_domain::text::is_unsafe;
use renewal_domain::{ApiRole, ApiToken, ApiTokenId, OrgId, StoreError};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use super::actor;
use crate::mac::{AuthenticationKeys, FORGED, Fields};
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
    pub mac: Option<Vec<u8>>,
    pub made_by_kind: String,
    pub made_by_token_id: Option<Uuid>,
    pub made_by_name: String,
    pub made_by_host: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who made it, in four columns.
const MADE_BY: [Column; 4] =
    [Column::MadeByKind, Column::MadeByTokenId, Column::MadeByName, Column::MadeByHost];

/// The row of a token, with every column set.
pub(crate) fn row(token: &ApiToken, keys: &AuthenticationKeys) -> [(Column, Value); 12] {
    let token = token.clone().in_whole_seconds();
    let [kind, maker, name, host] = actor::values(&token.made_by);
    let mac = keys.code(&fields(&token));
    [
        (Column::OrgId, token.org_id.as_uuid().into()),
        (Column::Id, token.id.as_uuid().into()),
        (Column::Name, token.name.into()),
        (Column::Role, token.role.as_str().into()),
        (Column::SecretSha256, token.secret_sha256.to_vec().into()),
        (Column::ExpiresAt, token.expires_at.into()),
        (Column::RevokedAt, token.revoked_at.into()),
        (Column::Mac, Some(mac).into()),
        (Column::MadeByKind, kind),
        (Column::MadeByTokenId, maker),
        (Column::MadeByName, name),
        (Column::MadeByHost, host),
    ]
}

/// What a row says of its token and never changes.
fn fields(token: &ApiToken) -> Fields {
    let fields = Fields::of("renewal-ledger/api-token")
        .add(token.org_id.as_uuid())
        .add(token.id.as_uuid())
        .add(&token.name)
        .add(token.role.as_str())
        .add(token.secret_sha256)
        .add_optional(token.expires_at.map(|at| at.timestamp().to_be_bytes()));
    actor::add(fields, &token.made_by)
}

/// The token of a row, which is checked against its authentication code.
pub(crate) fn read(row: &QueryResult, keys: &AuthenticationKeys) -> Result<ApiToken, StoreError> {
    let row = Row::new("api_tokens", ["org_id", "id"], row);
    let token = ApiToken {
        id: row.parse(Column::Id, ApiTokenId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        name: row.parse(Column::Name, |name: String| {
            let fits = (1..=64).contains(&name.chars().count()) && !name.contains(is_unsafe);
            if fits { Ok(name) } else { Err("it has 1 to 64 characters, none of them unsafe") }
        })?,
        role: row.parse(Column::Role, |name: String| {
            ApiRole::from_name(&name).ok_or("it is one of viewer, approver, operator, administrator")
        })?,
        secret_sha256: row.parse(Column::SecretSha256, digest)?,
        expires_at: row.get(Column::ExpiresAt)?,
        revoked_at: row.get(Column::RevokedAt)?,
        made_by: actor::read(&row, MADE_BY)?,
    };
    let mac: Option<Vec<u8>> = row.get(Column::Mac)?;
    if keys.verify(&fields(&token), &mac.unwrap_or_default()) {
        Ok(token)
    } else {
        Err(row.corrupt(Column::Mac.as_str(), FORGED))
    }
}
