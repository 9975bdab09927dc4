//! The statements about the fleet as it is now. Each finds its rows by the primary key, or by the
//! index that its comment names.

use chrono::{DateTime, Utc};
use renewal_domain::{
    CertificateRecord, DeviceId, EventFilter, EventType, OrgId, PageRequest, Position, Serial, Sha256Digest,
    Stage,
};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query, SelectStatement, UpdateStatement};
use sea_orm::{ColumnTrait, Iterable, Value};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::{certificate, current, event, request};
use crate::insert::{Insert, in_parts};
use crate::stretch::{Stretch, of_each};

/// By when a certificate ends.
const BY_END: Index = Index::Named("idx_current_certificates_not_after");

/// Reads a page of a device's certificates, newest first, by `idx_device_certificates_device_id`.
pub(crate) fn of_device(
    backend: Backend,
    org: OrgId,
    device: DeviceId,
    page: &PageRequest,
) -> SelectStatement {
    use certificate::Column;
    let stretch = Stretch {
        index: Index::Named("idx_device_certificates_device_id"),
        fixed: vec![(Column::OrgId, org.as_uuid().into()), (Column::DeviceId, device.as_uuid().into())],
        last: Column::RequestId,
        behind: page.after().map(Value::from),
    };
    stretch.descending(backend, certificate::Entity).limit(limit(page)).take()
}

