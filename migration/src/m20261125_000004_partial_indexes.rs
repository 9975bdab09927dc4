//! Indexes that hold only the events that are looked for by them, where the database can: what an
//! index does not hold costs those who write nothing.
//!
//! Most events have no reason. And a start needs no index of attempts, as its attempt has its id:
//! the primary key finds it. On PostgreSQL a rule says so, and the index is unique for ends, so
//! that the schema itself goes on holding "one start, one end". SQLite cannot give a rule to a
//! table that is there, and keeps the index of attempts as it is. MySQL and MariaDB have no such
//! indexes, and keep both.

use crate::m20261123_000001_create_renewal_ledger::dialect::{Dialect, index};
use crate::m20261123_000001_create_renewal_ledger::tables;
use sea_orm_migration::prelude::*;

const TABLE: &str = "certificate_renewal_events";
const REASONS: &str = "idx_cert_renewal_events_created_at";
const ATTEMPTS: &str = "idx_cert_renewal_events_org_id";

/// What an event is to its attempt. Rows that are there are not looked at, which would take long:
/// the ledger never wrote one that breaks the rule.
pub(crate) const ADD_RULE: &str = "\
ALTER TABLE certificate_renewal_events ADD CONSTRAINT cert_renewal_events_stage
    CHECK ((stage = 0 AND id = attempt_id) OR (stage = 1 AND id <> attempt_id)) NOT VALID";

const DROP_RULE: &str =
    "ALTER TABLE certificate_renewal_events DROP CONSTRAINT IF EXISTS cert_renewal_events_stage";

/// Makes the indexes of reasons and of attempts partial.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The partial indexes of a database, which take the places of those of their names.
pub(crate) fn partial(dialect: Dialect) -> Vec<IndexCreateStatement> {
    // Why the attempts of an organisation failed, newest first.
    let reasons = || {
        let mut reasons = index(REASONS, TABLE, ["org_id", "reason", "event_type", "id"]);
        reasons.and_where(Expr::col("reason").is_not_null());
        reasons
    };
    // The end of one attempt.
    let attempts = || {
        let mut attempts = index(ATTEMPTS, TABLE, ["org_id", "attempt_id"]);
        attempts.unique().and_where(Expr::col("stage").eq(1));
        attempts
    };
    match dialect {
        Dialect::MySql => Vec::new(),
        Dialect::Sqlite => vec![reasons()],
        Dialect::Postgres => vec![reasons(), attempts()],
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // One transaction, as MySQL has nothing to do.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager.get_database_backend());
        for index in partial(dialect) {
            replace(manager, index).await?;
        }
        if dialect == Dialect::Postgres {
            drop_rule(manager).await?;
            manager.get_connection().execute_unprepared(ADD_RULE).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager.get_database_backend());
        if dialect == Dialect::Postgres {
            drop_rule(manager).await?;
        }
        let names: Vec<_> = partial(dialect).iter().map(name).collect();
        let first = tables(dialect).into_iter().flat_map(|table| table.indexes);
        for index in first.filter(|index| names.contains(&name(index))) {
            replace(manager, index).await?;
        }
        Ok(())
    }
}

/// Creates an index in the place of the one of its name, if that is there.
async fn replace(manager: &SchemaManager<'_>, index: IndexCreateStatement) -> Result<(), DbErr> {
    let name = name(&index);
    if manager.has_index(TABLE, &name).await? {
        let mut drop = Index::drop();
        drop.name(name).table(TABLE);
        manager.drop_index(drop).await?;
    }
    manager.create_index(index).await
}

async fn drop_rule(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(DROP_RULE).await.map(drop)
}

fn name(index: &IndexCreateStatement) -> String {
    index.get_index_spec().get_name().map(ToString::to_string).unwrap_or_default()
}
