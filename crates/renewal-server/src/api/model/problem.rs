//! Why there is no other answer (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem document (RFC 9457): why there is no other answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is, as a URI that never changes: `urn:renewal-ledger:problem:`
    /// and the code.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    pub type_uri: String,
    /// The kind of problem in words: the same for every problem of the kind.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong this time, and what to do about it.
    pub detail: String,
    /// The kind of problem as a code that never changes.
    #[schema(pattern = "^[a-z_]+$")]
    pub code: String,
    /// The request, as it is called in the server's log and in the header `x-request-id`.
    pub request_id: String,
}
