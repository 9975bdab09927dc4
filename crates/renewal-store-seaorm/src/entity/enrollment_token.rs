//! `enrollment_tokens`: one row a token; only how it ended changes.

use chrono::{DateTime, Utc};
use renewal_domain::{
    DeviceName, EnrollmentToken, GrantedNames, OrgId, RequestId, StoreError, TokenEnd, TokenId,
};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use super::actor;
use crate::mac::{AuthenticationKeys, FORGED, Fields};
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
    pub granted_names: Option<String>,
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
pub(crate) fn row(token: &EnrollmentToken, keys: &AuthenticationKeys) -> [(Column, Value); 13] {
    let token = token.clone().in_whole_seconds();
    let (used_by_request_id, revoked_at) = match token.end {
        None => (None, None),
        Some(TokenEnd::Used { request_id }) => (Some(request_id.as_uuid()), None),
        Some(TokenEnd::Revoked { at }) => (None, Some(at)),
    };
    let [kind, maker, name, host] = actor::values(&token.made_by);
    let mac = keys.code(&fields(&token));
    [
        (Column::OrgId, token.org_id.as_uuid().into()),
        (Column::Id, token.id.as_uuid().into()),
        (Column::DeviceName, token.device_name.as_str().into()),
        (Column::SecretSha256, token.secret_sha256.to_vec().into()),
        (Column::ExpiresAt, token.expires_at.into()),
        (Column::UsedByRequestId, used_by_request_id.into()),
        (Column::RevokedAt, revoked_at.into()),
        (Column::GrantedNames, granted_names(&token.names).into()),
        (Column::Mac, Some(mac).into()),
        (Column::MadeByKind, kind),
        (Column::MadeByTokenId, maker),
        (Column::MadeByName, name),
        (Column::MadeByHost, host),
    ]
}

/// The names in JSON; none when there are none.
fn granted_names(names: &GrantedNames) -> Option<String> {
    // Lists of strings can always be written.
    (!names.is_empty()).then(|| serde_json::to_string(names).unwrap_or_default())
}

/// What a row says of its token and never changes.
fn fields(token: &EnrollmentToken) -> Fields {
    let fields = Fields::of("renewal-ledger/enrollment-token")
        .add(token.org_id.as_uuid())
        .add(token.id.as_uuid())
        .add(token.device_name.as_str())
        .add(token.secret_sha256)
        .add(token.expires_at.timestamp().to_be_bytes())
        .add_optional(granted_names(&token.names));
    actor::add(fields, &token.made_by)
}

/// The token of a row, which is checked against its authentication code.
pub(crate) fn read(row: &QueryResult, keys: &AuthenticationKeys) -> Result<EnrollmentToken, StoreError> {
    let row = Row::new("enrollment_tokens", ["org_id", "id"], row);
    let used = row.parse_optional(Column::UsedByRequestId, RequestId::new)?;
    let revoked: Option<DateTime<Utc>> = row.get(Column::RevokedAt)?;
    let token = EnrollmentToken {
        id: row.parse(Column::Id, TokenId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        names: row
            .parse_optional(Column::GrantedNames, |json: String| serde_json::from_str(&json))?
            .unwrap_or_default(),
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
        made_by: actor::read(&row, MADE_BY)?,
    };
    let mac: Option<Vec<u8>> = row.get(Column::Mac)?;
    if keys.verify(&fields(&token), &mac.unwrap_or_default()) {
        Ok(token)
    } else {
        Err(row.corrupt(Column::Mac.as_str(), FORGED))
    }
}
