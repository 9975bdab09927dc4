//! `current_certificates`: one row a device, about its latest certificate.

use chrono::{DateTime, Utc};
use renewal_domain::{CertificateRecord, DeviceId, LatestCertificate, RequestId, Serial, StoreError};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use super::certificate::canonical;
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
    /// NULL when it was revoked.
    pub not_after: Option<DateTime<Utc>>,
    pub presented_serial: Option<String>,
    pub used: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a certificate, with every column set.
pub(crate) fn row(certificate: &CertificateRecord) -> [(Column, Value); 7] {
    [
        (Column::OrgId, certificate.org_id.as_uuid().into()),
        (Column::DeviceId, certificate.device_id.as_uuid().into()),
        (Column::RequestId, certificate.request_id.as_uuid().into()),
        (Column::Serial, certificate.serial.to_string().into()),
        (Column::NotAfter, Some(certificate.not_after).into()),
        (Column::PresentedSerial, certificate.presented_serial.as_ref().map(Serial::to_string).into()),
        (Column::Used, false.into()),
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
    if row.get::<Option<DateTime<Utc>>>(Column::NotAfter)? != Some(certificate.not_after) {
        return wrong(Column::NotAfter);
    }
    Ok(certificate)
}

/// The request that the certificate of a row answered.
pub(crate) fn request(row: &QueryResult) -> Result<RequestId, StoreError> {
    place(row).parse(Column::RequestId, RequestId::new)
}

/// The device of a row, and what decides about requests that present another certificate of it.
pub(crate) fn read_latest(row: &QueryResult) -> Result<(DeviceId, LatestCertificate), StoreError> {
    let row = place(row);
    let not_after: Option<DateTime<Utc>> = row.get(Column::NotAfter)?;
    let latest = LatestCertificate {
        serial: row.parse(Column::Serial, |text: String| canonical(&text))?,
        presented_serial: row.parse_optional(Column::PresentedSerial, |text: String| canonical(&text))?,
        used: row.get(Column::Used)?,
        revoked: not_after.is_none(),
    };
    Ok((DeviceId::new(row.get(Column::DeviceId)?), latest))
}

fn place(row: &QueryResult) -> Row<'_> {
    Row::new("current_certificates", ["org_id", "device_id"], row)
}
