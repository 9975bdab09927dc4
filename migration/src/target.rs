//! The database that the URL names, and the connection to it.

use crate::explain::Failure;
use sea_orm_migration::sea_orm::{
    DatabaseConnection, SqlxMySqlConnector, SqlxPostgresConnector, SqlxSqliteConnector,
};
use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use std::fmt;
use std::time::Duration;

/// How long the server may take to accept the connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// A parsed URL. Its `Display` says which database it is, without the password.
#[derive(Debug)]
pub(crate) enum Target {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl Target {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        if url.is_empty() {
            return Err(Failure::NoUrl);
        }
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        if scheme != "sqlite" {
            encoded(rest)?;
        }
        let parsed = match scheme {
            "postgres" | "postgresql" => url.parse().map(Self::Postgres),
            "mysql" | "mariadb" => format!("mysql:{rest}").parse().map(Self::MySql),
            "sqlite" if rest.trim_matches('/').is_empty() => {
                return Err(Failure::Malformed("it names no file".to_owned()));
            }
            "sqlite" => url.parse().map(Self::Sqlite),
            _ => return Err(Failure::UnknownScheme),
        };
        parsed.map_err(|error| match error {
            sqlx::Error::Configuration(why) => Failure::Malformed(why.to_string()),
            other => Failure::Malformed(other.to_string()),
        })
    }

    /// Connects, and says what is wrong when that fails, at once: a pool would try again for
    /// half a minute. Makes a SQLite file that does not exist when told to `create`.
    pub(crate) async fn connect(
        &self,
        schema: Option<&str>,
        create: bool,
    ) -> Result<DatabaseConnection, Failure> {
        let connecting = async {
            match self {
                Self::Postgres(options) => connect_postgres(options, schema).await,
                Self::MySql(options) => connect_mysql(options).await,
                Self::Sqlite(options) => connect_sqlite(options, create).await,
            }
        };
        if let Self::Sqlite(options) = self {
            check_file(options, create)?;
        }
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(Ok(db)) => Ok(db),
            Ok(Err(error)) => Err(self.explain_sqlx(&error)),
            Err(_) => Err(Failure::NoAnswer { target: self.to_string(), seconds: PATIENCE.as_secs() }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or(options.get_username());
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "PostgreSQL database \"{database}\" at {host}:{port}")
            }
            Self::MySql(options) => {
                let database = options.get_database().unwrap_or_default();
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "MySQL database \"{database}\" at {host}:{port}")
            }
            Self::Sqlite(options) => {
                write!(f, "SQLite file {}", options.get_filename().display())
            }
        }
    }
}

/// Refuses a password with a bare `/`, `?` or `#` in it. What follows would be taken for the
/// name of the database, and shown.
fn encoded(rest: &str) -> Result<(), Failure> {
    let authority = rest.trim_start_matches('/');
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let (authority, path) = authority.split_at(end);
    if !authority.contains('@') && path.contains('@') {
        return Err(Failure::Malformed(
            "a /, ?, # or @ in the user or the password must be written %2F, %3F, %23, %40".to_owned(),
        ));
    }
    Ok(())
}

fn check_file(options: &SqliteConnectOptions, create: bool) -> Result<(), Failure> {
    let file = options.get_filename();
    if file.is_dir() {
        return Err(Failure::IsDirectory(file.to_owned()));
    }
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Err(Failure::NoDirectory { file: file.to_owned(), directory: parent.to_owned() })
        }
        _ if create || file.exists() => Ok(()),
        _ => Err(Failure::NoFile(file.to_owned())),
    }
}

async fn connect_postgres(
    options: &PgConnectOptions,
    schema: Option<&str>,
) -> Result<DatabaseConnection, sqlx::Error> {
    PgConnection::connect_with(options).await?.close().await?;
    let search_path = schema.map(search_path);
    let pool = PgPoolOptions::new()
        .after_connect(move |connection, _| {
            let search_path = search_path.clone();
            Box::pin(async move {
                if let Some(search_path) = search_path {
                    sqlx::query("SELECT set_config('search_path', $1, false)")
                        .bind(search_path)
                        .execute(connection)
                        .await?;
                }
                Ok(())
            })
        })
        .connect_with(options.clone())
        .await?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

async fn connect_mysql(options: &MySqlConnectOptions) -> Result<DatabaseConnection, sqlx::Error> {
    let probe = MySqlConnection::connect_with(options).await?;
    probe.close().await?;
    let pool = MySqlPoolOptions::new().connect_with(options.clone()).await?;
    Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}

async fn connect_sqlite(
    options: &SqliteConnectOptions,
    create: bool,
) -> Result<DatabaseConnection, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone().create_if_missing(create))
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// The value of `search_path` for one or several schemas separated by commas.
fn search_path(schemas: &str) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.trim().replace('"', "\"\""));
    let names: Vec<_> = schemas.split(',').map(quoted).collect();
    names.join(", ")
}
