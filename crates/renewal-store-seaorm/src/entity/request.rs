//! `open_requests`: one row a request without an end; whoever ends it deletes it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use renewal_domain::{
    CertificateOrigin, DeviceId, DeviceName, NewPresented, NewRequest, OpenRequest, OrgId, Presented,
    Purpose, RequestId, RequestKind, RequestState, Serial, Sha256Digest, StoreError, TokenId,
};
use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, QueryResult, Value};

use super::certificate::canonical;
use crate::mac::{AuthenticationKeys, FORGED, Fields, required};
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
    pub public_key_sha256: Vec<u8>,
    /// Empty when no certificate was presented: in a unique key, NULL differs from NULL.
    pub presented_serial: String,
    pub old_cert_expiration: Option<DateTime<Utc>>,
    pub presented_issuer_key_sha256: Option<Vec<u8>>,
    pub presented_sha256: Option<Vec<u8>>,
    pub presented_key_sha256: Option<Vec<u8>>,
    pub presented_origin: Option<String>,
    pub requested_lifetime_seconds: Option<i64>,
    pub enrollment_token_id: Option<Uuid>,
    pub credential: String,
    pub source_address: Option<String>,
    /// NULL but for a request that waits for a person.
    pub mac: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The text of the column `presented_serial`.
pub(crate) fn presented_serial(request: &OpenRequest) -> String {
    request.purpose().presented().map(|presented| presented.serial().to_string()).unwrap_or_default()
}

/// The row of a request, with every column set. The row of one that waits for a person is authenticated:
/// what the person is shown is what was asked for.
pub(crate) fn row(request: &OpenRequest, keys: Option<&AuthenticationKeys>) -> [(Column, Value); 20] {
    let presented = request.purpose().presented();
    let mac = match request.state() {
        RequestState::Signing => None,
        RequestState::Pending => keys.map(|keys| keys.code(&fields(request))),
    };
    let digest = |of: fn(&Presented) -> &Sha256Digest| presented.map(|it| of(it).to_vec());
    [
        (Column::OrgId, request.org_id().as_uuid().into()),
        (Column::Id, request.id().as_uuid().into()),
        (Column::DeviceId, request.device_id().as_uuid().into()),
        (Column::DeviceName, request.device_name().as_str().into()),
        (Column::Kind, request.purpose().kind().as_str().into()),
        (Column::State, request.state().as_str().into()),
        (Column::CsrDer, request.csr_der().to_vec().into()),
        (Column::CsrSha256, request.csr_sha256().to_vec().into()),
        (Column::PublicKeySha256, request.public_key_sha256().to_vec().into()),
        (Column::PresentedSerial, presented_serial(request).into()),
        (Column::OldCertExpiration, presented.map(Presented::not_after).into()),
        (Column::PresentedIssuerKeySha256, digest(Presented::issuer_key_sha256).into()),
        (Column::PresentedSha256, digest(Presented::certificate_sha256).into()),
        (Column::PresentedKeySha256, digest(Presented::public_key_sha256).into()),
        (Column::PresentedOrigin, presented.map(|presented| presented.origin().as_str()).into()),
        (Column::RequestedLifetimeSeconds, lifetime_seconds(request).into()),
        (Column::EnrollmentTokenId, request.purpose().token().map(TokenId::as_uuid).into()),
        (Column::Credential, request.credential().into()),
        (Column::SourceAddress, request.source_address().map(|address| address.to_string()).into()),
        (Column::Mac, mac.into()),
    ]
}

/// A lifetime of more than 292 billion years is as good as that.
fn lifetime_seconds(request: &OpenRequest) -> Option<i64> {
    request.requested_lifetime().map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX))
}

/// Everything that a row says of its request.
fn fields(request: &OpenRequest) -> Fields {
    let presented = request.purpose().presented();
    Fields::of("renewal-ledger/open-request")
        .add(request.org_id().as_uuid())
        .add(request.id().as_uuid())
        .add(request.device_id().as_uuid())
        .add(request.device_name().as_str())
        .add(request.purpose().kind().as_str())
        .add(request.state().as_str())
        .add(request.csr_sha256())
        .add(request.public_key_sha256())
        .add(presented_serial(request))
        .add_optional(presented.map(|presented| presented.not_after().timestamp().to_be_bytes()))
        .add_optional(presented.map(Presented::issuer_key_sha256))
        .add_optional(presented.map(Presented::certificate_sha256))
        .add_optional(presented.map(Presented::public_key_sha256))
        .add_optional(presented.map(|presented| presented.origin().as_str()))
        .add_optional(lifetime_seconds(request).map(i64::to_be_bytes))
        .add_optional(request.purpose().token().map(TokenId::as_uuid))
        .add(request.credential())
        .add_optional(request.source_address().map(|address| address.to_string()))
}

