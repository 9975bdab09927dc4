//! Adding rows. The text of the statement depends on how many there are, and on nothing else; to make it
//! anew each time costs a tenth of what is appended in batches, so each is made once: see
//! `docs/performance.md`.

use std::collections::HashMap;
use std::mem::Discriminant;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ColumnTrait, DbBackend, EntityName, EntityTrait, IdenStatic, Statement, StatementBuilder, Value,
};

use crate::backend::MAX_PARAMETERS;

/// The most rows to add with one statement. Measured, longer ones are hardly faster.
const ROWS_PER_INSERT: usize = 512;

const _: () = assert!(ROWS_PER_INSERT * 20 <= MAX_PARAMETERS, "an open request has 20 columns");

/// Adds rows to a table.
pub(crate) struct Insert {
    table: &'static str,
    columns: Vec<&'static str>,
    values: Vec<Value>,
    conflict: Option<OnConflict>,
}

/// What a text depends on: database, table, number of rows, and whether it says what becomes of a
/// row whose key is in use, which it says in one way for each table.
type Shape = (Discriminant<DbBackend>, &'static str, usize, bool);

static TEXTS: LazyLock<Mutex<HashMap<Shape, Arc<str>>>> = LazyLock::new(Mutex::default);

impl Insert {
    /// Adds rows, each with all columns, and all with them in the same order.
    pub(crate) fn of<E: EntityTrait<Column = C>, C: ColumnTrait, const N: usize>(
        table: E,
        rows: impl IntoIterator<Item = [(C, Value); N]>,
    ) -> Self {
        let rows = rows.into_iter();
        let mut columns = Vec::new();
        let mut values = Vec::with_capacity(rows.size_hint().0 * N);
        for row in rows {
            if columns.is_empty() {
                columns.extend(row.iter().map(|(column, _)| IdenStatic::as_str(column)));
            }
            values.extend(row.into_iter().map(|(_, value)| value));
        }
        Self { table: EntityName::table_name(&table), columns, values, conflict: None }
    }

    /// What becomes of a row whose key is in use.
    pub(crate) fn on_conflict(self, conflict: OnConflict) -> Self {
        Self { conflict: Some(conflict), ..self }
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns.len().max(1)
    }

    fn text(&self, database: DbBackend) -> Arc<str> {
        let shape = (std::mem::discriminant(&database), self.table, self.rows(), self.conflict.is_some());
        let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(texts.entry(shape).or_insert_with(|| self.make_text(database).into()))
    }

    fn make_text(&self, database: DbBackend) -> String {
        let mut insert = Query::insert();
        insert.into_table(self.table).columns(self.columns.iter().copied());
        for row in self.values.chunks(self.columns.len().max(1)) {
            insert.values_panic(row.iter().cloned().map(Into::into));
        }
        if let Some(conflict) = &self.conflict {
            insert.on_conflict(conflict.clone());
        }
        database.build(&insert).sql
    }
}

impl StatementBuilder for Insert {
    fn build(&self, database: &DbBackend) -> Statement {
        Statement::from_sql_and_values(*database, &*self.text(*database), self.values.iter().cloned())
    }
}

/// A statement for each part of the rows.
///
/// There are few sizes of parts, so that there are few different statements: every connection keeps
/// what it has prepared, here and in the server, and a long one takes megabytes there. But what is
/// written in groups, of some dozens of rows mostly, shall not be cut into many, each of which
/// takes a round trip.
pub(crate) fn in_parts<T>(mut rows: &[T], insert: impl Fn(&[T]) -> Insert) -> Vec<Insert> {
    let mut inserts = Vec::new();
    while !rows.is_empty() {
        let (now, later) = rows.split_at(part_of(rows.len()));
        inserts.push(insert(now));
        rows = later;
    }
    inserts
}

/// The size of the first part: all of them up to 64, and beyond that a power of two.
const fn part_of(count: usize) -> usize {
    match count {
        0..=64 => count,
        _ if count > ROWS_PER_INSERT => ROWS_PER_INSERT,
        _ => 1 << count.ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use renewal_domain::{AttemptKind, DeviceId, EventId, OrgId, RenewalEvent};
    use uuid::Uuid;

    use super::*;
    use crate::statements::insert_events;

    /// How many events each statement adds, of so many in all.
    fn sizes(count: u128) -> Vec<usize> {
        let org = OrgId::new(Uuid::nil());
        let device = DeviceId::new(Uuid::nil());
        let id = |n| EventId::new(Uuid::from_u128(1 << 80 | 7 << 76 | 0b10 << 62 | n)).unwrap();
        let start = |n| RenewalEvent::start(id(n), org, device, AttemptKind::Renewal, id(n).created_at());
        let events: Vec<_> = (0..count).map(start).collect();
        let statements = insert_events(&events.iter().collect::<Vec<_>>());
        let parameters = statements.iter().map(|one| DbBackend::Sqlite.build(one).values.unwrap().0.len());
        parameters.map(|parameters| parameters / 11).collect()
    }

    #[test]
    fn every_event_is_added_once_by_few_different_statements() {
        assert!(sizes(0).is_empty());
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(32), [32]);
        assert_eq!(sizes(15), [15]);
        assert_eq!(sizes(63), [63]);
        assert_eq!(sizes(100), [64, 36]);
        assert_eq!(sizes(1_000), [512, 256, 128, 64, 40]);
        assert_eq!(sizes(1_025), [512, 512, 1]);
    }
}
