//! The statements that prune history. Each finds its rows by the primary key, or by the index
//! that its comment names, and looks at a batch of rows at most.

use renewal_domain::{DeviceId, EventFilter, EventId, EventType, OrgId, RetentionRule, Serial, Stage};
use sea_orm::sea_query::{
    Asterisk, Condition, DeleteStatement, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ColumnTrait, DbBackend, EntityName, Statement, StatementBuilder, Value};
use uuid::Uuid;

use crate::backend::{Backend, Index};
use crate::entity::{certificate, current, event};
use crate::fleet_statements::comparable;
use crate::stretch::Stretch;

/// How many of a device's next events are looked at behind one of them.
const AHEAD: u64 = 500;

/// How many rows are looked at. What renews meanwhile shares the processor with them; and on SQLite,
/// where all who write wait for each other, a commit writes every page that it touched to the disk.
pub(crate) const BATCH: u64 = 100;

/// What is selected from, where each of its rows is asked about its device. Of the databases, two
/// need a name for it.
const ROWS: &str = "batch";

/// What [`oldest_events`] says of an event beside its own columns.
pub(crate) const LAST_SUCCESS: &str = "last_success";

/// See [`LAST_SUCCESS`].
pub(crate) const KEPT_FROM: &str = "kept_from";

/// What [`certificates`] says of a certificate beside its own columns.
pub(crate) const CURRENT: &str = "current_serial";

/// The device's index of events.
const OF_DEVICE: Index = Index::Named("idx_cert_renewal_events_device_id");

/// A deletion that finds its rows by the primary key. MySQL and MariaDB must be told, or they may look,
/// and wait for locks, through all rows of a small organisation.
pub(crate) struct DeleteByKey {
    delete: DeleteStatement,
    table: &'static str,
}

impl DeleteByKey {
    pub(crate) fn new(delete: DeleteStatement, table: impl EntityName) -> Self {
        Self { delete, table: table.table_name() }
    }
}

impl StatementBuilder for DeleteByKey {
    fn build(&self, database: &DbBackend) -> Statement {
        let mut statement = database.build(&self.delete);
        if *database == DbBackend::MySql {
            // An index can be named only where several tables could be.
            let plain = format!("DELETE FROM `{}`", self.table);
            let by_key = format!("DELETE `{0}` FROM `{0}` FORCE INDEX (PRIMARY)", self.table);
            statement.sql = statement.sql.replacen(&plain, &by_key, 1);
        }
        statement
    }
}

/// Reads the next events after one, oldest first, up to an instant. Each comes with the last event
/// that ended an attempt of its device, if that is a success, and with the start of the oldest of the
/// device's newest attempts that stay: both by `idx_cert_renewal_events_device_id`, from its end on.
pub(crate) fn oldest_events(
    backend: Backend,
    org: OrgId,
    rule: &RetentionRule,
    after: Option<EventId>,
) -> SelectStatement {
    use event::{Column, Entity};
    let columns = [Column::OrgId, Column::Id, Column::DeviceId, Column::AttemptId, Column::EventType];
    let before = EventFilter::new().to(rule.events_before).id_range().before;
    let mut rows = Query::select();
    rows.columns(columns);
    backend.from(&mut rows, Entity, Index::Primary);
    rows.and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where_option(after.map(|after| Column::Id.gt(after.as_uuid())))
        .and_where_option(before.map(|before| Column::Id.lt(before)))
        .order_by(Column::Id, Order::Asc)
        .limit(BATCH);

    // Not whether a success comes after the event: MariaDB would look for that from the device's
    // first event on.
    let newest = |column: SimpleExpr, stage: i16| {
        let mut select = Query::select();
        select.expr(column);
        backend.from(&mut select, Entity, OF_DEVICE);
        select
            .and_where(Column::OrgId.eq(org.as_uuid()))
            .and_where(Column::DeviceId.into_expr().equals((ROWS, Column::DeviceId)))
            .and_where(Column::Stage.eq(stage))
            .order_by(Column::Id, Order::Desc)
            .limit(1)
            .take()
    };
    let successes = EventType::ALL.into_iter().filter(|kind| kind.stage() == Stage::Success);
    let success = Column::EventType.is_in(successes.map(EventType::as_str));
    let last_success = newest(Expr::case(success, Column::Id.into_expr()).into(), event::END);
    let kept_from = newest(Column::Id.into_expr(), event::START)
        .offset(u64::from(rule.keep_attempts.saturating_sub(1)))
        .take();
    let mut select = Query::select();
    select
        .columns(columns.map(|column| (ROWS, column)))
        .expr_as(Expr::from(last_success), LAST_SUCCESS)
        .expr_as(Expr::from(kept_from), KEPT_FROM)
        .from_subquery(rows, ROWS);
    select
}

