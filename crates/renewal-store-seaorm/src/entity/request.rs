//! `open_requests`: one row a request without an end; whoever ends it deletes it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use renewal_domain::{
    DeviceId, DeviceName, NewRequest, OpenRequest, OrgId, Presented, Purpose, RequestId, RequestKind,
    RequestState, Serial, StoreError, TokenId,
};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use super::certificate::canonical;
use crate::row::{Row, digest};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "open_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub device_id: Uuid,
    pub device_name: String,
    pub kind: String,
    pub state: String,
    pub csr_der: Vec<u8>,
    pub csr_sha256: Vec<u8>,
    /// Empty when no certificate was presented: in a unique key, NULL differs from NULL.
    pub presented_serial: String,
    pub old_cert_expiration: Option<DateTime<Utc>>,
    pub requested_lifetime_seconds: Option<i64>,
    pub enrollment_token_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The text of the column `presented_serial`.
pub(crate) fn presented_serial(request: &OpenRequest) -> String {
    request.purpose().presented().map(|presented| presented.serial().to_string()).unwrap_or_default()
}

/// The row of a request, with every column set.
pub(crate) fn row(request: &OpenRequest) -> [(Column, Value); 12] {
    let presented = request.purpose().presented();
    // A lifetime of more than 292 billion years is as good as that.
    let seconds = |lifetime: Duration| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    [
        (Column::OrgId, request.org_id().as_uuid().into()),
        (Column::Id, request.id().as_uuid().into()),
        (Column::DeviceId, request.device_id().as_uuid().into()),
        (Column::DeviceName, request.device_name().as_str().into()),
        (Column::Kind, request.purpose().kind().as_str().into()),
        (Column::State, request.state().as_str().into()),
        (Column::CsrDer, request.csr_der().to_vec().into()),
        (Column::CsrSha256, request.csr_sha256().to_vec().into()),
        (Column::PresentedSerial, presented_serial(request).into()),
        (Column::OldCertExpiration, presented.map(Presented::not_after).into()),
        (Column::RequestedLifetimeSeconds, request.requested_lifetime().map(seconds).into()),
        (Column::EnrollmentTokenId, request.purpose().token().map(TokenId::as_uuid).into()),
    ]
}

/// The request of a row.
pub(crate) fn read(row: &QueryResult) -> Result<OpenRequest, StoreError> {
    let row = Row::new("open_requests", ["org_id", "id"], row);
    let request = OpenRequest::new(NewRequest {
        id: row.parse(Column::Id, RequestId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        device_id: DeviceId::new(row.get(Column::DeviceId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        purpose: purpose(&row)?,
        state: state(&row)?,
        csr_der: row.get(Column::CsrDer)?,
        requested_lifetime: row.parse_optional(Column::RequestedLifetimeSeconds, |seconds: i64| {
            u64::try_from(seconds).map(Duration::from_secs)
        })?,
    });
    let stored = row.parse(Column::CsrSha256, digest)?;
    if stored != *request.csr_sha256() {
        return Err(row.corrupt(Column::CsrSha256.as_str(), "it is not the digest of csr_der"));
    }
    Ok(request)
}

/// The state and the id of a row that has no more of its requests.
pub(crate) fn state_and_id(row: &QueryResult) -> Result<(RequestState, RequestId), StoreError> {
    let row = Row::new("open_requests", ["state", "id"], row);
    Ok((state(&row)?, row.parse(Column::Id, RequestId::new)?))
}

fn state(row: &Row<'_>) -> Result<RequestState, StoreError> {
    row.parse(Column::State, |name: String| {
        RequestState::from_name(&name).ok_or("it is one of signing, pending")
    })
}

fn purpose(row: &Row<'_>) -> Result<Purpose, StoreError> {
    let kind = row.parse(Column::Kind, |name: String| {
        RequestKind::from_name(&name).ok_or("it is one of enrollment, renewal, recovery")
    })?;
    let serial: Option<Serial> = row.parse(Column::PresentedSerial, |text: String| {
        Some(text.as_str()).filter(|text| !text.is_empty()).map(canonical).transpose()
    })?;
    let expires: Option<DateTime<Utc>> = row.get(Column::OldCertExpiration)?;
    let token = row.parse_optional(Column::EnrollmentTokenId, TokenId::new)?;
    match (kind.attempt(), serial, expires) {
        (None, None, None) => Ok(Purpose::Enrollment { token }),
        (Some(_), Some(_), Some(_)) if token.is_some() => {
            Err(row.corrupt(Column::EnrollmentTokenId.as_str(), "only an enrollment uses a token"))
        }
        (Some(kind), Some(serial), Some(expires)) => {
            Ok(Purpose::Attempt { kind, presented: Presented::new(serial, expires) })
        }
        (None, Some(_), _) | (Some(_), None, _) => Err(row.corrupt(
            Column::PresentedSerial.as_str(),
            "a renewal and a recovery present a certificate, an enrollment none",
        )),
        (None, None, Some(_)) | (Some(_), Some(_), None) => Err(row.corrupt(
            Column::OldCertExpiration.as_str(),
            "it is there when a certificate was presented, and only then",
        )),
    }
}
