//! Tokens with which devices enroll, and the one that an open request uses.

use crate::m20261123_000001_create_renewal_ledger::TableDefinition;
use crate::m20261123_000001_create_renewal_ledger::dialect::{
    Dialect, index, mac, primary_key, sha256, text,
};
use sea_orm_migration::prelude::*;

const TABLE: &str = "enrollment_tokens";
const REQUESTS: &str = "open_requests";
const TOKEN: &str = "enrollment_token_id";

/// Creates the table of tokens, and the column of the requests.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The table of tokens.
pub(crate) fn tokens(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(TABLE);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        // The only device that may enroll with it.
        .col(text("device_name", 64).not_null())
        .col(sha256("secret_sha256").not_null())
        .col(dialect.timestamp("expires_at").not_null())
        // The request that it permitted, once it is used.
        .col(dialect.uuid("used_by_request_id").null())
        .col(dialect.timestamp("revoked_at").null())
        // The names that it grants beside the device's own, in JSON: null for none.
        .col(ColumnDef::new("granted_names").text().null())
        // Authenticates what does not change of the row.
        .col(mac("mac").null())
        // One token; and all of an organisation, newest first.
        .primary_key(&mut primary_key(["org_id", "id"]));
    add_made_by(&mut create, dialect);

    TableDefinition {
        name: TABLE,
        create,
        indexes: vec![
            // The token that somebody shows. Unique, as a secret says which token it is.
            index("idx_enrollment_tokens_secret", TABLE, ["org_id", "secret_sha256"]).unique().take(),
            // What was made with one token of the API, newest first.
            made_by_index(dialect, "idx_enrollment_tokens_made_by", TABLE),
        ],
    }
}

/// Adds the columns that say who made a token.
pub(crate) fn add_made_by(table: &mut TableCreateStatement, dialect: Dialect) {
    table
        // api_token, command_line or server
        .col(text("made_by_kind", 16).not_null())
        .col(dialect.uuid("made_by_token_id").null())
        .col(text("made_by_name", 255).not_null())
        .col(text("made_by_host", 255).null());
}

/// The index of what was made with one token of the API, newest first.
pub(crate) fn made_by_index(
    dialect: Dialect,
    name: &'static str,
    table: &'static str,
) -> IndexCreateStatement {
    let mut made_by = index(name, table, ["org_id", "made_by_token_id", "id"]);
    if dialect != Dialect::MySql {
        made_by.and_where(Expr::col("made_by_token_id").is_not_null());
    }
    made_by
}

/// The token that permits an open enrollment: null for what needs none.
pub(crate) fn token_of_request(dialect: Dialect) -> TableAlterStatement {
    Table::alter().table(REQUESTS).add_column(dialect.uuid(TOKEN).null()).take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Every step looks before it acts: on MySQL what ran before a failure stays.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager.get_database_backend());
        let table = tokens(dialect);
        manager.create_table(table.create).await?;
        for index in table.indexes {
            let name = index.get_index_spec().get_name().map(ToString::to_string).unwrap_or_default();
            if !manager.has_index(table.name, name).await? {
                manager.create_index(index).await?;
            }
        }
        if !manager.has_column(REQUESTS, TOKEN).await? {
            manager.alter_table(token_of_request(dialect)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column(REQUESTS, TOKEN).await? {
            manager.alter_table(Table::alter().table(REQUESTS).drop_column(TOKEN).take()).await?;
        }
        manager.drop_table(Table::drop().table(TABLE).if_exists().take()).await
    }
}