/// The request of a row. One that waits for a person is checked against its authentication code.
pub(crate) fn read(row: &QueryResult, keys: Option<&AuthenticationKeys>) -> Result<OpenRequest, StoreError> {
    let row = Row::new("open_requests", ["org_id", "id"], row);
    let request = OpenRequest::new(NewRequest {
        id: row.parse(Column::Id, RequestId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        device_id: DeviceId::new(row.get(Column::DeviceId)?),
        device_name: row.parse(Column::DeviceName, |name: String| DeviceName::new(name))?,
        purpose: purpose(&row)?,
        state: state(&row)?,
        csr_der: row.get(Column::CsrDer)?,
        public_key_sha256: row.parse(Column::PublicKeySha256, digest)?,
        credential: row.get(Column::Credential)?,
        source_address: row.parse_optional(Column::SourceAddress, |text: String| text.parse())?,
        requested_lifetime: row.parse_optional(Column::RequestedLifetimeSeconds, |seconds: i64| {
            u64::try_from(seconds).map(Duration::from_secs)
        })?,
    });
    let stored = row.parse(Column::CsrSha256, digest)?;
    if stored != *request.csr_sha256() {
        return Err(row.corrupt(Column::CsrSha256.as_str(), "it is not the digest of csr_der"));
    }
    if request.state() == RequestState::Pending {
        let mac: Option<Vec<u8>> = row.get(Column::Mac)?;
        if !required(keys)?.verify(&fields(&request), &mac.unwrap_or_default()) {
            return Err(row.corrupt(Column::Mac.as_str(), FORGED));
        }
    }
    Ok(request)
}

/// The state and the id of a row that has no more of its requests.
pub(crate) fn state_and_id(row: &QueryResult) -> Result<(RequestState, RequestId), StoreError> {
    let row = Row::new("open_requests", ["state", "id"], row);
    Ok((state(&row)?, row.parse(Column::Id, RequestId::new)?))
}

/// The device of a row, and the certificate of ours that it presents, if it presents one.
pub(crate) fn device_and_certificate(row: &QueryResult) -> Result<(DeviceId, Option<Serial>), StoreError> {
    let row = Row::new("open_requests", ["org_id", "id"], row);
    let origin = row.parse_optional(Column::PresentedOrigin, |name: String| origin(&name))?;
    // A serial number of another authority says nothing about ours.
    let is_ours = origin.is_some_and(CertificateOrigin::is_of_our_authority);
    let certificate = if is_ours { presented(&row)? } else { None };
    Ok((DeviceId::new(row.get(Column::DeviceId)?), certificate))
}

fn origin(name: &str) -> Result<CertificateOrigin, &'static str> {
    CertificateOrigin::from_name(name).ok_or("it is one of ours, adopted, trusted, trusted_anywhere")
}

fn state(row: &Row<'_>) -> Result<RequestState, StoreError> {
    row.parse(Column::State, |name: String| {
        RequestState::from_name(&name).ok_or("it is one of signing, pending")
    })
}

fn presented(row: &Row<'_>) -> Result<Option<Serial>, StoreError> {
    row.parse(Column::PresentedSerial, |text: String| {
        Some(text.as_str()).filter(|text| !text.is_empty()).map(canonical).transpose()
    })
}

fn purpose(row: &Row<'_>) -> Result<Purpose, StoreError> {
    let kind = row.parse(Column::Kind, |name: String| {
        RequestKind::from_name(&name).ok_or("it is one of enrollment, renewal, recovery")
    })?;
    let serial = presented(row)?;
    let expires: Option<DateTime<Utc>> = row.get(Column::OldCertExpiration)?;
    let token = row.parse_optional(Column::EnrollmentTokenId, TokenId::new)?;
    match (kind.attempt(), serial, expires) {
        (None, None, None) => Ok(Purpose::Enrollment { token }),
        (Some(_), Some(_), Some(_)) if token.is_some() => {
            Err(row.corrupt(Column::EnrollmentTokenId.as_str(), "only an enrollment uses a token"))
        }
        (Some(kind), Some(serial), Some(expires)) => {
            let presented = NewPresented {
                serial,
                not_after: expires,
                issuer_key_sha256: row.parse(Column::PresentedIssuerKeySha256, digest)?,
                certificate_sha256: row.parse(Column::PresentedSha256, digest)?,
                public_key_sha256: row.parse(Column::PresentedKeySha256, digest)?,
                origin: row.parse(Column::PresentedOrigin, |name: String| origin(&name))?,
            };
            Ok(Purpose::Attempt { kind, presented: presented.into() })
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
