//! `device_certificates`: one row for each certificate that was ever issued.

use super::TableDefinition;
use super::dialect::{Dialect, der, index, primary_key, sha256, text};

const TABLE: &str = "device_certificates";

pub(super) fn definition(dialect: Dialect) -> TableDefinition {
    let mut create = dialect.table(TABLE);
    create
        .col(dialect.uuid("org_id").not_null())
        // Lowercase hexadecimal: 20 octets are 40 digits.
        .col(text("serial", 40).not_null())
        .col(dialect.uuid("device_id").not_null())
        .col(text("device_name", 64).not_null())
        .col(dialect.uuid("request_id").not_null())
        // enrollment, renewal or recovery
        .col(text("kind", 16).not_null())
        // An enrollment is no attempt.
        .col(dialect.uuid("attempt_id").null())
        .col(sha256("public_key_sha256").not_null())
        .col(sha256("csr_sha256").not_null())
        // Of the issuing authority: with the serial number it says which certificate it is.
        .col(sha256("issuer_key_sha256").not_null())
        .col(sha256("certificate_sha256").not_null())
        .col(text("presented_serial", 40).null())
        .col(dialect.timestamp("not_before").not_null())
        .col(dialect.timestamp("not_after").not_null())
        .col(der("der").not_null())
        .col(dialect.timestamp("revoked_at").null())
        .col(text("revocation_reason", 32).null())
        // One certificate, to read or to revoke it.
        .primary_key(&mut primary_key(["org_id", "serial"]));

    TableDefinition {
        name: TABLE,
        create,
        indexes: vec![
            // The certificates of one device, newest first: the id of a request begins with its
            // time.
            index("idx_device_certificates_device_id", TABLE, ["org_id", "device_id", "request_id"]),
            // The certificates with one key; and the earlier answer to a request that is sent again.
            index(
                "idx_device_certificates_key",
                TABLE,
                ["org_id", "public_key_sha256", "csr_sha256", "request_id"],
            ),
        ],
    }
}
