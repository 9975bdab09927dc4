//! `device_certificates`: one row a certificate that was issued; only its revocation changes.

use chrono::{DateTime, Utc};
use renewal_domain::{
    CertificateRecord, DeviceId, DeviceName, OrgId, RequestId, RequestKind, Revocation, RevocationReason,
    Serial, Sha256Digest, StoreError,
};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use crate::row::{Row, digest};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_certificates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub serial: String,
    pub device_id: Uuid,
    pub device_name: String,
    pub request_id: Uuid,
    pub kind: String,
    pub attempt_id: Option<Uuid>,
    pub public_key_sha256: Vec<u8>,
    pub csr_sha256: Vec<u8>,
    pub issuer_key_sha256: Vec<u8>,
    pub certificate_sha256: Vec<u8>,
    pub presented_serial: Option<String>,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    pub der: Vec<u8>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revocation_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a certificate, with every column set.
pub(crate) fn row(certificate: &CertificateRecord) -> [(Column, Value); 17] {
    let revocation = certificate.revocation;
    [
        (Column::OrgId, certificate.org_id.as_uuid().into()),
        (Column::Serial, certificate.serial.to_string().into()),
        (Column::DeviceId, certificate.device_id.as_uuid().into()),
        (Column::DeviceName, certificate.device_name.as_str().into()),
        (Column::RequestId, certificate.request_id.as_uuid().into()),
        (Column::Kind, certificate.kind.as_str().into()),
        (Column::AttemptId, certificate.attempt_id().map(renewal_domain::AttemptId::as_uuid).into()),
        (Column::PublicKeySha256, certificate.public_key_sha256.to_vec().into()),
        (Column::CsrSha256, certificate.csr_sha256.to_vec().into()),
        (Column::IssuerKeySha256, certificate.issuer_key_sha256.to_vec().into()),
        (Column::CertificateSha256, certificate.certificate_sha256.to_vec().into()),
        (Column::PresentedSerial, certificate.presented_serial.as_ref().map(Serial::to_string).into()),
        (Column::NotBefore, certificate.not_before.into()),
        (Column::NotAfter, certificate.not_after.into()),
        (Column::Der, certificate.der.clone().into()),
        (Column::RevokedAt, revocation.map(|revocation| revocation.at).into()),
        (Column::RevocationReason, revocation.map(|revocation| revocation.reason.as_str()).into()),
    ]
}

/// The certificate of a row.
pub(crate) fn read(row: &QueryResult) -> Result<CertificateRecord, StoreError> {
    let row = Row::new("device_certificates", ["org_id", "serial"], row);
    let certificate = CertificateRecord {
        org_id: OrgId::new(row.get(Column::OrgId)?),
        serial: row.parse(Column::Serial, |text: String| canonical(&text))?,
        device_id: DeviceId::new(row.get(Column::DeviceId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        request_id: row.parse(Column::RequestId, RequestId::new)?,
        kind: row.parse(Column::Kind, |name: String| {
            RequestKind::from_name(&name).ok_or("it is one of enrollment, renewal, recovery")
        })?,
        public_key_sha256: row.parse(Column::PublicKeySha256, digest)?,
        csr_sha256: row.parse(Column::CsrSha256, digest)?,
        issuer_key_sha256: row.parse(Column::IssuerKeySha256, digest)?,
        certificate_sha256: row.parse(Column::CertificateSha256, digest)?,
        presented_serial: row.parse_optional(Column::PresentedSerial, |text: String| canonical(&text))?,
        not_before: row.get(Column::NotBefore)?,
        not_after: row.get(Column::NotAfter)?,
        der: row.get(Column::Der)?,
        revocation: revocation(&row)?,
    };
    if certificate.presented_serial.is_some() != certificate.kind.attempt().is_some() {
        let problem = "a renewal and a recovery present a certificate, an enrollment none";
        return Err(row.corrupt(Column::PresentedSerial.as_str(), problem));
    }
    row.parse(Column::AttemptId, |attempt: Option<Uuid>| {
        let expected = certificate.attempt_id().map(renewal_domain::AttemptId::as_uuid);
        if attempt == expected { Ok(()) } else { Err("it is the id of the request, unless that enrolled") }
    })?;
    Ok(certificate)
}

/// The columns of a [`CertificateStatus`].
pub(crate) const STATUS: [Column; 11] = [
    Column::OrgId,
    Column::Serial,
    Column::DeviceId,
    Column::DeviceName,
    Column::PublicKeySha256,
    Column::CsrSha256,
    Column::CertificateSha256,
    Column::PresentedSerial,
    Column::NotAfter,
    Column::RevokedAt,
    Column::RevocationReason,
];

/// What of a certificate decides about requests that are opened.
pub(crate) struct CertificateStatus {
    pub(crate) serial: Serial,
    pub(crate) device_id: DeviceId,
    pub(crate) device_name: DeviceName,
    pub(crate) public_key_sha256: Sha256Digest,
    pub(crate) csr_sha256: Sha256Digest,
    pub(crate) certificate_sha256: Sha256Digest,
    pub(crate) presented_serial: Option<Serial>,
    pub(crate) not_after: DateTime<Utc>,
    pub(crate) revocation: Option<Revocation>,
}

/// The status of a certificate, of a row of these columns.
pub(crate) fn read_status(row: &QueryResult) -> Result<CertificateStatus, StoreError> {
    let row = Row::new("device_certificates", ["org_id", "serial"], row);
    Ok(CertificateStatus {
        serial: row.parse(Column::Serial, |text: String| canonical(&text))?,
        device_id: DeviceId::new(row.get(Column::DeviceId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        public_key_sha256: row.parse(Column::PublicKeySha256, digest)?,
        csr_sha256: row.parse(Column::CsrSha256, digest)?,
        certificate_sha256: row.parse(Column::CertificateSha256, digest)?,
        presented_serial: row.parse_optional(Column::PresentedSerial, |text: String| canonical(&text))?,
        not_after: row.get(Column::NotAfter)?,
        revocation: revocation(&row)?,
    })
}

fn revocation(row: &Row<'_>) -> Result<Option<Revocation>, StoreError> {
    let reason = row.parse_optional(Column::RevocationReason, |name: String| {
        RevocationReason::from_name(&name).ok_or("there is no such reason")
    })?;
    match (row.get(Column::RevokedAt)?, reason) {
        (None, None) => Ok(None),
        (Some(at), Some(reason)) => Ok(Some(Revocation { at, reason })),
        (None, Some(_)) => Err(row.corrupt(Column::RevokedAt.as_str(), "a revocation has a time")),
        (Some(_), None) => Err(row.corrupt(Column::RevocationReason.as_str(), "a revocation has a reason")),
    }
}

/// A serial number in the one way it is written here: rows are found by this text.
pub(crate) fn canonical(text: &str) -> Result<Serial, String> {
    let serial: Serial = text.parse().map_err(|error: renewal_domain::InvalidSerial| error.to_string())?;
    if serial.to_string() == text { Ok(serial) } else { Err("it is written in lowercase".to_owned()) }
}
