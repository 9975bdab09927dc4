//! What is in the database: every row of every table, by plain SQL, all columns as text.

use anyhow::{Context, Result};
use chrono::DateTime;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Executor, Row, Type};
use tests::Backend;
use uuid::Uuid;

/// The rows of the ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) events: Vec<Event>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) open: Vec<Open>,
    pub(crate) tokens: Vec<Token>,
}

/// A row of `certificate_renewal_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) device: Uuid,
    pub(crate) attempt: Uuid,
    pub(crate) stage: i64,
    pub(crate) kind: String,
    pub(crate) reason: Option<String>,
    /// Microseconds since 1970, as are all times here.
    pub(crate) new_expiration: Option<i64>,
    pub(crate) created_at: i64,
}

/// A row of `device_certificates`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) org: Uuid,
    /// Hexadecimal, as are all octets here.
    pub(crate) serial: String,
    pub(crate) device: Uuid,
    pub(crate) name: String,
    pub(crate) request: Uuid,
    pub(crate) kind: String,
    pub(crate) attempt: Option<Uuid>,
    pub(crate) presented_serial: Option<String>,
    pub(crate) not_after: i64,
    pub(crate) der: String,
}

/// A row of `open_requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
}

/// A row of `enrollment_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) used_by_request_id: Option<Uuid>,
}

impl Snapshot {
    /// Reads the ledger.
    pub(crate) async fn of(backend: Backend, url: &str) -> Result<Self> {
        match backend {
            Backend::Sqlite => read(SqliteConnection::connect(url).await?, SQLITE).await,
            Backend::Postgres => read(PgConnection::connect(url).await?, POSTGRES).await,
            Backend::MariaDb => read(MySqlConnection::connect(url).await?, MARIADB).await,
        }
    }
}

/// How a database writes a column as text: octets and UUIDs, times, numbers, text.
struct Dialect {
    octets: &'static str,
    uuid: &'static str,
    time: &'static str,
    number: &'static str,
}

const POSTGRES: Dialect = Dialect {
    octets: "encode({}, 'hex')",
    uuid: "{}::text",
    time: "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    number: "{}::text",
};

const MARIADB: Dialect = Dialect {
    octets: "lower(hex({}))",
    uuid: "lower(hex({}))",
    time: "date_format({}, '%Y-%m-%dT%H:%i:%s.%fZ')",
    number: "cast({} AS CHAR)",
};

/// SQLite writes no octets for null.
const SQLITE: Dialect = Dialect {
    octets: "nullif(lower(hex({})), '')",
    uuid: "nullif(lower(hex({})), '')",
    time: "{}",
    number: "cast({} AS TEXT)",
};

/// Columns, each after the letter of what it is: u, t, n, o, or s for text as it is.
const EVENTS: &str = "u org_id, u id, u device_id, u attempt_id, n stage, s event_type, s reason, \
     t new_cert_expiration, t created_at";
const CERTIFICATES: &str = "u org_id, s serial, u device_id, s device_name, u request_id, s kind, \
     u attempt_id, s presented_serial, t not_after, o der";
const OPEN: &str = "u org_id, u id, s device_name, s kind, s state";
const TOKENS: &str = "u org_id, u id, s device_name, u used_by_request_id";

impl Dialect {
    fn select(&self, table: &str, columns: &str) -> String {
        let column = |column: &str| {
            let (kind, name) = column.split_once(' ').unwrap_or(("s", column));
            let form = match kind {
                "u" => self.uuid,
                "t" => self.time,
                "n" => self.number,
                "o" => self.octets,
                _ => "{}",
            };
            form.replace("{}", name)
        };
        let columns: Vec<_> = columns.split(", ").map(column).collect();
        format!("SELECT {} FROM {table} ORDER BY 1, 2", columns.join(", "))
    }
}

/// A row, column after column.
struct Columns(std::vec::IntoIter<Option<String>>);

impl Columns {
    fn optional(&mut self) -> Result<Option<String>> {
        self.0.next().context("a row has too few columns")
    }

    fn text(&mut self) -> Result<String> {
        self.optional()?.context("a column is null")
    }

    fn uuid(&mut self) -> Result<Uuid> {
        Ok(Uuid::try_parse(&self.text()?)?)
    }

    fn optional_uuid(&mut self) -> Result<Option<Uuid>> {
        Ok(self.optional()?.map(|text| Uuid::try_parse(&text)).transpose()?)
    }

    fn optional_time(&mut self) -> Result<Option<i64>> {
        let time = |text: String| {
            let time = DateTime::parse_from_rfc3339(&text).with_context(|| format!("{text} is no time"))?;
            anyhow::Ok(time.timestamp_micros())
        };
        self.optional()?.map(time).transpose()
    }

    fn time(&mut self) -> Result<i64> {
        self.optional_time()?.context("a time is null")
    }
}

async fn read<C>(mut session: C, dialect: Dialect) -> Result<Snapshot>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    for<'r> Option<String>: Decode<'r, C::Database>,
    Option<String>: Type<C::Database>,
    usize: ColumnIndex<<C::Database as Database>::Row>,
{
    let mut rows = async |table: &str, columns: &str| {
        let select = dialect.select(table, columns);
        let found = session.fetch_all(sqlx::raw_sql(AssertSqlSafe(select))).await?;
        let columns = |row: &<C::Database as Database>::Row| {
            let columns: Result<Vec<_>, _> = (0..row.len()).map(|index| row.try_get(index)).collect();
            Ok(Columns(columns?.into_iter()))
        };
        found.iter().map(columns).collect::<Result<Vec<_>>>()
    };
    let snapshot = Snapshot {
        events: all(rows("certificate_renewal_events", EVENTS).await?, event)?,
        certificates: all(rows("device_certificates", CERTIFICATES).await?, certificate)?,
        open: all(rows("open_requests", OPEN).await?, open)?,
        tokens: all(rows("enrollment_tokens", TOKENS).await?, token)?,
    };
    session.close().await?;
    Ok(snapshot)
}

fn all<T>(rows: Vec<Columns>, read: fn(Columns) -> Result<T>) -> Result<Vec<T>> {
    rows.into_iter().map(read).collect()
}

fn event(mut row: Columns) -> Result<Event> {
    Ok(Event {
        org: row.uuid()?,
        id: row.uuid()?,
        device: row.uuid()?,
        attempt: row.uuid()?,
        stage: row.text()?.parse()?,
        kind: row.text()?,
        reason: row.optional()?,
        new_expiration: row.optional_time()?,
        created_at: row.time()?,
    })
}

fn certificate(mut row: Columns) -> Result<Certificate> {
    Ok(Certificate {
        org: row.uuid()?,
        serial: row.text()?,
        device: row.uuid()?,
        name: row.text()?,
        request: row.uuid()?,
        kind: row.text()?,
        attempt: row.optional_uuid()?,
        presented_serial: row.optional()?,
        not_after: row.time()?,
        der: row.text()?,
    })
}

fn open(mut row: Columns) -> Result<Open> {
    let (org, id) = (row.uuid()?, row.uuid()?);
    Ok(Open { org, id, name: row.text()?, kind: row.text()?, state: row.text()? })
}

fn token(mut row: Columns) -> Result<Token> {
    let (org, id) = (row.uuid()?, row.uuid()?);
    Ok(Token { org, id, name: row.text()?, used_by_request_id: row.optional_uuid()? })
}
