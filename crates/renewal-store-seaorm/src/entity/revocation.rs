//! `certificate_revocations`: one row for each revoked certificate, never changed.

use chrono::{DateTime, Utc};
use renewal_domain::{
    ActionId, DeviceId, OrgId, Revocation, RevocationId, RevocationReason, RevokedCertificate, StoreError,
};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use super::certificate::canonical;
use crate::row::{Row, digest};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "certificate_revocations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub issuer_key_sha256: Vec<u8>,
    pub serial: String,
    pub certificate_sha256: Option<Vec<u8>>,
    pub device_id: Option<Uuid>,
    pub not_after: Option<DateTime<Utc>>,
    pub revoked_at: DateTime<Utc>,
    pub reason: String,
    pub action_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a revocation, with every column set.
pub(crate) fn row(revoked: &RevokedCertificate) -> [(Column, Value); 10] {
    [
        (Column::OrgId, revoked.org_id.as_uuid().into()),
        (Column::Id, revoked.id.as_uuid().into()),
        (Column::IssuerKeySha256, revoked.issuer_key_sha256.to_vec().into()),
        (Column::Serial, revoked.serial.to_string().into()),
        (Column::CertificateSha256, revoked.certificate_sha256.map(|digest| digest.to_vec()).into()),
        (Column::DeviceId, revoked.device_id.map(DeviceId::as_uuid).into()),
        (Column::NotAfter, revoked.not_after.into()),
        (Column::RevokedAt, revoked.revocation.at.into()),
        (Column::Reason, revoked.revocation.reason.as_str().into()),
        (Column::ActionId, revoked.action_id.as_uuid().into()),
    ]
}

/// The revocation of a row.
pub(crate) fn read(row: &QueryResult) -> Result<RevokedCertificate, StoreError> {
    let row = Row::new("certificate_revocations", ["org_id", "id"], row);
    Ok(RevokedCertificate {
        id: row.parse(Column::Id, RevocationId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        issuer_key_sha256: row.parse(Column::IssuerKeySha256, digest)?,
        serial: row.parse(Column::Serial, |text: String| canonical(&text))?,
        certificate_sha256: row.parse_optional(Column::CertificateSha256, digest)?,
        device_id: row.get::<Option<Uuid>>(Column::DeviceId)?.map(DeviceId::new),
        not_after: row.get(Column::NotAfter)?,
        revocation: Revocation {
            at: row.get(Column::RevokedAt)?,
            reason: row.parse(Column::Reason, |name: String| {
                RevocationReason::from_name(&name).ok_or("there is no such reason")
            })?,
        },
        action_id: row.parse(Column::ActionId, ActionId::new)?,
    })
}
