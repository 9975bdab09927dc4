//! The rows of the tables. Octets are hexadecimal, and times are microseconds since 1970.

use anyhow::Result;
use uuid::Uuid;

use super::Columns;

/// A row of a table.
pub(crate) trait Stored: Sized {
    /// The table.
    const TABLE: &'static str;

    /// Its columns, each after the letter of what it is: u for a UUID, t for a time, n for a number, o for
    /// octets, s for text as it is.
    const COLUMNS: &'static str;

    /// Reads the columns, in their order.
    ///
    /// # Errors
    /// When one is not what it should be.
    fn read(row: Columns) -> Result<Self>;
}

/// A row of `certificate_renewal_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) device: Uuid,
    pub(crate) attempt: Uuid,
    pub(crate) stage: i64,
    pub(crate) kind: String,
    pub(crate) reason: Option<String>,
    pub(crate) new_expiration: Option<i64>,
    pub(crate) created_at: i64,
}

impl Stored for Event {
    const TABLE: &'static str = "certificate_renewal_events";
    const COLUMNS: &'static str = "u org_id, u id, u device_id, u attempt_id, n stage, s event_type, s reason, \
         t new_cert_expiration, t created_at";

    fn read(mut row: Columns) -> Result<Self> {
        Ok(Self {
            org: row.uuid()?,
            id: row.uuid()?,
            device: row.uuid()?,
            attempt: row.uuid()?,
            stage: row.text()?.parse()?,
            kind: row.text()?,
            reason: row.optional()?,
            new_expiration: row.optional_time()?,
            created_at: row.time()?,
        })
    }
}

/// A row of `device_certificates`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) org: Uuid,
    pub(crate) serial: String,
    pub(crate) device: Uuid,
    pub(crate) name: String,
    pub(crate) request: Uuid,
    pub(crate) kind: String,
    pub(crate) attempt: Option<Uuid>,
    pub(crate) key_sha256: String,
    pub(crate) csr_sha256: String,
    pub(crate) issuer_key_sha256: String,
    pub(crate) sha256: String,
    pub(crate) presented_serial: Option<String>,
    pub(crate) not_after: i64,
    pub(crate) der: String,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) revocation_reason: Option<String>,
}

impl Stored for Certificate {
    const TABLE: &'static str = "device_certificates";
    const COLUMNS: &'static str = "u org_id, s serial, u device_id, s device_name, u request_id, s kind, \
         u attempt_id, o public_key_sha256, o csr_sha256, o issuer_key_sha256, o certificate_sha256, \
         s presented_serial, t not_after, o der, t revoked_at, s revocation_reason";

    fn read(mut row: Columns) -> Result<Self> {
        Ok(Self {
            org: row.uuid()?,
            serial: row.text()?,
            device: row.uuid()?,
            name: row.text()?,
            request: row.uuid()?,
            kind: row.text()?,
            attempt: row.optional_uuid()?,
            key_sha256: row.text()?,
            csr_sha256: row.text()?,
            issuer_key_sha256: row.text()?,
            sha256: row.text()?,
            presented_serial: row.optional()?,
            not_after: row.time()?,
            der: row.text()?,
            revoked_at: row.optional_time()?,
            revocation_reason: row.optional()?,
        })
    }
}

/// A row of `open_requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
}

impl Stored for Open {
    const TABLE: &'static str = "open_requests";
    const COLUMNS: &'static str = "u org_id, u id, s device_name, s kind, s state";

    fn read(mut row: Columns) -> Result<Self> {
        let (org, id) = (row.uuid()?, row.uuid()?);
        Ok(Self { org, id, name: row.text()?, kind: row.text()?, state: row.text()? })
    }
}

/// A row of `enrollment_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) used_by_request_id: Option<Uuid>,
    pub(crate) revoked_at: Option<i64>,
}

impl Stored for Token {
    const TABLE: &'static str = "enrollment_tokens";
    const COLUMNS: &'static str = "u org_id, u id, s device_name, u used_by_request_id, t revoked_at";

    fn read(mut row: Columns) -> Result<Self> {
        let (org, id, name) = (row.uuid()?, row.uuid()?, row.text()?);
        let (used_by_request_id, revoked_at) = (row.optional_uuid()?, row.optional_time()?);
        Ok(Self { org, id, name, used_by_request_id, revoked_at })
    }
}

/// A row of `api_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiToken {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) revoked_at: Option<i64>,
}

impl Stored for ApiToken {
    const TABLE: &'static str = "api_tokens";
    const COLUMNS: &'static str = "u org_id, u id, s name, t revoked_at";

    fn read(mut row: Columns) -> Result<Self> {
        let (org, id) = (row.uuid()?, row.uuid()?);
        Ok(Self { org, id, name: row.text()?, revoked_at: row.optional_time()? })
    }
}

/// A row of `actions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) actor_kind: String,
    pub(crate) actor_token: Option<Uuid>,
    pub(crate) actor_name: String,
    pub(crate) actor_host: Option<String>,
    pub(crate) kind: String,
    pub(crate) target_kind: String,
    pub(crate) target: String,
    pub(crate) device: Option<Uuid>,
    pub(crate) reason: Option<String>,
    pub(crate) note: String,
    pub(crate) http_request: Option<String>,
}

impl Stored for Action {
    const TABLE: &'static str = "actions";
    const COLUMNS: &'static str = "u org_id, u id, s actor_kind, u actor_token_id, s actor_name, s actor_host, \
         s kind, s target_kind, s target_id, u device_id, s reason, s note, s http_request_id";

    fn read(mut row: Columns) -> Result<Self> {
        Ok(Self {
            org: row.uuid()?,
            id: row.uuid()?,
            actor_kind: row.text()?,
            actor_token: row.optional_uuid()?,
            actor_name: row.text()?,
            actor_host: row.optional()?,
            kind: row.text()?,
            target_kind: row.text()?,
            target: row.text()?,
            device: row.optional_uuid()?,
            reason: row.optional()?,
            note: row.text()?,
            http_request: row.optional()?,
        })
    }
}

/// A row of `blocks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) org: Uuid,
    pub(crate) subject_kind: String,
    pub(crate) subject: String,
    pub(crate) action: Uuid,
}

impl Stored for Block {
    const TABLE: &'static str = "blocks";
    const COLUMNS: &'static str = "u org_id, s subject_kind, s subject_id, u action_id";

    fn read(mut row: Columns) -> Result<Self> {
        Ok(Self { org: row.uuid()?, subject_kind: row.text()?, subject: row.text()?, action: row.uuid()? })
    }
}

/// A row of `certificate_revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) org: Uuid,
    pub(crate) id: Uuid,
    pub(crate) issuer_key_sha256: String,
    pub(crate) serial: String,
    pub(crate) certificate_sha256: Option<String>,
    pub(crate) device: Option<Uuid>,
    pub(crate) revoked_at: i64,
    pub(crate) reason: String,
    pub(crate) action: Uuid,
}

impl Stored for Revocation {
    const TABLE: &'static str = "certificate_revocations";
    const COLUMNS: &'static str = "u org_id, u id, o issuer_key_sha256, s serial, o certificate_sha256, \
         u device_id, t revoked_at, s reason, u action_id";

    fn read(mut row: Columns) -> Result<Self> {
        Ok(Self {
            org: row.uuid()?,
            id: row.uuid()?,
            issuer_key_sha256: row.text()?,
            serial: row.text()?,
            certificate_sha256: row.optional()?,
            device: row.optional_uuid()?,
            revoked_at: row.time()?,
            reason: row.text()?,
            action: row.uuid()?,
        })
    }
}
