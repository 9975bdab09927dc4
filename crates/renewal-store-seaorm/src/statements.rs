//! The statements the store sends, apart from the listing of events (see `access`). Each finds
//! its rows by the primary key, or by the index that its comment names.

use chrono::{DateTime, Utc};
use renewal_domain::{
    AttemptId, CertificateRecord, DeviceId, EventFilter, EventId, OpenRequest, OpenRequestFilter, OrgId,
    PageRequest, RenewalEvent, RequestId, RequestKind,
};
use sea_orm::sea_query::{DeleteStatement, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, Iterable, Value};

use crate::access::{end_of_attempt, limit};
use crate::backend::{Backend, Index};
use crate::entity::{certificate, event, request};
use crate::insert::{Insert, in_parts};
use crate::mac::AuthenticationKeys;
use crate::stretch::{Stretch, of_each, padded, together};

/// Adds events.
pub(crate) fn insert_events(events: &[&RenewalEvent]) -> Vec<Insert> {
    in_parts(events, |events| Insert::of(event::Entity, events.iter().map(|event| event::row(event))))
}

/// Adds one event.
pub(crate) fn insert_event(event: &RenewalEvent) -> Insert {
    Insert::of(event::Entity, [event::row(event)])
}

/// Reads events by their ids.
pub(crate) fn events_by_id(
    backend: Backend,
    org: OrgId,
    ids: impl IntoIterator<Item = EventId>,
) -> SelectStatement {
    use event::Column;
    let ids = ids.into_iter().map(EventId::as_uuid);
    let mut select = Query::select();
    select.columns(Column::iter());
    backend.from(&mut select, event::Entity, Index::Primary);
    select.and_where(Column::OrgId.eq(org.as_uuid())).and_where(Column::Id.is_in(ids));
    select
}

/// Reads the ends of attempts, by `idx_cert_renewal_events_org_id`; none of no attempt.
pub(crate) fn ends_of_attempts(
    backend: Backend,
    org: OrgId,
    attempts: impl IntoIterator<Item = AttemptId>,
) -> Option<SelectStatement> {
    let each = attempts.into_iter().map(|attempt| end_of_attempt(backend, org, attempt));
    together::<event::Column>(each.collect())
}

/// Adds an open request.
pub(crate) fn insert_request(request: &OpenRequest, keys: Option<&AuthenticationKeys>) -> Insert {
    Insert::of(request::Entity, [request::row(request, keys)])
}

/// Adds open requests.
pub(crate) fn insert_requests(requests: &[&OpenRequest], keys: Option<&AuthenticationKeys>) -> Vec<Insert> {
    in_parts(requests, |requests| {
        Insert::of(request::Entity, requests.iter().map(|request| request::row(request, keys)))
    })
}

/// Reads an open request.
pub(crate) fn request_by_id(org: OrgId, id: RequestId) -> SelectStatement {
    use request::Column;
    let mut select = select(Column::iter(), request::Entity, Column::OrgId.eq(org.as_uuid()));
    select.and_where(Column::Id.eq(id.as_uuid()));
    select
}

/// Reads the open request that is the same as this one, by `idx_open_requests_request`.
pub(crate) fn same_request(org: OrgId, same: &OpenRequest) -> SelectStatement {
    use request::Column;
    let mut select = select(Column::iter(), request::Entity, Column::OrgId.eq(org.as_uuid()));
    select
        .and_where(Column::CsrSha256.eq(same.csr_sha256().to_vec()))
        .and_where(Column::DeviceId.eq(same.device_id().as_uuid()))
        .and_where(Column::PresentedSerial.eq(request::presented_serial(same)));
    select
}

/// Reads the open requests of these devices, by `idx_open_requests_request`.
pub(crate) fn requests_of_devices(
    backend: Backend,
    org: OrgId,
    devices: impl Iterator<Item = DeviceId>,
) -> SelectStatement {
    use request::Column;
    let mut select = Query::select();
    backend.from(&mut select, request::Entity, Index::Named("idx_open_requests_request"));
    select.and_where(Column::OrgId.eq(org.as_uuid()));
    let devices = devices.map(|device| device.as_uuid().into()).collect();
    of_each(backend, Column::iter(), select, Column::DeviceId, devices)
}

