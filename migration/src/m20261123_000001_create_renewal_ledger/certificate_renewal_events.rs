//! `certificate_renewal_events`: the ledger itself. Rows are added, and never changed.

use super::TableDefinition;
use super::dialect::{Dialect, index, primary_key, text};
use sea_orm_migration::prelude::*;

const TABLE: &str = "certificate_renewal_events";

pub(super) fn definition(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(TABLE);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        .col(dialect.uuid("device_id").not_null())
        .col(dialect.uuid("attempt_id").not_null())
        // 0: the event starts its attempt, 1: it ends it.
        .col(ColumnDef::new("stage").small_integer().not_null())
        .col(text("event_type", 32).not_null())
        .col(text("reason", 64).null())
        .col(dialect.timestamp("old_cert_expiration").not_null())
        .col(dialect.timestamp("new_cert_expiration").null())
        // At most 1,024 bytes.
        .col(ColumnDef::new("error_message").text().null())
        .col(dialect.timestamp("created_at").not_null())
        // An id begins with the time of its event, so this key serves: the newest events of an
        // organisation, those of a stretch of time, and one event.
        .primary_key(&mut primary_key(["org_id", "id"]));
    if dialect == Dialect::Sqlite {
        // The row lives in the primary key's tree: one tree less to write, and to read.
        create.extra("WITHOUT ROWID");
    }

    TableDefinition {
        name: TABLE,
        create,
        indexes: vec![
            // The newest events of one device.
            index("idx_cert_renewal_events_device_id", TABLE, ["org_id", "device_id", "id"]),
            // The newest events of one type; of several types, one ordered branch each.
            index("idx_cert_renewal_events_event_type", TABLE, ["org_id", "event_type", "id"]),
            // Why the attempts of an organisation failed, newest first: the id at the end is the
            // time of creation.
            index("idx_cert_renewal_events_created_at", TABLE, ["org_id", "reason", "event_type", "id"]),
            // The events of one attempt. Unique, so that the schema itself holds "one start, one
            // end", whoever writes.
            index("idx_cert_renewal_events_org_id", TABLE, ["org_id", "attempt_id", "stage"]).unique().take(),
        ],
    }
}
