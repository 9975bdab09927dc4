//! `blocks`: one row for each device, key or organisation that gets no certificates.

use chrono::{DateTime, Utc};
use renewal_domain::{ActionId, Block, BlockSubject, OrgId, StoreError};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};

use crate::row::Row;

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "blocks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: String,
    pub reason: String,
    pub since: DateTime<Utc>,
    pub action_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a block, with every column set.
pub(crate) fn row(block: &Block) -> [(Column, Value); 6] {
    [
        (Column::OrgId, block.org_id.as_uuid().into()),
        (Column::SubjectKind, block.subject.kind().into()),
        (Column::SubjectId, block.subject.id().into()),
        (Column::Reason, block.reason.as_str().into()),
        (Column::Since, block.since.into()),
        (Column::ActionId, block.action_id.as_uuid().into()),
    ]
}

/// The block of a row.
pub(crate) fn read(row: &QueryResult) -> Result<Block, StoreError> {
    let row = Row::new("blocks", ["org_id", "subject_id"], row);
    let id: String = row.get(Column::SubjectId)?;
    Ok(Block {
        org_id: OrgId::new(row.get(Column::OrgId)?),
        subject: row.parse(Column::SubjectKind, |kind: String| {
            BlockSubject::parse(&kind, &id)
                .ok_or("it is organisation, device or key, and subject_id must fit")
        })?,
        reason: row.get(Column::Reason)?,
        since: row.get(Column::Since)?,
        action_id: row.parse(Column::ActionId, ActionId::new)?,
    })
}
