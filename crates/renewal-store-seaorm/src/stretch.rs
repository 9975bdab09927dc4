//! A stretch of an index: rows that agree in its first columns, read in the order of its last
//! one from some value on. Read so, a page costs the same wherever in the history it is.
//!
//! No planner is trusted with the choice of the index. Each may take another one and sort, or
//! read a longer stretch and skip most of it, and does when it has no statistics or old ones.
//! SQLite, MySQL and MariaDB are told the index by name. PostgreSQL cannot be told; its sessions
//! are set up so that no other looks better (see `connect`).

use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, EntityTrait, Iterable, Value};

use crate::backend::{Backend, Index};

/// A stretch of an index.
pub(crate) struct Stretch<C> {
    /// The index.
    pub(crate) index: Index,
    /// Its first columns, in order, and their values.
    pub(crate) fixed: Vec<(C, Value)>,
    /// Its last column.
    pub(crate) last: C,
    /// The value of the last column behind which the stretch begins; without one, at its end.
    pub(crate) behind: Option<Value>,
}

impl<C: ColumnTrait + Iterable> Stretch<C> {
    /// The rows of the stretch, greatest first.
    pub(crate) fn descending<E: EntityTrait>(self, backend: Backend, table: E) -> SelectStatement {
        self.rows(backend, table, Order::Desc)
    }

    /// The rows of the stretch, least first.
    pub(crate) fn ascending<E: EntityTrait>(self, backend: Backend, table: E) -> SelectStatement {
        self.rows(backend, table, Order::Asc)
    }

    fn rows<E: EntityTrait>(self, backend: Backend, table: E, order: Order) -> SelectStatement {
        let mut select = Query::select();
        select.columns(C::iter());
        backend.from(&mut select, table, self.index);
        for (column, value) in self.fixed {
            select.and_where(column.eq(value));
        }
        if let Some(value) = self.behind {
            let ascending = order == Order::Asc;
            select.and_where(if ascending { self.last.gt(value) } else { self.last.lt(value) });
        }
        select.order_by(self.last, order);
        select
    }
}

/// The rows of several stretches, each ordered and limited by itself; none of no stretch.
pub(crate) fn together<C: ColumnTrait + Iterable>(
    stretches: Vec<SelectStatement>,
) -> Option<SelectStatement> {
    if stretches.len() < 2 {
        return stretches.into_iter().next();
    }
    let wrapped = stretches.into_iter().enumerate().map(|(number, stretch)| {
        // Only as a table of its own may a part have an order and a limit on SQLite.
        Query::select().columns(C::iter()).from_subquery(stretch, format!("branch_{number}")).take()
    });
    wrapped.reduce(|mut all, stretch| all.union(UnionType::All, stretch).take())
}

/// These columns of the rows of a selection that have one of these values in a column: in that which
/// follows in the index the columns that the selection has fixed.
pub(crate) fn of_each<C: ColumnTrait>(
    backend: Backend,
    columns: impl Iterator<Item = C> + Clone,
    mut rows: SelectStatement,
    column: C,
    values: Vec<Value>,
) -> SelectStatement {
    rows.columns(columns.clone());
    // As many for a statement as there are rows in a part that is inserted.
    let values = padded(values);
    if backend != Backend::Postgres || values.is_empty() {
        return rows.and_where(column.is_in(values)).take();
    }
    // While a table is small or without statistics, any index that begins with the organisation is
    // as good to it as the right one, and so is a comparison of each row with the whole list; and it
    // goes on so when the table has grown. An order that it need not make, and that only the right
    // index has, leaves it no choice; but none counts where there is one value only.
    let place = Expr::col(("wanted", "column1"));
    let (from, to) = (column.into_expr().gte(place.clone()), column.into_expr().lte(place));
    rows.and_where(from).and_where(to).order_by(column, Order::Asc);
    Query::select()
        .columns(columns.map(|column| ("found", column)))
        .from_values(values, "wanted")
        .join_lateral(JoinType::InnerJoin, rows, "found", Expr::value(true))
        .take()
}

/// Values to look for, some of them more than once: 1, 2, 4, … in all, as the parts of rows.
pub(crate) fn padded<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}
