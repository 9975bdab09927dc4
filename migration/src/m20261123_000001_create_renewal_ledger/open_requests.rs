//! `open_requests`: what is being signed now or waits for a person. An answered request is gone.

use super::TableDefinition;
use super::dialect::{Dialect, der, index, mac, primary_key, sha256, text};
use sea_orm_migration::prelude::*;

const TABLE: &str = "open_requests";

pub(super) fn definition(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(TABLE);
    create
        .col(dialect.uuid("org_id").not_null())
        .col(dialect.uuid("id").not_null())
        .col(dialect.uuid("device_id").not_null())
        .col(text("device_name", 64).not_null())
        // enrollment, renewal or recovery
        .col(text("kind", 16).not_null())
        // signing or pending
        .col(text("state", 16).not_null())
        .col(der("csr_der").not_null())
        .col(sha256("csr_sha256").not_null())
        .col(sha256("public_key_sha256").not_null())
        // Empty when no certificate was presented: in a unique key, NULL differs from NULL.
        .col(text("presented_serial", 40).not_null())
        .col(dialect.timestamp("old_cert_expiration").null())
        .col(sha256("presented_issuer_key_sha256").null())
        .col(sha256("presented_sha256").null())
        .col(sha256("presented_key_sha256").null())
        // ours, adopted, trusted or trusted_anywhere
        .col(text("presented_origin", 16).null())
        .col(ColumnDef::new("requested_lifetime_seconds").big_integer().null())
        // On what ground it is made, in words, for the person who decides.
        .col(text("credential", 255).not_null())
        .col(text("source_address", 45).null())
        // Authenticates the other columns.
        .col(mac("mac").null())
        // One request; and all of an organisation, oldest first, to find those left behind.
        .primary_key(&mut primary_key(["org_id", "id"]));

    TableDefinition {
        name: TABLE,
        create,
        indexes: vec![
            // The requests of a device; and the same request sent twice. Unique, so that of two at once only one is opened.
            index(
                "idx_open_requests_request",
                TABLE,
                ["org_id", "device_id", "csr_sha256", "presented_serial"],
            )
            .unique()
            .take(),
        ],
    }
}
