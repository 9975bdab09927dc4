//! The statements about actions. Each finds its rows by the primary key, or by the index that its comment
//! names.

use renewal_domain::{Action, ActionFilter, OrgId, PageRequest};
use sea_orm::Value;
use sea_orm::sea_query::{OnConflict, SelectStatement};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::action::{Column, Entity, row};
use crate::insert::{Insert, in_parts};
use crate::stretch::Stretch;

/// Adds actions.
pub(crate) fn insert(actions: &[&Action]) -> Vec<Insert> {
    in_parts(actions, |actions| Insert::of(Entity, actions.iter().map(|action| row(action))))
}

/// Adds an action, unless it is there.
pub(crate) fn insert_once(action: &Action) -> Insert {
    let there = OnConflict::columns([Column::OrgId, Column::Id]).do_nothing_on([Column::Id]).to_owned();
    Insert::of(Entity, [row(action)]).on_conflict(there)
}

/// Reads a page of actions, newest first: of one kind by `idx_actions_kind`, about a device by
/// `idx_actions_device_id`, about one thing by `idx_actions_target`.
pub(crate) fn list(
    backend: Backend,
    org: OrgId,
    filter: &ActionFilter,
    page: &PageRequest,
) -> SelectStatement {
    let (index, fixed) = match filter {
        ActionFilter::All => (Index::Primary, Vec::new()),
        ActionFilter::Kind(kind) => {
            (Index::Named("idx_actions_kind"), vec![(Column::Kind, kind.as_str().into())])
        }
        ActionFilter::Device(device) => {
            (Index::Named("idx_actions_device_id"), vec![(Column::DeviceId, device.as_uuid().into())])
        }
        ActionFilter::Target(target) => (
            Index::Named("idx_actions_target"),
            vec![(Column::TargetKind, target.kind().into()), (Column::TargetId, target.id().into())],
        ),
    };
    let stretch = Stretch {
        index,
        fixed: [(Column::OrgId, org.as_uuid().into())].into_iter().chain(fixed).collect(),
        last: Column::Id,
        behind: page.after().map(Value::from),
    };
    stretch.descending(backend, Entity).limit(limit(page)).take()
}
