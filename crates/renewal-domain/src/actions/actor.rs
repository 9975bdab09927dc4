//! Who did something.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::ApiTokenId;

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The holder of a token of the HTTP API.
    ApiToken {
        /// The token.
        id: ApiTokenId,
        /// Its name at that time.
        name: String,
    },
    /// Somebody at the command line of a machine that can reach the database.
    CommandLine {
        /// The system's name for the user.
        user: String,
        /// The machine.
        host: String,
    },
    /// The server itself.
    Server,
}

impl Actor {
    /// The kind, as stores and interfaces spell it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ApiToken { .. } => "api_token",
            Self::CommandLine { .. } => "command_line",
            Self::Server => "server",
        }
    }

    /// The token of the HTTP API, if it was one.
    #[must_use]
    pub const fn api_token(&self) -> Option<ApiTokenId> {
        match self {
            Self::ApiToken { id, .. } => Some(*id),
            Self::CommandLine { .. } | Self::Server => None,
        }
    }
}

impl fmt::Display for Actor {
    /// `token helpdesk (019a…)`, `cli:root@host`, `server`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiToken { id, name } => write!(f, "token {name} ({id})"),
            Self::CommandLine { user, host } => write!(f, "cli:{user}@{host}"),
            Self::Server => f.write_str("server"),
        }
    }
}

/// Who decides, and where the decision came from. Every call that decides something takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionContext {
    /// Who.
    pub actor: Actor,
    /// The address of the client, if it came over a network.
    pub source_address: Option<IpAddr>,
    /// The id of the HTTP request, as the server's log output has it: at most 64 characters.
    pub http_request_id: Option<String>,
}

impl From<Actor> for ActionContext {
    /// A decision that did not come over a network.
    fn from(actor: Actor) -> Self {
        Self { actor, source_address: None, http_request_id: None }
    }
}
