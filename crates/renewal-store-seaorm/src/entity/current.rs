//! `current_certificates`: one row a device, for as long as it has a current certificate.

use chrono::{DateTime, Utc};
use renewal_domain::{CertificateRecord, StoreError};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use crate::row::Row;

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "current_certificates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: Uuid,
    pub request_id: Uuid,
    pub serial: String,
    pub not_after: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a certificate, with every column set.
pub(crate) fn row(certificate: &CertificateRecord) -> [(Column, Value); 5] {
    [
        (Column::OrgId, certificate.org_id.as_uuid().into()),
        (Column::DeviceId, certificate.device_id.as_uuid().into()),
        (Column::RequestId, certificate.request_id.as_uuid().into()),
        (Column::Serial, certificate.serial.to_string().into()),
        (Column::NotAfter, certificate.not_after.into()),
    ]
}

/// The serial number in a row, as the table of certificates spells it.
pub(crate) fn serial(row: &QueryResult) -> Result<String, StoreError> {
    place(row).get(Column::Serial)
}

/// The certificate of a row, which says the same of itself as the row does.
pub(crate) fn checked(
    row: &QueryResult,
    certificate: Option<CertificateRecord>,
) -> Result<CertificateRecord, StoreError> {
    let row = place(row);
    let Some(certificate) = certificate else {
        return Err(row.corrupt(Column::Serial.as_str(), "there is no such certificate"));
    };
    let wrong = |column: Column| Err(row.corrupt(column.as_str(), "its certificate says something else"));
    if row.get::<Uuid>(Column::DeviceId)? != certificate.device_id.as_uuid() {
        return wrong(Column::DeviceId);
    }
    if row.get::<Uuid>(Column::RequestId)? != certificate.request_id.as_uuid() {
        return wrong(Column::RequestId);
    }
    if row.get::<DateTime<Utc>>(Column::NotAfter)? != certificate.not_after {
        return wrong(Column::NotAfter);
    }
    Ok(certificate)
}

fn place(row: &QueryResult) -> Row<'_> {
    Row::new("current_certificates", ["org_id", "device_id"], row)
}
