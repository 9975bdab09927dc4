//! For tests: every statement that a store sends, and how the database would carry it out.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::{PostgresQueryBuilder, QueryBuilder};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait, Value};

use crate::store::SeaOrmStore;

/// Sends a statement over one of the store's own connections, as they are set up.
///
/// # Errors
/// What the database says against it.
pub async fn send(store: &SeaOrmStore, sql: &str) -> Result<(), Box<dyn std::error::Error>> {
    store.session.db().execute_unprepared(sql).await?;
    Ok(())
}

/// A statement that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent(Statement);

/// Holds what a store sent.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Sent>>>);

impl Recorder {
    /// Records what this store sends from now on, and the clones that are made of it from now on.
    #[must_use]
    pub fn of(store: &mut SeaOrmStore) -> Self {
        let recorder = Self::default();
        for db in [store.session.db_mut(), store.writer.db_mut()] {
            let sent = recorder.clone();
            db.set_metric_callback(move |info| {
                if !info.statement.sql.starts_with("EXPLAIN ") {
                    let mut all = sent.0.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(Sent(info.statement.clone()));
                }
            });
        }
        recorder
    }

    /// What was sent since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sent {
    /// The statement, with placeholders where it has values.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.0.sql
    }

    /// Its values, in the order of the placeholders.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        self.0.values.as_ref().map_or(&[], |values| &values.0)
    }

    /// How the database would carry it out: a line of SQLite's `EXPLAIN QUERY PLAN` each, or the
    /// JSON document of PostgreSQL, of MariaDB and of MySQL.
    ///
    /// # Errors
    /// What the database says against it.
    pub async fn plan(&self, store: &SeaOrmStore) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let db = store.session.db();
        let (prefix, column) = match self.0.db_backend {
            DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            DbBackend::MySql => ("EXPLAIN FORMAT=JSON", 0),
            _ => return Ok(self.prepared_plan(db).await?),
        };
        let explain = Statement { sql: format!("{prefix} {}", self.0.sql), ..self.0.clone() };
        Ok(rows(db, explain, column).await?)
    }

    /// How PostgreSQL would carry it out as a prepared statement, which is how it is sent: an
    /// `EXPLAIN` with values would be planned for these.
    async fn prepared_plan(&self, db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
        let types: Vec<_> = self.values().iter().map(postgres_type).collect();
        let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
        let values: Vec<_> =
            self.values().iter().map(|it| PostgresQueryBuilder.value_to_string(it)).collect();
        let transaction = db.begin().await?;
        transaction.execute_unprepared(&format!("PREPARE sent {types} AS {}", self.0.sql)).await?;
        let arguments = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE sent{arguments}");
        let explain = Statement::from_string(DbBackend::Postgres, explain);
        let plan = rows(&transaction, explain, 0).await;
        transaction.execute_unprepared("DEALLOCATE sent").await?;
        transaction.rollback().await?;
        plan
    }
}

/// The type of a parameter, which the driver tells with it.
fn postgres_type(value: &Value) -> &'static str {
    match value {
        Value::Uuid(_) => "uuid",
        Value::String(_) => "text",
        Value::Bytes(_) => "bytea",
        Value::ChronoDateTimeUtc(_) => "timestamptz",
        Value::SmallInt(_) => "smallint",
        Value::Int(_) => "integer",
        Value::BigInt(_) | Value::BigUnsigned(_) => "bigint",
        _ => "unknown",
    }
}

async fn rows(db: &impl ConnectionTrait, explain: Statement, column: usize) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(explain).await?;
    rows.iter()
        .map(|row| match row.try_get_by_index::<Vec<u8>>(column) {
            // MariaDB shows octets that are compared as they are.
            Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Err(error) => match row.try_as_pg_row() {
                // PostgreSQL says of the document that it is JSON, not octets.
                Some(row) => {
                    let value = sqlx::Row::try_get_raw(row, column);
                    let text = value.ok().and_then(|value| value.as_str().ok().map(str::to_owned));
                    text.ok_or(error)
                }
                None => row.try_get_by_index(column),
            },
        })
        .collect()
}