/// Reads a page of the current certificates that expire after one instant and not after the other,
/// soonest first, by `idx_current_certificates_not_after`.
pub(crate) fn expiring(
    backend: Backend,
    org: OrgId,
    (after, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    page: &PageRequest,
) -> SelectStatement {
    let (after, until) = (after.map(comparable), until.map(comparable));
    let mut select = current(backend, org, Order::Asc, page);
    // Of two bounds the nearer one, so that the search begins there.
    let place = page.after_position().filter(|place| after.is_none_or(|after| after < place.instant()));
    // One that was revoked has no end, and is left out by any bound.
    let after = after.unwrap_or_else(|| comparable(DateTime::<Utc>::MIN_UTC));
    let beyond = current::Column::NotAfter.gt(after);
    select.and_where(place.map_or(beyond, |place| behind(backend, &Order::Asc, place)));
    select.and_where_option(until.map(|until| current::Column::NotAfter.lte(until)));
    select
}

/// Reads a page of the current certificates that expired before an instant, last one first, by
/// `idx_current_certificates_not_after`.
pub(crate) fn expired(
    backend: Backend,
    org: OrgId,
    before: DateTime<Utc>,
    page: &PageRequest,
) -> SelectStatement {
    let before = comparable(before);
    let mut select = current(backend, org, Order::Desc, page);
    select.and_where(match page.after_position().filter(|place| place.instant() < before) {
        Some(place) => behind(backend, &Order::Desc, place),
        None => current::Column::NotAfter.lt(before),
    });
    select
}

fn current(backend: Backend, org: OrgId, order: Order, page: &PageRequest) -> SelectStatement {
    use current::Column;
    let mut select = Query::select();
    select.columns(Column::iter());
    backend.from(&mut select, current::Entity, BY_END);
    select
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .order_by(Column::NotAfter, order.clone())
        .order_by(Column::RequestId, order)
        .limit(limit(page));
    select
}

fn behind(backend: Backend, order: &Order, place: Position) -> Expr {
    use current::Column;
    backend.behind(
        order,
        [Column::NotAfter, Column::RequestId],
        [comparable(place.instant()).into(), place.id().into()],
    )
}

/// Reads certificates by their serial numbers.
pub(crate) fn by_serials(backend: Backend, org: OrgId, serials: Vec<String>) -> SelectStatement {
    use certificate::Column;
    let mut select = Query::select();
    backend.from(&mut select, certificate::Entity, Index::Primary);
    select.and_where(Column::OrgId.eq(org.as_uuid()));
    let serials = serials.into_iter().map(Value::from).collect();
    of_each(backend, Column::iter(), select, Column::Serial, serials)
}

/// Reads a page of the certificates that were revoked, last one first, by
/// `idx_device_certificates_revoked_at`.
pub(crate) fn revoked(backend: Backend, org: OrgId, page: &PageRequest) -> SelectStatement {
    use certificate::Column;
    let mut select = Query::select();
    select.columns(Column::iter());
    backend.from(&mut select, certificate::Entity, Index::Named("idx_device_certificates_revoked_at"));
    select.and_where(Column::OrgId.eq(org.as_uuid())).and_where(Column::RevokedAt.is_not_null());
    if let Some(place) = page.after_position() {
        let columns = [Column::RevokedAt, Column::RequestId];
        let place = [comparable(place.instant()).into(), place.id().into()];
        select.and_where(backend.behind(&Order::Desc, columns, place));
    }
    select
        .order_by(Column::RevokedAt, Order::Desc)
        .order_by(Column::RequestId, Order::Desc)
        .limit(limit(page));
    select
}

/// Counts the current certificates that expire after one instant and not after the other, by
/// `idx_current_certificates_not_after`.
pub(crate) fn count_expiring(
    backend: Backend,
    org: OrgId,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> SelectStatement {
    use current::Column;
    let mut select = Query::select();
    select.expr(rows());
    backend.from(&mut select, current::Entity, BY_END);
    select
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::NotAfter.gt(comparable(after)))
        .and_where(Column::NotAfter.lte(comparable(until)));
    select
}

/// Counts the events from one instant on and before the other, by type and reason, in no order.
pub(crate) fn count_events(
    backend: Backend,
    org: OrgId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> SelectStatement {
    use event::Column;
    let range = EventFilter::new().from(from).to(to).id_range();
    let mut select = Query::select();
    select.columns([Column::EventType, Column::Reason]).expr(rows());
    backend.from(&mut select, event::Entity, Index::Primary);
    select
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where_option(range.from.map(|from| Column::Id.gte(from)))
        .and_where_option(range.before.map(|before| Column::Id.lt(before)))
        .group_by_columns([Column::EventType, Column::Reason]);
    select
}

/// Counts the failures at or after an instant with which the latest attempt of their device has
/// ended: of each device that is failing there is one. By `idx_cert_renewal_events_event_type`, and
/// for each failure by `idx_cert_renewal_events_device_id`, of which the newest rows are read.
pub(crate) fn count_failing(backend: Backend, org: OrgId, since: DateTime<Utc>) -> SelectStatement {
    use event::{Column, Entity};
    let failed = EventType::ALL.into_iter().filter(|kind| kind.stage() == Stage::Failed);
    let from = EventFilter::new().from(since).id_range().from;
    let mut failures = Query::select();
    failures.columns([Column::DeviceId, Column::Id]);
    backend.from(&mut failures, Entity, Index::Named("idx_cert_renewal_events_event_type"));
    failures
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::EventType.is_in(failed.map(EventType::as_str)))
        .and_where_option(from.map(|from| Column::Id.gte(from)));

    // The one event that comes last, and not whether there are later ones: of that PostgreSQL and
    // MariaDB may make a join with the whole history.
    let mut last_end = Query::select();
    last_end.column(Column::Id);
    backend.from(&mut last_end, Entity, Index::Named("idx_cert_renewal_events_device_id"));
    last_end
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::DeviceId.into_expr().equals(("failure", Column::DeviceId)))
        .and_where(Column::Stage.eq(event::END))
        .order_by(Column::Id, Order::Desc)
        .limit(1);
    Query::select()
        .expr(rows())
        .from_subquery(failures, "failure")
        .and_where(Expr::col(("failure", Column::Id)).eq(Expr::from(last_end)))
        .take()
}

/// Counts the open requests by state, and finds the first of each.
pub(crate) fn count_open(backend: Backend, org: OrgId) -> SelectStatement {
    use request::Column;
    let mut select = Query::select();
    select.column(Column::State).expr(rows()).expr_as(backend.least_uuid(Column::Id), Column::Id);
    backend.from(&mut select, request::Entity, Index::Primary);
    select.and_where(Column::OrgId.eq(org.as_uuid())).group_by_col(Column::State);
    select
}

