//! `enrollment_tokens`: one row a token; only how it ended changes.

use chrono::{DateTime, Utc};
use renewal_domain::{DeviceName, EnrollmentToken, OrgId, RequestId, StoreError, TokenEnd, TokenId};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use crate::row::{Row, digest};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "enrollment_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub device_name: String,
    pub secret_sha256: Vec<u8>,
    pub expires_at: DateTime<Utc>,
    pub used_by_request_id: Option<Uuid>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a token, with every column set.
pub(crate) fn row(token: &EnrollmentToken) -> [(Column, Value); 7] {
    let (used_by_request_id, revoked_at) = match token.end {
        None => (None, None),
        Some(TokenEnd::Used { request_id }) => (Some(request_id.as_uuid()), None),
        Some(TokenEnd::Revoked { at }) => (None, Some(at)),
    };
    [
        (Column::OrgId, token.org_id.as_uuid().into()),
        (Column::Id, token.id.as_uuid().into()),
        (Column::DeviceName, token.device_name.as_str().into()),
        (Column::SecretSha256, token.secret_sha256.to_vec().into()),
        (Column::ExpiresAt, token.expires_at.into()),
        (Column::UsedByRequestId, used_by_request_id.into()),
        (Column::RevokedAt, revoked_at.into()),
    ]
}

/// The token of a row.
pub(crate) fn read(row: &QueryResult) -> Result<EnrollmentToken, StoreError> {
    let row = Row::new("enrollment_tokens", ["org_id", "id"], row);
    let used = row.parse_optional(Column::UsedByRequestId, RequestId::new)?;
    let revoked: Option<DateTime<Utc>> = row.get(Column::RevokedAt)?;
    Ok(EnrollmentToken {
        id: row.parse(Column::Id, TokenId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        secret_sha256: row.parse(Column::SecretSha256, digest)?,
        expires_at: row.get(Column::ExpiresAt)?,
        end: match (used, revoked) {
            (None, None) => None,
            (Some(request_id), None) => Some(TokenEnd::Used { request_id }),
            (None, Some(at)) => Some(TokenEnd::Revoked { at }),
            (Some(_), Some(_)) => {
                return Err(row.corrupt(Column::RevokedAt.as_str(), "a token that is used is not revoked"));
            }
        },
    })
}