/// Reads the next events of a device after one, oldest first, by `idx_cert_renewal_events_device_id`.
pub(crate) fn events_after(
    backend: Backend,
    org: OrgId,
    device: DeviceId,
    after: EventId,
) -> SelectStatement {
    use event::Column;
    let stretch = Stretch {
        index: OF_DEVICE,
        fixed: vec![(Column::OrgId, org.as_uuid().into()), (Column::DeviceId, device.as_uuid().into())],
        last: Column::Id,
        behind: Some(after.as_uuid().into()),
    };
    stretch.ascending(backend, event::Entity).limit(AHEAD).take()
}

/// Removes events.
pub(crate) fn delete_events(org: OrgId, ids: &[Uuid]) -> DeleteByKey {
    let these = these_events(org, ids);
    let delete = Query::delete().from_table(event::Entity).cond_where(these).take();
    DeleteByKey::new(delete, event::Entity)
}

/// Counts events.
pub(crate) fn count_events(backend: Backend, org: OrgId, ids: &[Uuid]) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Expr::col(Asterisk).count());
    backend.from(&mut select, event::Entity, Index::Primary);
    select.cond_where(these_events(org, ids));
    select
}

/// The events with these ids, in order.
fn these_events(org: OrgId, ids: &[Uuid]) -> Condition {
    use event::Column;
    Condition::all().add(Column::OrgId.eq(org.as_uuid())).add(among(Column::Id, ids))
}

/// Reads the next certificates after one, in the order of serial numbers. Each comes with the
/// current one of its device.
pub(crate) fn certificates(backend: Backend, org: OrgId, after: Option<&Serial>) -> SelectStatement {
    use certificate::{Column, Entity};
    let columns = [Column::OrgId, Column::Serial, Column::DeviceId, Column::NotAfter, Column::RevokedAt];
    let mut rows = Query::select();
    rows.columns(columns);
    backend.from(&mut rows, Entity, Index::Primary);
    rows.and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where_option(after.map(|after| Column::Serial.gt(after.to_string())))
        .order_by(Column::Serial, Order::Asc)
        .limit(BATCH);

    let mut of_device = Query::select();
    of_device.column(current::Column::Serial);
    backend.from(&mut of_device, current::Entity, Index::Primary);
    of_device
        .and_where(current::Column::OrgId.eq(org.as_uuid()))
        .and_where(current::Column::DeviceId.into_expr().equals((ROWS, Column::DeviceId)));
    let mut select = Query::select();
    select
        .columns(columns.map(|column| (ROWS, column)))
        .expr_as(Expr::from(of_device), CURRENT)
        .from_subquery(rows, ROWS);
    select
}

/// Removes certificates, but none that was revoked meanwhile and has to stay for that.
pub(crate) fn delete_certificates(org: OrgId, rule: &RetentionRule, serials: &[String]) -> DeleteByKey {
    let these = these_certificates(org, rule, serials);
    let delete = Query::delete().from_table(certificate::Entity).cond_where(these).take();
    DeleteByKey::new(delete, certificate::Entity)
}

/// Counts certificates that [`delete_certificates`] would remove.
pub(crate) fn count_certificates(
    backend: Backend,
    org: OrgId,
    rule: &RetentionRule,
    serials: &[String],
) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Expr::col(Asterisk).count());
    backend.from(&mut select, certificate::Entity, Index::Primary);
    select.cond_where(these_certificates(org, rule, serials));
    select
}

fn these_certificates(org: OrgId, rule: &RetentionRule, serials: &[String]) -> Condition {
    use certificate::Column;
    let off_the_list = comparable(rule.expired_before(true));
    Condition::all()
        .add(Column::OrgId.eq(org.as_uuid()))
        .add(among(Column::Serial, serials))
        .add(Column::RevokedAt.is_null().or(Column::NotAfter.lt(off_the_list)))
}

/// That a column has one of these values, which are in order. The first and the last bound the search
/// where a planner takes the others for a condition to check row by row, as PostgreSQL does of a table
/// of which it has no statistics yet.
pub(crate) fn among<C: ColumnTrait, V: Into<Value> + Clone>(column: C, values: &[V]) -> Condition {
    let (mut all, mut bounds) = (values.to_vec(), Condition::all());
    if let (Some(first), Some(last)) = (values.first(), values.last()) {
        // 1, 2, 4, … values, so that there are few different statements: see `in_parts`.
        all.resize(all.len().next_power_of_two(), last.clone());
        bounds = bounds.add(column.gte(first.clone())).add(column.lte(last.clone()));
    }
    bounds.add(column.is_in(all))
}
