//! The statements of a store, sent by hand: with nothing but sqlx.

use chrono::{DateTime, Utc};
use renewal_store_seaorm::introspect::Sent;
use sea_orm::Value;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, Row as _, SqlitePool};
use tests::{Backend, TestDatabase};
use uuid::Uuid;

use crate::support::Outcome;

/// Connections as sqlx makes them.
pub(crate) enum ByHand {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MariaDb(MySqlPool),
}

/// A row of the events, read column by column.
type Event = (
    (Uuid, Uuid, Uuid, Uuid, i16, String, Option<String>),
    (DateTime<Utc>, Option<DateTime<Utc>>, Option<String>, DateTime<Utc>),
);

/// Sends the statement over a pool, and reads its rows.
macro_rules! events {
    ($pool:expr, $sent:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sent.sql()));
        for value in $sent.values() {
            query = match value {
                Value::Uuid(Some(it)) => query.bind(*it),
                Value::String(Some(it)) => query.bind(it.as_str()),
                Value::SmallInt(Some(it)) => query.bind(*it),
                Value::BigUnsigned(Some(it)) => query.bind(i64::try_from(*it)?),
                other => return Err(format!("no listing has a value such as {other:?}").into()),
            };
        }
        let mut events = Vec::<Event>::new();
        for row in query.fetch_all($pool).await? {
            let place = (
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
                row.try_get(5)?,
                row.try_get(6)?,
            );
            events.push((place, (row.try_get(7)?, row.try_get(8)?, row.try_get(9)?, row.try_get(10)?)));
        }
        events.len()
    }};
}

impl ByHand {
    pub(crate) async fn connect(database: &TestDatabase) -> Outcome<Self> {
        let url = database.url();
        Ok(match database.backend() {
            Backend::Sqlite => {
                Self::Sqlite(SqlitePoolOptions::new().test_before_acquire(false).connect(url).await?)
            }
            Backend::Postgres => {
                Self::Postgres(PgPoolOptions::new().test_before_acquire(false).connect(url).await?)
            }
            Backend::MariaDb => {
                // That of the columns: no index is followed for text in another one.
                let options = url.parse::<MySqlConnectOptions>()?.collation("utf8mb4_bin");
                let pool = MySqlPoolOptions::new().test_before_acquire(false);
                Self::MariaDb(pool.connect_with(options).await?)
            }
        })
    }

    /// Sends a listing, reads its events, and says how many there are.
    pub(crate) async fn events(&self, sent: &Sent) -> Outcome<usize> {
        Ok(match self {
            Self::Sqlite(pool) => events!(pool, sent),
            Self::Postgres(pool) => events!(pool, sent),
            Self::MariaDb(pool) => events!(pool, sent),
        })
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::MariaDb(pool) => pool.close().await,
        }
    }
}
