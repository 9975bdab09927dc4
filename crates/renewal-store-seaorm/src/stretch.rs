//! A stretch of an index: rows that agree in its first columns, read in the order of its last
//! one from some value on. Read so, a page costs the same wherever in the history it is.
//!
//! No planner is trusted with the choice of the index. Each may take another one and sort, or
//! read a longer stretch and skip most of it, and does when it has no statistics or old ones.
//! SQLite, MySQL and MariaDB are told the index by name. PostgreSQL cannot be told; its sessions
//! are set up so that no other looks better (see `connect`).

use sea_orm::sea_query::{Order, Query, SelectStatement, UnionType};
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