/// The nearest instant that every database can compare: in the years 1 to 9999, to the microsecond.
/// As text, others do not sort by time, and some cannot be sent.
pub(crate) fn comparable(instant: DateTime<Utc>) -> DateTime<Utc> {
    let micros = instant.timestamp_micros().clamp(-62_135_596_800_000_000, 253_402_300_799_999_999);
    DateTime::from_timestamp_micros(micros).unwrap_or(instant)
}

/// How many rows.
fn rows() -> Expr {
    Expr::col(sea_orm::sea_query::Asterisk).count()
}

/// Makes certificates, no two of them of one device, the current ones of their devices, unless a
/// device has one that answers a later request.
pub(crate) fn make_current(backend: Backend, certificates: &[&CertificateRecord]) -> Vec<Insert> {
    use current::{Column, Entity, row};
    in_parts(certificates, |certificates| {
        let rows = certificates.iter().map(|certificate| row(certificate));
        // MySQL assigns from left to right: the column that decides comes last.
        let columns =
            [Column::Serial, Column::NotAfter, Column::PresentedSerial, Column::Used, Column::RequestId];
        let mut newer = OnConflict::columns([Column::OrgId, Column::DeviceId]);
        backend.replace_if_greater(&mut newer, Entity, &columns, Column::RequestId);
        Insert::of(Entity, rows).on_conflict(newer)
    })
}

/// A certificate is in no listing of current ones any more, if it was the latest of its device.
pub(crate) fn forget_current(org: OrgId, serial: &Serial) -> UpdateStatement {
    use current::Column;
    let certificate = Query::select()
        .column(certificate::Column::DeviceId)
        .from(certificate::Entity)
        .and_where(certificate::Column::OrgId.eq(org.as_uuid()))
        .and_where(certificate::Column::Serial.eq(serial.to_string()))
        .take();
    Query::update()
        .table(current::Entity)
        .value(Column::NotAfter, Option::<DateTime<Utc>>::None)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::DeviceId.into_expr().eq(Expr::from(certificate)))
        .and_where(Column::Serial.eq(serial.to_string()))
        .take()
}

/// A device has used a certificate, if it is its latest.
pub(crate) fn mark_used(org: OrgId, device: DeviceId, serial: &Serial) -> UpdateStatement {
    use current::Column;
    Query::update()
        .table(current::Entity)
        .value(Column::Used, true)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::DeviceId.eq(device.as_uuid()))
        .and_where(Column::Serial.eq(serial.to_string()))
        .and_where(Column::Used.eq(false))
        .take()
}

/// Reads a page of the certificates with a public key, newest first, by `idx_device_certificates_key`:
/// there are few.
pub(crate) fn of_key(
    backend: Backend,
    org: OrgId,
    key: &Sha256Digest,
    page: &PageRequest,
) -> SelectStatement {
    use certificate::Column;
    let mut select = Query::select();
    select.columns(Column::iter());
    backend.from(&mut select, certificate::Entity, Index::Named("idx_device_certificates_key"));
    select
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::PublicKeySha256.eq(key.to_vec()))
        .and_where_option(page.after().map(|after| Column::RequestId.lt(after)))
        .order_by(Column::RequestId, Order::Desc)
        .limit(limit(page));
    select
}

/// Reads the current certificate that expires last, by `idx_current_certificates_not_after`.
pub(crate) fn last_to_expire(backend: Backend, org: OrgId) -> SelectStatement {
    use current::Column;
    let mut select = Query::select();
    select.column(Column::RequestId);
    backend.from(&mut select, current::Entity, BY_END);
    select
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::NotAfter.gt(comparable(DateTime::<Utc>::MIN_UTC)))
        .order_by(Column::NotAfter, Order::Desc)
        .order_by(Column::RequestId, Order::Desc)
        .limit(1);
    select
}
