//! What went wrong, in one sentence that says what to do. Never with the password.

use crate::target::Target;
use migration::DbErr;
use sea_orm_migration::sea_orm::RuntimeErr;
use std::io;
use std::path::PathBuf;

/// Why the program ends with status 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no database is named: set DATABASE_URL or give -u URL, for example -u sqlite://ledger.db")]
    NoUrl,

    #[error("the database URL must begin with sqlite:, postgres:, mysql: or mariadb:")]
    UnknownScheme,

    #[error("the database URL is malformed: {0}")]
    Malformed(String),

    #[error("{} is a directory: name a file in it", .0.display())]
    IsDirectory(PathBuf),

    #[error("{} cannot be created: the directory {} does not exist, so create it first", .file.display(), .directory.display())]
    NoDirectory { file: PathBuf, directory: PathBuf },

    #[error("{} does not exist: create it with `migration up`, or correct the URL", .0.display())]
    NoFile(PathBuf),

    #[error("{target} did not answer within {seconds} seconds: check host, port and firewall")]
    NoAnswer { target: String, seconds: u64 },

    #[error("{target}: {reason}; {advice}")]
    Database { target: String, reason: String, advice: &'static str },

    #[error("{target}: {reason}")]
    Other { target: String, reason: String },

    #[error("the result cannot be printed, but the command was carried out: {0}")]
    Output(io::Error),
}

impl Target {
    /// Says what a migration failed of.
    pub(crate) fn explain(&self, error: &DbErr) -> Failure {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => self.explain_sqlx(error),
            DbErr::Migration(reason) | DbErr::Custom(reason) => self.other(reason),
            other => self.other(&other.to_string()),
        }
    }

    /// Says what the driver failed of.
    pub(crate) fn explain_sqlx(&self, error: &sqlx::Error) -> Failure {
        let (reason, advice) = match error {
            sqlx::Error::Io(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
                ("nothing listens there".to_owned(), "start the server, or correct host and port in the URL")
            }
            // A certificate that is refused comes as this kind.
            sqlx::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
                (format!("TLS failed ({io})"), TLS)
            }
            sqlx::Error::Io(io) => (format!("cannot be reached ({io})"), "check host, port and network"),
            sqlx::Error::Tls(tls) => (format!("TLS failed ({tls})"), TLS),
            sqlx::Error::Configuration(why) => return Failure::Malformed(why.to_string()),
            sqlx::Error::Database(database) => {
                let message = database.message().to_owned();
                match self.advice(database.as_ref()) {
                    Some(advice) => (message, advice),
                    None => return self.other(&message),
                }
            }
            other => return self.other(&other.to_string()),
        };
        Failure::Database { target: self.to_string(), reason, advice }
    }

    fn other(&self, reason: &str) -> Failure {
        Failure::Other { target: self.to_string(), reason: reason.to_owned() }
    }

    fn advice(&self, error: &dyn sqlx::error::DatabaseError) -> Option<&'static str> {
        match self {
            Self::Postgres(_) => postgres_advice(&error.code()?),
            Self::MySql(_) => {
                let error = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
                mysql_advice(error.number())
            }
            Self::Sqlite(_) => sqlite_advice(error.code()?.parse().ok()?),
        }
    }
}

const TLS: &str = "check the server's certificate and the TLS settings in the URL";
const CREDENTIALS: &str = "check user and password in the URL";
const PRIVILEGES: &str = "grant the account the right to create and alter tables, or use another";
const DISK: &str = "make room and run this again";
const LATER: &str = "try again in a moment";

/// By SQLSTATE.
fn postgres_advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" | "28000" => CREDENTIALS,
        "3D000" => "create the database with createdb, or correct its name in the URL",
        "42501" => PRIVILEGES,
        "53100" => DISK,
        "53300" | "57P03" => LATER,
        _ => return None,
    })
}

/// By error number.
fn mysql_advice(number: u16) -> Option<&'static str> {
    Some(match number {
        1045 | 1698 => CREDENTIALS,
        1049 => "create the database with CREATE DATABASE, or correct its name in the URL",
        1044 | 1142 => PRIVILEGES,
        1021 | 1114 => DISK,
        1040 => LATER,
        _ => return None,
    })
}

/// By result code, whose lowest byte is the primary one.
fn sqlite_advice(code: u32) -> Option<&'static str> {
    Some(match code & 0xff {
        5 | 6 => "another process holds it: wait for it, or end it, and run this again",
        8 => "make the file and its directory writable",
        10 | 13 => DISK,
        14 => "check that the file and its directory can be read and written",
        26 => "name the file of a ledger, or a new one",
        _ => return None,
    })
}
