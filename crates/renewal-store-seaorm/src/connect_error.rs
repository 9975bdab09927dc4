//! Why a database could not be opened, each in one sentence that says what to do. No text here
//! ever holds the password.

use std::io;
use std::path::PathBuf;

use renewal_domain::BoxError;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::target::Target;

/// Why a database could not be opened. `database` names it, without the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The store can have no thread of its own.
    #[error("no thread can be started for the database ({0}): allow this process more of them")]
    NoThread(#[source] io::Error),
    /// The URL does not begin as one of a database that is known here.
    #[error("the database URL must begin with sqlite:, postgres:, postgresql:, mysql: or mariadb:")]
    UnknownScheme,
    /// The URL can't be read.
    #[error("the database URL is malformed: {0}")]
    Malformed(String),
    /// The server does not answer, or not in time.
    #[error("{database} cannot be reached ({reason}): start the server, or correct host and port in the URL")]
    Unreachable {
        /// The database.
        database: String,
        /// What was seen.
        reason: String,
    },
    /// The server answers, but takes no more connections or is just starting or ending; or
    /// another process holds the SQLite file.
    #[error("{database} is busy ({reason}): try again in a moment")]
    Busy {
        /// The database.
        database: String,
        /// What it said.
        reason: String,
    },
    /// The server and this program can't agree on a protected connection.
    #[error(
        "{database}: TLS failed ({reason}): check the server's certificate and the TLS settings in the URL"
    )]
    Tls {
        /// The database.
        database: String,
        /// What went wrong.
        reason: String,
    },
    /// The server knows no such user, or the password is wrong.
    #[error("{database} refuses the user or the password: correct them in the URL")]
    Credentials {
        /// The database.
        database: String,
    },
    /// The user may not use the database.
    #[error("{database} may not be used by this user ({reason}): grant it the right, or use another user")]
    Forbidden {
        /// The database.
        database: String,
        /// What the server said.
        reason: String,
    },
    /// The server has no database of this name.
    #[error(
        "{database} does not exist: create it, and its tables with `cargo run -p migration`, or correct its \
         name in the URL"
    )]
    NoDatabase {
        /// The database.
        database: String,
    },
    /// There is no SQLite file of this name.
    #[error(
        "{} does not exist: create it with `cargo run -p migration`, or correct the path in the URL",
        .0.display()
    )]
    NoFile(PathBuf),
    /// There is no directory for the SQLite file.
    #[error("the directory {} does not exist: create it, or correct the path in the URL", .0.display())]
    NoDirectory(PathBuf),
    /// The SQLite file or its directory can't be read and written, or it is not a file of SQLite.
    #[error("{} cannot be opened ({reason}): name a ledger that can be read and written, in a directory that can be written", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The database has none of the ledger's tables.
    #[error("{database} has no tables yet: create them with `cargo run -p migration`")]
    SchemaMissing {
        /// The database.
        database: String,
    },
    /// The tables are older than this program.
    #[error("{database} is older than this program, and lacks {}: run `cargo run -p migration`", pending.join(", "))]
    SchemaOld {
        /// The database.
        database: String,
        /// The migrations that it lacks.
        pending: Vec<String>,
    },
    /// The tables are newer than this program.
    #[error(
        "{database} is newer than this program, which does not know {}: use the version that migrated it",
        unknown.join(", ")
    )]
    SchemaNew {
        /// The database.
        database: String,
        /// The migrations that this program does not know.
        unknown: Vec<String>,
    },
    /// Anything else; the source says what.
    #[error("{database} cannot be opened: {source}")]
    Other {
        /// The database.
        database: String,
        /// What went wrong.
        source: BoxError,
    },
}

/// What the driver failed of.
pub(crate) fn explain(target: &Target, error: sqlx::Error) -> ConnectError {
    let database = target.to_string();
    match error {
        sqlx::Error::Io(cause) => io(target, &cause),
        sqlx::Error::Tls(cause) => ConnectError::Tls { database, reason: cause.to_string() },
        sqlx::Error::Configuration(cause) => ConnectError::Malformed(cause.to_string()),
        sqlx::Error::PoolTimedOut => ConnectError::Busy { database, reason: error.to_string() },
        sqlx::Error::Database(cause) => refused(target, cause),
        other => ConnectError::Other { database, source: Box::new(other) },
    }
}

fn io(target: &Target, cause: &io::Error) -> ConnectError {
    let (database, reason) = (target.to_string(), cause.to_string());
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            ConnectError::Unreachable { database, reason: "nothing listens there".to_owned() }
        }
        // The driver's TLS reports a certificate that it does not accept in this way.
        io::ErrorKind::InvalidData => ConnectError::Tls { database, reason },
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => match target.file() {
            Some(file) => ConnectError::Unusable { file, reason },
            None if target.has_socket() => ConnectError::Unreachable { database, reason },
            None => ConnectError::Tls { database, reason: format!("a file that the URL names: {reason}") },
        },
        _ => ConnectError::Unreachable { database, reason },
    }
}

/// What the database itself said.
fn refused(target: &Target, error: Box<dyn DatabaseError>) -> ConnectError {
    let (database, reason) = (target.to_string(), error.message().to_owned());
    match cause(error.as_ref()) {
        Cause::Credentials => ConnectError::Credentials { database },
        Cause::NoDatabase => ConnectError::NoDatabase { database },
        Cause::Forbidden => ConnectError::Forbidden { database, reason },
        Cause::Busy => ConnectError::Busy { database, reason },
        Cause::File => ConnectError::Unusable { file: target.file().unwrap_or_default(), reason },
        Cause::Other => ConnectError::Other { database, source: error },
    }
}

enum Cause {
    Credentials,
    NoDatabase,
    Forbidden,
    Busy,
    File,
    Other,
}

fn cause(error: &dyn DatabaseError) -> Cause {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return match error.code() {
            "28P01" | "28000" => Cause::Credentials,
            "3D000" => Cause::NoDatabase,
            "42501" => Cause::Forbidden,
            code if code.starts_with("53") || code.starts_with("57P") => Cause::Busy,
            _ => Cause::Other,
        };
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return match error.number() {
            1045 | 1698 => Cause::Credentials,
            1049 => Cause::NoDatabase,
            1044 | 1142 => Cause::Forbidden,
            1040 | 1053 | 1203 | 1226 => Cause::Busy,
            _ => Cause::Other,
        };
    }
    let code: Option<i32> = error.code().and_then(|code| code.parse().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => Cause::Busy,
        // No permission, read-only, I/O error, corrupt, full, cannot be opened, not a database.
        Some(3 | 8 | 10 | 11 | 13 | 14 | 26) => Cause::File,
        _ => Cause::Other,
    }
}
