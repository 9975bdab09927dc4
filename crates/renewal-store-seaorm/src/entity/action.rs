//! `actions`: one row for each decision, never changed.

use std::net::IpAddr;

use renewal_domain::{Action, ActionId, ActionKind, DeviceId, OrgId, ReasonCode, StoreError, Target};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use super::actor;
use crate::row::Row;

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "actions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub actor_kind: String,
    pub actor_token_id: Option<Uuid>,
    pub actor_name: String,
    pub actor_host: Option<String>,
    pub kind: String,
    pub target_kind: String,
    pub target_id: String,
    pub device_id: Option<Uuid>,
    pub reason: Option<String>,
    pub note: String,
    pub source_address: Option<String>,
    pub http_request_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of an action, with every column set.
pub(crate) fn row(action: &Action) -> [(Column, Value); 14] {
    let [kind, token, name, host] = actor::values(&action.actor);
    [
        (Column::OrgId, action.org_id.as_uuid().into()),
        (Column::Id, action.id.as_uuid().into()),
        (Column::ActorKind, kind),
        (Column::ActorTokenId, token),
        (Column::ActorName, name),
        (Column::ActorHost, host),
        (Column::Kind, action.kind.as_str().into()),
        (Column::TargetKind, action.target.kind().into()),
        (Column::TargetId, action.target.id().into()),
        (Column::DeviceId, action.device_id.map(DeviceId::as_uuid).into()),
        (Column::Reason, action.reason.as_ref().map(ReasonCode::as_str).into()),
        (Column::Note, action.note.as_str().into()),
        (Column::SourceAddress, action.source_address.map(|address| address.to_string()).into()),
        (Column::HttpRequestId, action.http_request_id.clone().into()),
    ]
}

/// The action of a row.
pub(crate) fn read(row: &QueryResult) -> Result<Action, StoreError> {
    let row = Row::new("actions", ["org_id", "id"], row);
    let target_id: String = row.get(Column::TargetId)?;
    Ok(Action {
        id: row.parse(Column::Id, ActionId::new)?,
        org_id: OrgId::new(row.get(Column::OrgId)?),
        actor: actor::read(
            &row,
            [Column::ActorKind, Column::ActorTokenId, Column::ActorName, Column::ActorHost],
        )?,
        kind: row.parse(Column::Kind, |name: String| {
            ActionKind::from_name(&name).ok_or("there is no such kind of action")
        })?,
        target: row.parse(Column::TargetKind, |kind: String| Target::parse(&kind, &target_id))?,
        device_id: row.get::<Option<Uuid>>(Column::DeviceId)?.map(DeviceId::new),
        reason: row.parse_optional(Column::Reason, |code: String| code.parse())?,
        note: row.get(Column::Note)?,
        source_address: row.parse_optional(Column::SourceAddress, |text: String| text.parse::<IpAddr>())?,
        http_request_id: row.get(Column::HttpRequestId)?,
    })
}
