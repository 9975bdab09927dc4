//! Everything in which the databases differ, apart from how to connect to them: limits,
//! transactions, and which of their errors mean what.

use sea_orm::sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, OnConflict, Order, SelectStatement};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, SqliteTransactionMode, Statement, StatementBuilder,
    TransactionOptions, Value,
};
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

/// A family of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

/// An index of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// That of the primary key.
    Primary,
    /// The one of this name, which begins with `idx_`.
    Named(&'static str),
}

/// What an error of a database means for whoever sent the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A unique key is in use.
    Duplicate,
    /// The transaction stood in another's way and was given up: it can be run again at once.
    Contended,
    /// It cannot be done now: the database is ending, starting, full or too busy.
    Unavailable,
    /// Anything else.
    Other,
}

/// The most parameters that each of the databases takes with one statement. SQLite takes the
/// fewest; the others take 65,535.
pub(crate) const MAX_PARAMETERS: usize = 32_766;

impl Backend {
    /// Reads from a table by an index, if the database can be told.
    pub(crate) fn from<E: EntityTrait>(self, select: &mut SelectStatement, table: E, index: Index) {
        match (self, index) {
            (Self::Postgres, _) => select.from(table),
            (Self::MySql, Index::Primary) => select.from(table).force_index("PRIMARY", IndexHintScope::All),
            (Self::MySql, Index::Named(name)) => select.from(table).force_index(name, IndexHintScope::All),
            // For SeaORM it is an alias; see `build`.
            (Self::Sqlite, Index::Named(name)) => select.from_as(table, name),
            (Self::Sqlite, Index::Primary) => {
                select.from_as(table, format!("sqlite_autoindex_{}_1", table.table_name()))
            }
        };
    }

    /// A column that is to be checked row by row, and not to choose an index by.
    pub(crate) fn unindexed<C: ColumnTrait>(self, column: C) -> Expr {
        match self {
            // An expression that is in no index.
            Self::Postgres => Func::cust("concat").arg(Expr::col(column)).into(),
            Self::Sqlite | Self::MySql => Expr::col(column),
        }
    }

    /// That a row stands behind a place in the order of two columns, in which an index on both is
    /// read: it is searched for the place.
    pub(crate) fn behind<C: ColumnTrait>(self, order: &Order, columns: [C; 2], place: [Value; 2]) -> Expr {
        let ([first, second], [at, then]) = (columns, place);
        let ascending = *order == Order::Asc;
        match self {
            Self::Sqlite | Self::Postgres => {
                let columns = Expr::tuple([first.into_expr(), second.into_expr()]);
                let place = Expr::tuple([at.into(), then.into()]);
                if ascending { columns.gt(place) } else { columns.lt(place) }
            }
            // It searches for no pair of values, but for each of two stretches.
            Self::MySql if ascending => first.gt(at.clone()).or(first.eq(at).and(second.gt(then))),
            Self::MySql => first.lt(at.clone()).or(first.eq(at).and(second.lt(then))),
        }
    }

    /// The least UUID of a column. PostgreSQL compares UUIDs, but knows no least one before its
    /// version 18; their text has the same order.
    pub(crate) fn least_uuid<C: ColumnTrait>(self, column: C) -> Expr {
        match self {
            Self::Postgres => column.into_expr().cast_as("text").min().cast_as("uuid"),
            Self::Sqlite | Self::MySql => column.into_expr().min(),
        }
    }

    /// What becomes of a row whose key is in use: its columns are replaced, if the new row's value
    /// of the column that decides is the greater one.
    pub(crate) fn replace_if_greater<C: ColumnTrait>(
        self,
        conflict: &mut OnConflict,
        table: impl EntityTrait,
        columns: &[C],
        decides: C,
    ) {
        match self {
            Self::Sqlite | Self::Postgres => {
                let there = Expr::col((Alias::new(table.table_name()), decides));
                let new = Expr::col((Alias::new("excluded"), decides));
                conflict.update_columns(columns.iter().copied()).action_and_where(there.lt(new));
            }
            // It has no such condition.
            Self::MySql => {
                let new = |column: C| Expr::from(Func::cust("VALUES").arg(Expr::col(column)));
                for &column in columns {
                    let greater = new(decides).gt(Expr::col(decides));
                    let one_of = Func::cust("IF").args([greater, new(column), Expr::col(column)]);
                    conflict.value(column, one_of);
                }
            }
        }
    }

    /// The statement as it is sent.
    pub(crate) fn build(self, statement: &impl StatementBuilder) -> Statement {
        match self {
            Self::Postgres => DbBackend::Postgres.build(statement),
            Self::Sqlite => {
                // SeaORM cannot write this clause, which stands where an alias would. No alias
                // of ours begins so, and no value is in the text.
                let mut statement = DbBackend::Sqlite.build(statement);
                for index in ["\"idx_", "\"sqlite_autoindex_"] {
                    statement.sql =
                        statement.sql.replace(&format!(" AS {index}"), &format!(" INDEXED BY {index}"));
                }
                statement
            }
            Self::MySql => {
                // The driver says of an instant that it is a `TIMESTAMP`, of which MariaDB takes
                // those from 1970 to 2038, and makes NULL of all others without a word. As a date
                // and time (in UTC, which is the session's time zone) it is kept.
                let mut statement = DbBackend::MySql.build(statement);
                for value in statement.values.iter_mut().flat_map(|values| &mut values.0) {
                    if let Value::ChronoDateTimeUtc(instant) = value {
                        *value = Value::ChronoDateTime(instant.map(|instant| instant.naive_utc()));
                    }
                }
                statement
            }
        }
    }

