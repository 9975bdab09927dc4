//! Who decided what, who gets no certificates, and what is revoked.

use crate::m20261123_000001_create_renewal_ledger::TableDefinition;
use crate::m20261123_000001_create_renewal_ledger::dialect::{Dialect, index, primary_key, sha256, text};
use sea_orm_migration::prelude::*;

const ACTIONS: &str = "actions";
const BLOCKS: &str = "blocks";
const REVOCATIONS: &str = "certificate_revocations";

/// Creates the three tables.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The tables in the order in which they are created.
pub(crate) fn tables(dialect: Dialect) -> [TableDefinition; 3] {
    [actions(dialect), blocks(dialect), revocations(dialect)]
}

/// `actions`: one row for each decision. Rows are added, and never changed.
fn actions(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(ACTIONS);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        // api_token, command_line or server
        .col(text("actor_kind", 16).not_null())
        .col(dialect.uuid("actor_token_id").null())
        .col(text("actor_name", 255).not_null())
        .col(text("actor_host", 255).null())
        .col(text("kind", 32).not_null())
        .col(text("target_kind", 16).not_null())
        .col(text("target_id", 64).not_null())
        .col(dialect.uuid("device_id").null())
        .col(text("reason", 64).null())
        // At most 1,024 bytes.
        .col(ColumnDef::new("note").text().not_null())
        .col(text("source_address", 45).null())
        .col(text("http_request_id", 64).null())
        // One action; and all of an organisation, newest first.
        .primary_key(&mut primary_key(["org_id", "id"]));

    let mut of_device = index("idx_actions_device_id", ACTIONS, ["org_id", "device_id", "id"]);
    if dialect != Dialect::MySql {
        of_device.and_where(Expr::col("device_id").is_not_null());
    }
    TableDefinition {
        name: ACTIONS,
        create,
        indexes: vec![
            // What was decided about a device, newest first.
            of_device,
            // What was decided about one request, certificate or token, newest first.
            index("idx_actions_target", ACTIONS, ["org_id", "target_kind", "target_id", "id"]),
            // The actions of one kind, newest first.
            index("idx_actions_kind", ACTIONS, ["org_id", "kind", "id"]),
        ],
    }
}

/// `blocks`: one row for each device, key or organisation that gets no certificates.
fn blocks(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(BLOCKS);
    create
        .col(dialect.uuid("org_id").not_null())
        // organisation, device or key
        .col(text("subject_kind", 16).not_null())
        // A UUID or a digest in hexadecimal; empty for the organisation.
        .col(text("subject_id", 64).not_null())
        .col(ColumnDef::new("reason").text().not_null())
        .col(dialect.timestamp("since").not_null())
        .col(dialect.uuid("action_id").not_null())
        // Those that could stand in the way of a request. No id is of two kinds.
        .primary_key(&mut primary_key(["org_id", "subject_id", "subject_kind"]));

    TableDefinition {
        name: BLOCKS,
        create,
        // All of an organisation, newest first.
        indexes: vec![index("idx_blocks_action_id", BLOCKS, ["org_id", "action_id"])],
    }
}

/// `certificate_revocations`: one row for each revoked certificate, issued here or elsewhere.
fn revocations(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(REVOCATIONS);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        .col(sha256("issuer_key_sha256").not_null())
        .col(text("serial", 40).not_null())
        .col(sha256("certificate_sha256").null())
        .col(dialect.uuid("device_id").null())
        // Null when it is not known.
        .col(dialect.timestamp("not_after").null())
        .col(dialect.timestamp("revoked_at").not_null())
        .col(text("reason", 32).not_null())
        .col(dialect.uuid("action_id").not_null())
        // All of an organisation, oldest first.
        .primary_key(&mut primary_key(["org_id", "id"]));

    TableDefinition {
        name: REVOCATIONS,
        create,
        indexes: vec![
            // One certificate, in one organisation or in any. Unique, so that a first revocation stands.
            index(
                "idx_certificate_revocations_certificate",
                REVOCATIONS,
                ["issuer_key_sha256", "serial", "org_id"],
            )
            .unique()
            .take(),
        ],
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Every step looks before it acts: on MySQL what ran before a failure stays.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables(Dialect::of(manager.get_database_backend())) {
            manager.create_table(table.create).await?;
            for index in table.indexes {
                let name = index.get_index_spec().get_name().map(ToString::to_string).unwrap_or_default();
                if !manager.has_index(table.name, name).await? {
                    manager.create_index(index).await?;
                }
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [REVOCATIONS, BLOCKS, ACTIONS] {
            manager.drop_table(Table::drop().table(table).if_exists().take()).await?;
        }
        Ok(())
    }
}
