//! The statements about blocks. Each finds its rows by the primary key, or by the index that its comment
//! names.

use renewal_domain::{Block, BlockSubject, OrgId, PageRequest};
use sea_orm::sea_query::{DeleteStatement, Query, SelectStatement};
use sea_orm::{ColumnTrait, Value};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::block::{Column, Entity, row};
use crate::insert::Insert;
use crate::stretch::Stretch;

/// Adds a block.
pub(crate) fn insert(block: &Block) -> Insert {
    Insert::of(Entity, [row(block)])
}

/// Lifts a block.
pub(crate) fn delete(org: OrgId, subject: &BlockSubject) -> DeleteStatement {
    Query::delete()
        .from_table(Entity)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::SubjectId.eq(subject.id()))
        .and_where(Column::SubjectKind.eq(subject.kind()))
        .take()
}

/// Reads a page of blocks, newest first, by `idx_blocks_action_id`.
pub(crate) fn newest(backend: Backend, org: OrgId, page: &PageRequest) -> SelectStatement {
    let stretch = Stretch {
        index: Index::Named("idx_blocks_action_id"),
        fixed: vec![(Column::OrgId, org.as_uuid().into())],
        last: Column::ActionId,
        behind: page.after().map(Value::from),
    };
    stretch.descending(backend, Entity).limit(limit(page)).take()
}