    /// How a transaction that writes begins.
    ///
    /// On SQLite a transaction that reads before it writes must take the write lock when it
    /// begins, or it fails when another wrote in between. The others read what is committed
    /// (READ COMMITTED): each statement sees what the one that it waited for has committed, on
    /// which opening a request relies; and on MySQL fewer gaps are locked. That level is a
    /// setting of the session, as naming it here would cost a round trip each time.
    pub(crate) fn transaction(self) -> TransactionOptions {
        let sqlite_transaction_mode = match self {
            Self::Sqlite => Some(SqliteTransactionMode::Immediate),
            Self::Postgres | Self::MySql => None,
        };
        TransactionOptions { sqlite_transaction_mode, ..TransactionOptions::default() }
    }

    /// Whether writers take turns within the process. On SQLite one can write at a time, and
    /// those that wait for its lock only look again now and then, in no order.
    pub(crate) const fn writers_take_turns(self) -> bool {
        matches!(self, Self::Sqlite)
    }
}

/// What an error that the database reported means.
pub(crate) fn meaning(error: &dyn DatabaseError) -> Meaning {
    if error.is_unique_violation() {
        return Meaning::Duplicate;
    }
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return postgres(error.code());
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql(error.number());
    }
    let code = error.code().and_then(|code| code.parse().ok());
    code.map_or(Meaning::Other, sqlite)
}

/// Whether it is the last that a connection says, to whatever it is asked next: that it was ended.
pub(crate) fn is_farewell(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        // admin_shutdown, crash_shutdown, idle_session_timeout
        return matches!(error.code(), "57P01" | "57P02" | "57P05");
    }
    // Shutdown, killed, idle for too long.
    let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
    matches!(number, Some(1053 | 1927 | 4031))
}

/// States of PostgreSQL in which it cannot do now what it will do later.
const POSTGRES_UNAVAILABLE: [&str; 9] = [
    "55P03", // lock_not_available
    "57014", // query_canceled: by the time limit
    "25P03", // idle_in_transaction_session_timeout
    "25006", // read_only_sql_transaction: another server has taken over
    "57P01", // admin_shutdown
    "57P02", // crash_shutdown
    "57P03", // cannot_connect_now
    "57P04", // database_dropped
    "57P05", // idle_session_timeout
];

/// By SQLSTATE (PostgreSQL, appendix A).
fn postgres(code: &str) -> Meaning {
    match code {
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => Meaning::Contended,
        // Connection exceptions; insufficient resources: disk, memory, connections.
        code if code.starts_with("08") || code.starts_with("53") => Meaning::Unavailable,
        code if POSTGRES_UNAVAILABLE.contains(&code) => Meaning::Unavailable,
        _ => Meaning::Other,
    }
}

/// Errors of MySQL and MariaDB that say they cannot do now what they will do later.
const MYSQL_UNAVAILABLE: [u16; 21] = [
    1040, 1203, 1226, 1129, // too many connections, of all or of one account; host blocked
    1053, 1927, 1317, // shutdown, killed, interrupted
    1969, 3024, // the time limit, of MariaDB and of MySQL
    4031, // idle for too long
    1021, 1114, 1037, 1038, 1041, // disk full, table full, out of memory, of resources
    1158, 1159, 1160, 1161, // network errors that the server saw
    1290, 1836, // read-only: another server has taken over
];

/// By error number.
fn mysql(number: u16) -> Meaning {
    match number {
        // Lock wait timeout, deadlock, record has changed since last read.
        1205 | 1213 | 1020 => Meaning::Contended,
        number if MYSQL_UNAVAILABLE.contains(&number) => Meaning::Unavailable,
        _ => Meaning::Other,
    }
}

/// By extended result code, whose lowest byte is the primary one.
fn sqlite(code: i32) -> Meaning {
    /// Another wrote since this transaction began to read.
    const BUSY_SNAPSHOT: i32 = 517;
    match code {
        BUSY_SNAPSHOT => Meaning::Contended,
        code => match code & 0xff {
            // Busy, locked, out of memory, interrupted, I/O error, full.
            5 | 6 | 7 | 9 | 10 | 13 => Meaning::Unavailable,
            _ => Meaning::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_sent_to_mysql_as_a_date_and_time() {
        let instant = chrono::DateTime::<chrono::Utc>::MAX_UTC;
        let select = sea_orm::sea_query::Query::select().expr(instant).take();
        let values = |backend: Backend| backend.build(&select).values.unwrap().0;
        assert_eq!(values(Backend::MySql), [Value::ChronoDateTime(Some(instant.naive_utc()))]);
        assert_eq!(values(Backend::Postgres), [Value::ChronoDateTimeUtc(Some(instant))]);
    }

    #[test]
    fn a_database_that_is_full_or_ending_is_unavailable() {
        for code in ["53100", "53300", "57P01", "57P03", "08006"] {
            assert_eq!(postgres(code), Meaning::Unavailable, "{code}");
        }
        assert_eq!(mysql(1021), Meaning::Unavailable);
        assert_eq!(sqlite(13), Meaning::Unavailable);
    }

    #[test]
    fn a_transaction_that_lost_to_another_is_run_again() {
        assert_eq!(postgres("40P01"), Meaning::Contended);
        assert_eq!(mysql(1213), Meaning::Contended);
        assert_eq!(sqlite(517), Meaning::Contended);
    }

    #[test]
    fn what_another_try_cannot_mend_is_not_unavailable() {
        assert_eq!(postgres("42P01"), Meaning::Other, "no such table");
        assert_eq!(mysql(1146), Meaning::Other, "no such table");
        assert_eq!(sqlite(8), Meaning::Other, "read-only");
        assert_eq!(sqlite(11), Meaning::Other, "corrupt");
    }
}
