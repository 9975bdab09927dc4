//! Tokens with which devices enroll, and the one that an open request uses.

use crate::m20261123_000001_create_renewal_ledger::TableDefinition;
use crate::m20261123_000001_create_renewal_ledger::dialect::{Dialect, index, primary_key, sha256, text};
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
        // One token; and all of an organisation, newest first.
        .primary_key(&mut primary_key(["org_id", "id"]));

    TableDefinition {
        name: TABLE,
        create,
        // The token that somebody shows. Unique, as a secret says which token it is.
        indexes: vec![
            index("idx_enrollment_tokens_secret", TABLE, ["org_id", "secret_sha256"]).unique().take(),
        ],
    }
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
