//! `certificate_renewal_events`: one row an event, never changed.

use chrono::{DateTime, Utc};
use renewal_domain::{
    AttemptId, DeviceId, EventId, EventRow, EventType, OrgId, ReasonCode, RenewalEvent, Stage, StoreError,
};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use crate::row::{At, Row};

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "certificate_renewal_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub device_id: Uuid,
    pub attempt_id: Uuid,
    /// 0: the event starts its attempt, 1: it ends it.
    pub stage: i16,
    pub event_type: String,
    pub reason: Option<String>,
    pub old_cert_expiration: DateTime<Utc>,
    pub new_cert_expiration: Option<DateTime<Utc>>,
    pub error_message: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What the column `stage` says of an event that starts its attempt.
pub(crate) const START: i16 = 0;

/// What the column `stage` says of an event that ends its attempt.
pub(crate) const END: i16 = 1;

/// What the column `stage` says: an attempt has one event of each.
const fn stage_of(event_type: EventType) -> i16 {
    match event_type.stage() {
        Stage::Start => START,
        Stage::Success | Stage::Failed => END,
    }
}

/// The row of an event. Every column is set: in an insert of several rows SeaORM would write
/// NULL for one that is not.
pub(crate) fn row(event: &RenewalEvent) -> [(Column, Value); 11] {
    [
        (Column::OrgId, event.org_id().as_uuid().into()),
        (Column::Id, event.id().as_uuid().into()),
        (Column::DeviceId, event.device_id().as_uuid().into()),
        (Column::AttemptId, event.attempt_id().as_uuid().into()),
        (Column::Stage, stage_of(event.event_type()).into()),
        (Column::EventType, event.event_type().as_str().into()),
        (Column::Reason, event.reason().map(ReasonCode::as_str).into()),
        (Column::OldCertExpiration, event.old_cert_expiration().into()),
        (Column::NewCertExpiration, event.new_cert_expiration().into()),
        (Column::ErrorMessage, event.error_message().into()),
        (Column::CreatedAt, event.created_at().into()),
    ]
}

/// A column of a row that has all of them in their order.
const fn at(column: Column) -> At<Column> {
    At(column, column as usize)
}

/// The event of a row that has all columns in their order.
pub(crate) fn read(row: &QueryResult) -> Result<RenewalEvent, StoreError> {
    let row = Row::new("certificate_renewal_events", ["org_id", "id"], row);
    let event_type: EventType = row.parse(at(Column::EventType), |name: String| name.parse())?;
    row.parse(at(Column::Stage), |stage: i16| {
        if stage == stage_of(event_type) { Ok(()) } else { Err("it is not the stage of the event's type") }
    })?;
    let event = EventRow {
        org_id: OrgId::new(row.get(at(Column::OrgId))?),
        id: row.parse(at(Column::Id), EventId::new)?,
        device_id: DeviceId::new(row.get(at(Column::DeviceId))?),
        attempt_id: row.parse(at(Column::AttemptId), AttemptId::new)?,
        event_type,
        reason: row.parse_optional(at(Column::Reason), |code: String| code.parse())?,
        old_cert_expiration: row.get(at(Column::OldCertExpiration))?,
        new_cert_expiration: row.get(at(Column::NewCertExpiration))?,
        error_message: row.get(at(Column::ErrorMessage))?,
        created_at: row.get(at(Column::CreatedAt))?,
    };
    event.try_into().map_err(|broken: renewal_domain::InvalidEvent| row.corrupt(broken.field, broken.rule))
}

/// The type and the reason of a row that has no more of its events.
pub(crate) fn kind(row: &QueryResult) -> Result<(EventType, Option<ReasonCode>), StoreError> {
    let row = Row::new("certificate_renewal_events", ["event_type", "reason"], row);
    let event_type = row.parse(Column::EventType, |name: String| name.parse::<EventType>())?;
    Ok((event_type, row.parse_optional(Column::Reason, |code: String| code.parse())?))
}
