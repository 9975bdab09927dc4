//! How each database spells the column types and table options of this migration.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A family of databases with one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The dialect of a connection; what SeaORM adds one day is taken to speak standard SQL.
    pub(crate) fn of(backend: DbBackend) -> Self {
        match backend {
            DbBackend::MySql => Self::MySql,
            DbBackend::Sqlite => Self::Sqlite,
            _ => Self::Postgres,
        }
    }

    /// A table, to which columns and the primary key are added.
    ///
    /// MySQL's own defaults depend on the server's configuration. Binary collation makes text
    /// compare as it does on the other two: by its bytes.
    pub(crate) fn table(self, name: &'static str) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(name).if_not_exists();
        if self == Self::MySql {
            table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
        }
        table
    }

    /// A UUID in its 16 bytes.
    pub(crate) fn uuid(self, name: &'static str) -> ColumnDef {
        let kind = match self {
            Self::Postgres => ColumnType::Uuid,
            Self::MySql | Self::Sqlite => ColumnType::Binary(16),
        };
        ColumnDef::new_with_type(name, kind)
    }

    /// An instant in UTC, to the microsecond.
    ///
    /// MySQL's `timestamp` has neither a fraction nor years after 2038. SQLite has RFC 3339 text,
    /// which sorts as time does.
    pub(crate) fn timestamp(self, name: &'static str) -> ColumnDef {
        let kind = match self {
            Self::Postgres | Self::Sqlite => ColumnType::TimestampWithTimeZone,
            Self::MySql => ColumnType::custom("datetime(6)"),
        };
        ColumnDef::new_with_type(name, kind)
    }
}

/// A SHA-256 digest.
pub(crate) fn sha256(name: &'static str) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::Binary(32))
}

/// A message authentication code, and which key it was made with.
pub(crate) fn mac(name: &'static str) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::VarBinary(StringLen::N(64)))
}

/// A short code or name of at most `length` characters.
pub(crate) fn text(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::string(Some(length)))
}

/// A DER structure of at most 64 KiB.
pub(crate) fn der(name: &'static str) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::Blob)
}

/// A primary key over `columns`.
pub(crate) fn primary_key<const N: usize>(columns: [&'static str; N]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(column);
    }
    key.take()
}

/// An index of `table` over `columns`.
pub(crate) fn index<const N: usize>(
    name: &'static str,
    table: &'static str,
    columns: [&'static str; N],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(column);
    }
    index.take()
}
