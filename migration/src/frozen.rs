//! Frozen history: a released migration sends the same SQL for ever.
//!
//! A changed migration would leave two kinds of databases behind, both of which believe to be up
//! to date. So the SQL of each is kept in `released/`, and this compares. To freeze a new
//! migration, add it to `sent` and copy what the failing test prints into its file.

use crate::m20261123_000001_create_renewal_ledger::{TableDefinition, dialect::Dialect, tables};
use crate::m20261123_000002_enrollment_tokens::{token_of_request, tokens};
use crate::m20261124_000003_fleet::{FILL, api_tokens, current, revoked};
use crate::m20261125_000004_partial_indexes::{ADD_RULE, partial};
use crate::m20261127_000005_actions;
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
    let frozen = [
        "m20261123_000001_create_renewal_ledger",
        "m20261123_000002_enrollment_tokens",
        "m20261124_000003_fleet",
        "m20261125_000004_partial_indexes",
        "m20261127_000005_actions",
    ];
    let migrations = Migrator::migrations();
    let known: Vec<_> = migrations.iter().map(|one| one.name()).collect();
    assert_eq!(known, frozen, "freeze the new migration's SQL in this file");
}

fn sent() -> Vec<Frozen> {
    use Dialect::{MySql, Postgres, Sqlite};
    vec![
        (MySql, first(MySql), include_str!("../released/m20261123_000001.mysql.sql")),
        (Postgres, first(Postgres), include_str!("../released/m20261123_000001.postgres.sql")),
        (Sqlite, first(Sqlite), include_str!("../released/m20261123_000001.sqlite.sql")),
        (MySql, second(MySql), include_str!("../released/m20261123_000002.mysql.sql")),
        (Postgres, second(Postgres), include_str!("../released/m20261123_000002.postgres.sql")),
        (Sqlite, second(Sqlite), include_str!("../released/m20261123_000002.sqlite.sql")),
        (MySql, third(MySql), include_str!("../released/m20261124_000003.mysql.sql")),
        (Postgres, third(Postgres), include_str!("../released/m20261124_000003.postgres.sql")),
        (Sqlite, third(Sqlite), include_str!("../released/m20261124_000003.sqlite.sql")),
        (MySql, fourth(MySql), ""),
        (Postgres, fourth(Postgres), include_str!("../released/m20261125_000004.postgres.sql")),
        (Sqlite, fourth(Sqlite), include_str!("../released/m20261125_000004.sqlite.sql")),
        (MySql, fifth(MySql), include_str!("../released/m20261127_000005.mysql.sql")),
        (Postgres, fifth(Postgres), include_str!("../released/m20261127_000005.postgres.sql")),
        (Sqlite, fifth(Sqlite), include_str!("../released/m20261127_000005.sqlite.sql")),
    ]
}

fn first(dialect: Dialect) -> String {
    tables(dialect).into_iter().map(|table| sql(dialect, &table)).collect()
}

fn second(dialect: Dialect) -> String {
    sql(dialect, &tokens(dialect)) + &build(dialect, &token_of_request(dialect)) + ";\n"
}

fn third(dialect: Dialect) -> String {
    let tables: String =
        [current(dialect), api_tokens(dialect)].iter().map(|table| sql(dialect, table)).collect();
    tables + &build(dialect, &revoked(dialect)) + ";\n" + FILL + ";\n"
}

fn fourth(dialect: Dialect) -> String {
    let indexes: String = partial(dialect).iter().map(|index| build(dialect, index) + ";\n").collect();
    if dialect == Dialect::Postgres { indexes + ADD_RULE + ";\n" } else { indexes }
}

fn fifth(dialect: Dialect) -> String {
    let tables = m20261127_000005_actions::tables(dialect);
    tables.iter().map(|table| sql(dialect, table)).collect()
}

/// The statements in the order in which they are sent, a column a line.
fn sql(dialect: Dialect, table: &TableDefinition) -> String {
    let mut sql = build(dialect, &table.create).replace(" NULL, ", " NULL,\n    ");
    sql += ";\n";
    for index in &table.indexes {
        sql += &build(dialect, index);
        sql += ";\n";
    }
    sql += "\n";
    sql
}

fn build(dialect: Dialect, statement: &impl SchemaStatementBuilder) -> String {
    match dialect {
        Dialect::MySql => statement.to_string(MysqlQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
    }
}
