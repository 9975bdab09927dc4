//! The database that a URL names.

use std::fmt;
use std::path::PathBuf;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::connect_error::ConnectError;

/// How many statements a connection keeps prepared, unless the URL says it: room for those of every
/// size that are written and looked up in groups, about 300.
const STATEMENTS: usize = 512;

/// A parsed URL. Its `Display` and `Debug` say which database it is, without the password.
#[derive(Clone)]
pub(crate) enum Target {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
    SqliteFile(SqliteConnectOptions),
    SqliteInMemory(SqliteConnectOptions),
}

impl Target {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let (scheme, rest) = url.split_once(':').ok_or(ConnectError::UnknownScheme)?;
        match scheme {
            "sqlite" => sqlite(url, rest),
            "postgres" | "postgresql" => {
                check(rest, &POSTGRES_PARAMETERS)?;
                let options: PgConnectOptions = url.parse().map_err(malformed)?;
                Ok(Self::Postgres(if says_capacity(rest) {
                    options
                } else {
                    options.statement_cache_capacity(STATEMENTS)
                }))
            }
            "mysql" | "mariadb" => {
                check(rest, &MYSQL_PARAMETERS)?;
                let options: MySqlConnectOptions = format!("mysql:{rest}").parse().map_err(malformed)?;
                let options =
                    if says_capacity(rest) { options } else { options.statement_cache_capacity(STATEMENTS) };
                match options.get_database() {
                    Some(_) => Ok(Self::MySql(options)),
                    None => Err(ConnectError::Malformed(
                        "it names no database: add one, as in mysql://user@host/ledger".to_owned(),
                    )),
                }
            }
            _ => Err(ConnectError::UnknownScheme),
        }
    }

    /// The SQLite file; none in memory or on a server.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::SqliteFile(options) => Some(options.get_filename().to_owned()),
            Self::Postgres(_) | Self::MySql(_) | Self::SqliteInMemory(_) => None,
        }
    }

    /// Whether it is a server that is reached through a socket in the file system.
    pub(crate) fn has_socket(&self) -> bool {
        match self {
            Self::Postgres(options) => options.get_socket().is_some() || options.get_host().starts_with('/'),
            Self::MySql(options) => options.get_socket().is_some(),
            Self::SqliteFile(_) | Self::SqliteInMemory(_) => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or(options.get_username());
                write!(
                    f,
                    "PostgreSQL database \"{database}\" at {}:{}",
                    options.get_host(),
                    options.get_port()
                )
            }
            Self::MySql(options) => {
                let database = options.get_database().unwrap_or_default();
                write!(f, "MySQL database \"{database}\" at {}:{}", options.get_host(), options.get_port())
            }
            Self::SqliteFile(options) => write!(f, "SQLite file {}", options.get_filename().display()),
            Self::SqliteInMemory(_) => write!(f, "SQLite database in memory"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What may stand behind the `?` in a URL of PostgreSQL. The driver would log others, values
/// and all.
const POSTGRES_PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[search_path]",
];

/// What may stand behind the `?` in a URL of MySQL. The driver would ignore others.
const MYSQL_PARAMETERS: [&str; 10] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
];

fn says_capacity(rest: &str) -> bool {
    rest.contains("statement-cache-capacity=")
}

fn sqlite(url: &str, rest: &str) -> Result<Target, ConnectError> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.trim_start_matches("//");
    let options: SqliteConnectOptions = url.parse().map_err(malformed)?;
    let options = options.statement_cache_capacity(STATEMENTS);
    if path == ":memory:" || parameters.split('&').any(|parameter| parameter == "mode=memory") {
        return Ok(Target::SqliteInMemory(options));
    }
    if path.trim_matches('/').is_empty() {
        return Err(ConnectError::Malformed("it names no file".to_owned()));
    }
    Ok(Target::SqliteFile(options))
}

/// Refuses what would make the driver show a part of the password: a bare `/`, `?` or `#` in
/// it, behind which the rest is taken for the name of the database or a parameter; and
/// parameters that are not known.
fn check(rest: &str, known: &[&str]) -> Result<(), ConnectError> {
    let authority = rest.trim_start_matches('/');
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let (authority, behind) = authority.split_at(end);
    if !authority.contains('@') && behind.contains('@') {
        return Err(ConnectError::Malformed(
            "a /, ?, # or @ in the user or the password must be written %2F, %3F, %23, %40".to_owned(),
        ));
    }
    let parameters = behind.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').map(|parameter| parameter.split('=').next().unwrap_or_default());
    if names.filter(|name| !name.is_empty()).any(|name| !known.contains(&name)) {
        return Err(ConnectError::Malformed(format!(
            "behind the ? it has something other than {}",
            known.join(", ")
        )));
    }
    Ok(())
}

fn malformed(error: sqlx::Error) -> ConnectError {
    ConnectError::Malformed(match error {
        sqlx::Error::Configuration(why) => why.to_string(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Target::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn a_target_says_which_database_it_is_and_never_the_password() {
        for (url, name) in [
            (
                "postgres://me:hunter2@db.example:5433/ledger",
                "PostgreSQL database \"ledger\" at db.example:5433",
            ),
            ("mariadb://me:hunter2@db.example/ledger", "MySQL database \"ledger\" at db.example:3306"),
            ("sqlite:///var/lib/ledger.db?mode=rwc", "SQLite file /var/lib/ledger.db"),
            ("sqlite::memory:", "SQLite database in memory"),
            ("sqlite:///x?mode=memory", "SQLite database in memory"),
        ] {
            assert_eq!(format!("{:?}", Target::parse(url).unwrap()), name);
        }
    }

    #[test]
    fn a_url_of_something_else_is_answered_with_what_is_known() {
        for url in ["", "ledger.db", "oracle://host/db", "Postgres://host/db"] {
            assert!(refused(url).contains("must begin with sqlite:"), "{url}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_shown() {
        for url in [
            "postgres://me:hunt/er2@host/db",
            "postgres://me:hunt?er2@host/db",
            "mysql://me:hunt#er2@host/db",
            "postgres://me:x@host/db?passwrod=hunter2",
            "postgres://me:hunter2@host:port/db",
            "mysql://me:hunter2@host",
            "postgres://me:hunter2@host/db?sslmode=sometimes",
        ] {
            let sentence = refused(url);
            assert!(sentence.contains("malformed"), "{sentence}");
            assert!(!sentence.contains("hunt") && !sentence.contains("er2"), "{sentence}");
        }
    }

    #[test]
    fn a_sqlite_url_names_a_file() {
        assert!(refused("sqlite:").contains("names no file"));
        assert!(refused("sqlite://").contains("names no file"));
        assert!(refused("sqlite://x?mode=wrong").contains("malformed"));
    }
}
