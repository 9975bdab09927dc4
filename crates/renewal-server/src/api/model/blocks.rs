//! Organisations that are suspended and devices that are blocked.

use chrono::{DateTime, Utc};
use renewal_domain::{ActionId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organisation {
    /// The organisation.
    #[schema(value_type = Uuid)]
    pub id: OrgId,
    /// Since when and why none of its devices gets a certificate; null unless it is suspended.
    pub suspended: Option<Block>,
}

/// That an organisation is suspended, or a device blocked: no certificate is issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why; may be empty.
    pub reason: String,
    /// The action that says who decided it.
    #[schema(value_type = Uuid)]
    pub action_id: ActionId,
}

/// Why to suspend an organisation, or to block a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Why, for whoever finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// What to say with a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Why, for the record. With a denial the device's technician is told too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

impl Note {
    /// The longest note, and the longest reason in words, in characters.
    pub const LONGEST: usize = 1_000;
}

impl From<&renewal_domain::Block> for Block {
    fn from(block: &renewal_domain::Block) -> Self {
        Self { since: block.since, reason: block.reason.clone(), action_id: block.action_id }
    }
}
