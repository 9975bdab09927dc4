//! Which index a listing of events follows: chosen here, and nowhere else.
//!
//! | the filter has | index |
//! |---|---|
//! | an attempt | primary key for its start, which has its id; `(org_id, attempt_id)` for its end |
//! | a device | `(org_id, device_id, id)`; type and reason are checked row by row |
//! | a reason | `(org_id, reason, event_type, id)`, for one or both failed types |
//! | types | `(org_id, event_type, id)`, for each type |
//! | nothing of these | primary key `(org_id, id)` |
//!
//! The first line that applies wins. Several types (or failed types) are several ordered,
//! limited queries put together: asked for as `IN`, no database reads them in order.
//!
//! The cursor and the end of a time range are where in the index the reading begins. The begin
//! of a time range is no condition: the rows come newest first, so what is too old comes last,
//! at most a page of it, and is cut off by whoever reads. As a condition it would tempt
//! PostgreSQL to the primary key: of an id between two values it expects few rows.

use renewal_domain::{AttemptId, DeviceId, EventFilter, EventType, OrgId, PageRequest, ReasonCode, Stage};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, Iterable, Value};
use uuid::Uuid;

use crate::backend::{Backend, Index};
use crate::entity::event::{self, Column, Entity};
use crate::stretch::{Stretch, together};

/// The events of which a page is to be made: those that the filter lets through, newest first,
/// up to one more than the page has room for, and others that are yet to be dropped. None when
/// nothing can match.
pub(crate) fn candidates(
    backend: Backend,
    org: OrgId,
    filter: &EventFilter,
    page: &PageRequest,
) -> Option<SelectStatement> {
    if let Some(attempt) = filter.wanted_attempt() {
        return of_attempt(backend, org, attempt);
    }
    let range = filter.id_range();
    let before = range.before.into_iter().chain(page.after()).min();
    if range.from.zip(before).is_some_and(|(from, before)| from >= before) {
        return None;
    }
    let listing = Listing { backend, org, before, limit: limit(page) };
    // All types are as good as none asked for.
    let types = Some(filter.wanted_types()).filter(|types| types.len() < EventType::ALL.len());
    let types = types.unwrap_or_default();
    let branches = match (filter.wanted_device(), filter.wanted_reason()) {
        (Some(device), reason) => vec![listing.of_device(device, types, reason)],
        (None, Some(reason)) => failed_among(types).map(|kind| listing.of_reason(reason, kind)).collect(),
        (None, None) if types.is_empty() => vec![listing.of_organisation()],
        (None, None) => types.iter().map(|kind| listing.of_type(*kind)).collect(),
    };
    listing.merge(branches)
}

/// The events of an attempt, two at most, its end first.
fn of_attempt(backend: Backend, org: OrgId, attempt: AttemptId) -> Option<SelectStatement> {
    let mut start = Query::select();
    start.columns(Column::iter());
    backend.from(&mut start, Entity, Index::Primary);
    start
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::Id.eq(attempt.as_uuid()))
        // What has this id may be the end of another attempt.
        .and_where(Column::Stage.eq(event::START));
    let both = together::<Column>(vec![end_of_attempt(backend, org, attempt), start]);
    both.map(|mut both| both.order_by(Column::Id, Order::Desc).take())
}

/// The end of an attempt.
pub(crate) fn end_of_attempt(backend: Backend, org: OrgId, attempt: AttemptId) -> SelectStatement {
    let mut end = Query::select();
    end.columns(Column::iter());
    backend.from(&mut end, Entity, Index::Named("idx_cert_renewal_events_org_id"));
    end.and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::AttemptId.eq(attempt.as_uuid()))
        // Written out, as where an index has nothing but ends, a statement must say so by itself.
        .and_where(Column::Stage.into_expr().eq(Expr::Constant(event::END.into())));
    end
}

/// How many rows to ask for: one more than the page tells whether there is a next one.
pub(crate) fn limit(page: &PageRequest) -> u64 {
    // A page has at most 1,000.
    u64::try_from(page.size()).unwrap_or(u64::MAX).saturating_add(1)
}

/// The failed types that the filter lets through: only these have a reason.
fn failed_among(types: &[EventType]) -> impl Iterator<Item = EventType> {
    let failed = EventType::ALL.into_iter().filter(|kind| kind.stage() == Stage::Failed);
    failed.filter(move |kind| types.is_empty() || types.contains(kind))
}

/// Where a page begins, and how many rows of each branch it may need.
struct Listing {
    backend: Backend,
    org: OrgId,
    before: Option<Uuid>,
    limit: u64,
}

impl Listing {
    fn of_organisation(&self) -> SelectStatement {
        self.newest(Index::Primary, [])
    }

    fn of_type(&self, event_type: EventType) -> SelectStatement {
        self.newest(
            Index::Named("idx_cert_renewal_events_event_type"),
            [(Column::EventType, event_type.as_str().into())],
        )
    }

    fn of_reason(&self, reason: &ReasonCode, event_type: EventType) -> SelectStatement {
        let fixed =
            [(Column::Reason, reason.as_str().into()), (Column::EventType, event_type.as_str().into())];
        self.newest(Index::Named("idx_cert_renewal_events_created_at"), fixed)
    }

    fn of_device(
        &self,
        device: DeviceId,
        types: &[EventType],
        reason: Option<&ReasonCode>,
    ) -> SelectStatement {
        let fixed = [(Column::DeviceId, device.as_uuid().into())];
        let mut select = self.newest(Index::Named("idx_cert_renewal_events_device_id"), fixed);
        if !types.is_empty() {
            let names = types.iter().map(|kind| kind.as_str());
            select.and_where(self.backend.unindexed(Column::EventType).is_in(names));
        }
        if let Some(reason) = reason {
            select.and_where(self.backend.unindexed(Column::Reason).eq(reason.as_str()));
        }
        select
    }

    /// The newest rows before the page's begin, by an index on the organisation, other columns, and the id.
    fn newest<const N: usize>(&self, index: Index, fixed: [(Column, Value); N]) -> SelectStatement {
        let stretch = Stretch {
            index,
            fixed: [(Column::OrgId, self.org.as_uuid().into())].into_iter().chain(fixed).collect(),
            last: Column::Id,
            behind: self.before.map(Value::from),
        };
        stretch.descending(self.backend, Entity).limit(self.limit).take()
    }

    /// The newest rows of all branches; none when there is no branch.
    fn merge(&self, branches: Vec<SelectStatement>) -> Option<SelectStatement> {
        let several = branches.len() > 1;
        let mut merged = together::<Column>(branches)?;
        if several {
            // At most five pages are sorted here, whatever the length of the history.
            merged.order_by(Column::Id, Order::Desc).limit(self.limit);
        }
        Some(merged)
    }
}