/// Reads a page of open requests, oldest first.
pub(crate) fn requests(
    backend: Backend,
    org: OrgId,
    filter: &OpenRequestFilter,
    page: &PageRequest,
) -> SelectStatement {
    use request::Column;
    let stretch = Stretch {
        index: Index::Primary,
        fixed: vec![(Column::OrgId, org.as_uuid().into())],
        last: Column::Id,
        behind: page.after().map(Value::from),
    };
    let mut select = stretch.ascending(backend, request::Entity);
    // A request was opened in the millisecond of its id, as an event was created in its own.
    let opened_before = filter.opened_before.and_then(|limit| EventFilter::new().to(limit).id_range().before);
    if let Some(limit) = opened_before {
        select.and_where(Column::Id.lt(limit));
    }
    if let Some(state) = filter.state {
        select.and_where(Column::State.eq(state.as_str()));
    }
    if let Some(device) = filter.device {
        select.and_where(Column::DeviceId.eq(device.as_uuid()));
    }
    if filter.attempts_only {
        select.and_where(Column::Kind.ne(RequestKind::Enrollment.as_str()));
    }
    select.limit(limit(page));
    select
}

/// Ends an open request.
pub(crate) fn delete_request(org: OrgId, id: RequestId) -> DeleteStatement {
    use request::Column;
    let mut delete = Query::delete();
    delete
        .from_table(request::Entity)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::Id.eq(id.as_uuid()));
    delete
}

/// Ends open requests.
pub(crate) fn delete_requests(org: OrgId, ids: impl Iterator<Item = RequestId>) -> DeleteStatement {
    use request::Column;
    let mut delete = Query::delete();
    delete
        .from_table(request::Entity)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::Id.is_in(padded(ids.map(RequestId::as_uuid))));
    delete
}

/// Adds certificates.
pub(crate) fn insert_certificates(records: &[&CertificateRecord]) -> Vec<Insert> {
    in_parts(records, |records| {
        Insert::of(certificate::Entity, records.iter().map(|record| certificate::row(record)))
    })
}

/// Adds a certificate.
pub(crate) fn insert_certificate(record: &CertificateRecord) -> Insert {
    Insert::of(certificate::Entity, [certificate::row(record)])
}

/// Reads the newest certificate that answered the same request and is still good, by
/// `idx_device_certificates_key`.
pub(crate) fn good_certificate(
    backend: Backend,
    org: OrgId,
    same: &OpenRequest,
    now: DateTime<Utc>,
) -> SelectStatement {
    use certificate::Column;
    let stretch = Stretch {
        index: Index::Named("idx_device_certificates_key"),
        fixed: vec![
            (Column::OrgId, org.as_uuid().into()),
            (Column::PublicKeySha256, same.public_key_sha256().to_vec().into()),
            (Column::CsrSha256, same.csr_sha256().to_vec().into()),
        ],
        last: Column::RequestId,
        behind: None,
    };
    let presented = same.purpose().presented().map(|presented| presented.serial().to_string());
    let mut select = stretch.descending(backend, certificate::Entity);
    select
        .and_where(Column::DeviceId.eq(same.device_id().as_uuid()))
        .and_where(
            presented.map_or_else(
                || Column::PresentedSerial.is_null(),
                |serial| Column::PresentedSerial.eq(serial),
            ),
        )
        .and_where(Column::RevokedAt.is_null())
        .and_where(Column::NotAfter.gte(now))
        .limit(1);
    select
}

/// The rows of an organisation: there is no query without one.
pub(crate) fn select<C: ColumnTrait>(
    columns: impl Iterator<Item = C>,
    entity: impl EntityTrait,
    org: SimpleExpr,
) -> SelectStatement {
    Query::select().columns(columns).from(entity.table_ref()).and_where(org).take()
}
