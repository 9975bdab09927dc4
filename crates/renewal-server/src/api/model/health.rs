//! Whether the server can do its work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the server can do its work now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether every check passed.
    pub ready: bool,
    /// The checks.
    pub checks: Checks,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checks {
    /// The store answers, and its tables are those that this version knows.
    pub store: Check,
    /// The certificate of the authority that signs is valid now.
    pub issuer: Check,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Whether it passed.
    pub ok: bool,
    /// What is wrong; null if it passed.
    pub problem: Option<String>,
}
