//! Frozen history: a released migration sends the same SQL for ever.
//!
//! A changed migration would leave two kinds of databases behind, both of which believe to be up
//! to date. So the SQL of each is kept in `released/`, and this compares. To freeze a new
//! migration, add it to `sent` and copy what the failing test prints into its file.

use crate::m20261123_000001_create_renewal_ledger::{dialect::Dialect, tables};
use crate::{Migrator, MigratorTrait};
use sea_orm_migration::sea_orm::sea_query::{
    MysqlQueryBuilder, PostgresQueryBuilder, SchemaStatementBuilder, SqliteQueryBuilder,
};

/// A dialect, what is sent in it, and what was released.
type Frozen = (Dialect, String, &'static str);

#[test]
fn a_released_migration_sends_what_it_sent_when_it_was_released() {
    for (dialect, sent, released) in sent() {
        assert!(
            sent == released,
            "{dialect:?}: a released migration is never changed: write a new one. \
             It was\n\n{released}\nand is\n\n{sent}"
        );
    }
}

#[test]
fn every_migration_is_frozen() {
    let frozen = ["m20261123_000001_create_renewal_ledger"];
    let migrations = Migrator::migrations();
    let known: Vec<_> = migrations.iter().map(|one| one.name()).collect();
    assert_eq!(known, frozen, "freeze the new migration's SQL in this file");
}

fn sent() -> [Frozen; 3] {
    [
        (Dialect::MySql, sql(Dialect::MySql), include_str!("../released/m20261123_000001.mysql.sql")),
        (
            Dialect::Postgres,
            sql(Dialect::Postgres),
            include_str!("../released/m20261123_000001.postgres.sql"),
        ),
        (Dialect::Sqlite, sql(Dialect::Sqlite), include_str!("../released/m20261123_000001.sqlite.sql")),
    ]
}

/// The statements in the order in which they are sent, a column a line.
fn sql(dialect: Dialect) -> String {
    let mut sql = String::new();
    for table in tables(dialect) {
        sql += &build(dialect, &table.create).replace(" NULL, ", " NULL,\n    ");
        sql += ";\n";
        for index in table.indexes {
            sql += &build(dialect, &index);
            sql += ";\n";
        }
        sql += "\n";
    }
    sql
}

fn build(dialect: Dialect, statement: &impl SchemaStatementBuilder) -> String {
    match dialect {
        Dialect::MySql => statement.to_string(MysqlQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
    }
}
