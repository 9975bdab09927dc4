//! The fleet as it is now: the current certificate of each device, what was revoked, and the tokens
//! of operators.

use crate::m20261123_000001_create_renewal_ledger::TableDefinition;
use crate::m20261123_000001_create_renewal_ledger::dialect::{
    Dialect, index, mac, primary_key, sha256, text,
};
use crate::m20261123_000002_enrollment_tokens::{add_made_by, made_by_index};
use sea_orm_migration::prelude::*;

const CURRENT: &str = "current_certificates";
const API_TOKENS: &str = "api_tokens";
const CERTIFICATES: &str = "device_certificates";
const REVOKED: &str = "idx_device_certificates_revoked_at";

/// The current certificate of every device that has no row yet: the newest one, without its end if it
/// was revoked.
pub(crate) const FILL: &str = "\
INSERT INTO current_certificates (org_id, device_id, request_id, serial, not_after, presented_serial, used)
SELECT one.org_id, one.device_id, one.request_id, one.serial,
    CASE WHEN one.revoked_at IS NULL THEN one.not_after END, one.presented_serial, FALSE
FROM device_certificates AS one
WHERE NOT EXISTS (
        SELECT 1 FROM device_certificates AS newer
        WHERE newer.org_id = one.org_id AND newer.device_id = one.device_id AND newer.request_id > one.request_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM current_certificates AS present
        WHERE present.org_id = one.org_id AND present.device_id = one.device_id
    )";

/// Creates the two tables and the index, and fills the first.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The table of current certificates: small, and as large as the fleet.
pub(crate) fn current(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(CURRENT);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("device_id").not_null())
        .col(dialect.uuid("request_id").not_null())
        .col(text("serial", 40).not_null())
        // Null when it was revoked: it is in no listing then.
        .col(dialect.timestamp("not_after").null())
        // The certificate that was presented for it.
        .col(text("presented_serial", 40).null())
        // Whether an attempt was started with it that ended without a certificate.
        .col(ColumnDef::new("used").boolean().not_null())
        // That of one device.
        .primary_key(&mut primary_key(["org_id", "device_id"]));
    if dialect == Dialect::Sqlite {
        // The row lives in the primary key's tree: one tree less to write.
        create.extra("WITHOUT ROWID");
    }

    TableDefinition {
        name: CURRENT,
        create,
        // What expires within a stretch of time, in order.
        indexes: vec![index(
            "idx_current_certificates_not_after",
            CURRENT,
            ["org_id", "not_after", "request_id"],
        )],
    }
}

/// The table of operators' tokens.
pub(crate) fn api_tokens(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(API_TOKENS);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        .col(text("name", 64).not_null())
        // viewer, approver, operator or administrator
        .col(text("role", 16).not_null())
        .col(sha256("secret_sha256").not_null())
        .col(dialect.timestamp("expires_at").null())
        .col(dialect.timestamp("revoked_at").null())
        // Authenticates what does not change of the row.
        .col(mac("mac").null())
        // One token: it is shown with its id. And all of an organisation, newest first.
        .primary_key(&mut primary_key(["org_id", "id"]));

    add_made_by(&mut create, dialect);
    // What was made with one token, newest first.
    let indexes = vec![made_by_index(dialect, "idx_api_tokens_made_by", API_TOKENS)];
    TableDefinition { name: API_TOKENS, create, indexes }
}

/// The index of what was revoked, last first. Few certificates are, and MySQL alone has to keep
/// the others in it.
pub(crate) fn revoked(dialect: Dialect) -> IndexCreateStatement {
    let mut revoked = index(REVOKED, CERTIFICATES, ["org_id", "revoked_at", "request_id"]);
    if dialect != Dialect::MySql {
        revoked.and_where(Expr::col("revoked_at").is_not_null());
    }
    revoked
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Every step looks before it acts: on MySQL what ran before a failure stays.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager.get_database_backend());
        for table in [current(dialect), api_tokens(dialect)] {
            manager.create_table(table.create).await?;
            for index in table.indexes {
                let name = index.get_index_spec().get_name().map(ToString::to_string).unwrap_or_default();
                if !manager.has_index(table.name, name).await? {
                    manager.create_index(index).await?;
                }
            }
        }
        if !manager.has_index(CERTIFICATES, REVOKED).await? {
            manager.create_index(revoked(dialect)).await?;
        }
        manager.get_connection().execute_unprepared(FILL).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_index(CERTIFICATES, REVOKED).await? {
            let mut drop = Index::drop();
            drop.name(REVOKED).table(CERTIFICATES);
            manager.drop_index(drop).await?;
        }
        for table in [API_TOKENS, CURRENT] {
            manager.drop_table(Table::drop().table(table).if_exists().take()).await?;
        }
        Ok(())
    }
}
