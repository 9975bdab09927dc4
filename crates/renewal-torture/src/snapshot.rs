//! What is in the database: every row of every table, by plain SQL, all columns as text.

mod rows;

use anyhow::{Context, Result};
use chrono::DateTime;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Executor, Row, Type};
use tests::Backend;
use uuid::Uuid;

pub(crate) use rows::{Action, ApiToken, Block, Certificate, Event, Open, Revocation, Stored, Token};

/// The rows of the ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) events: Vec<Event>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) open: Vec<Open>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) api_tokens: Vec<ApiToken>,
    pub(crate) actions: Vec<Action>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) revocations: Vec<Revocation>,
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
pub(crate) struct Columns(std::vec::IntoIter<Option<String>>);

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
        events: all(rows(Event::TABLE, Event::COLUMNS).await?)?,
        certificates: all(rows(Certificate::TABLE, Certificate::COLUMNS).await?)?,
        open: all(rows(Open::TABLE, Open::COLUMNS).await?)?,
        tokens: all(rows(Token::TABLE, Token::COLUMNS).await?)?,
        api_tokens: all(rows(ApiToken::TABLE, ApiToken::COLUMNS).await?)?,
        actions: all(rows(Action::TABLE, Action::COLUMNS).await?)?,
        blocks: all(rows(Block::TABLE, Block::COLUMNS).await?)?,
        revocations: all(rows(Revocation::TABLE, Revocation::COLUMNS).await?)?,
    };
    session.close().await?;
    Ok(snapshot)
}

fn all<T: Stored>(rows: Vec<Columns>) -> Result<Vec<T>> {
    rows.into_iter().map(T::read).collect()
}
