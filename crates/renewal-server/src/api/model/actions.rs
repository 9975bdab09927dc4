//! Actions: who decided what.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use renewal_domain::{ActionId, ActionKind, ApiTokenId, DeviceId, ReasonCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::vocabulary::{action_kind, actor_kind, target_kind};

/// Something that somebody decided or did: written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// The action: a UUID of version 7, which grows with time.
    #[schema(value_type = Uuid)]
    pub id: ActionId,
    /// When it was done, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    #[schema(schema_with = action_kind)]
    pub kind: ActionKind,
    /// What it was done to.
    pub target: Target,
    /// The device that it is about; null if it is about none.
    #[schema(value_type = Option<Uuid>)]
    pub device_id: Option<DeviceId>,
    /// Why, as a code; null if there is none.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_]{1,64}$")]
    pub reason: Option<ReasonCode>,
    /// Why, in words; may be empty.
    pub note: String,
    /// The address of the client; null if it did not come over a network.
    #[schema(value_type = Option<String>)]
    pub source_address: Option<IpAddr>,
    /// The HTTP request, as it is called in the server's log and in the header `x-request-id`; null if it
    /// was none.
    pub http_request_id: Option<String>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// What kind of actor it is.
    #[schema(schema_with = actor_kind)]
    pub kind: String,
    /// The API token; null unless it was the holder of one.
    #[schema(value_type = Option<Uuid>)]
    pub token_id: Option<ApiTokenId>,
    /// The name of the token at that time, or of the user at the command line; null for the server.
    pub name: Option<String>,
    /// The machine of the command line; null unless it was there.
    pub host: Option<String>,
    /// All of this in one text, for a person to read.
    pub display: String,
}

/// What an action is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// What kind of thing it is.
    #[schema(schema_with = target_kind)]
    pub kind: String,
    /// Its id: a UUID, a serial number, or a digest in hexadecimal; empty for the organisation.
    pub id: String,
}

impl From<&renewal_domain::Action> for Action {
    fn from(action: &renewal_domain::Action) -> Self {
        Self {
            id: action.id,
            created_at: action.created_at(),
            actor: Actor::from(&action.actor),
            kind: action.kind,
            target: Target { kind: action.target.kind().to_owned(), id: action.target.id() },
            device_id: action.device_id,
            reason: action.reason.clone(),
            note: action.note.clone(),
            source_address: action.source_address,
            http_request_id: action.http_request_id.clone(),
        }
    }
}

impl From<&renewal_domain::Actor> for Actor {
    fn from(actor: &renewal_domain::Actor) -> Self {
        let (token_id, name, host) = match actor {
            renewal_domain::Actor::ApiToken { id, name } => (Some(*id), Some(name), None),
            renewal_domain::Actor::CommandLine { user, host } => (None, Some(user), Some(host)),
            renewal_domain::Actor::Server => (None, None, None),
        };
        Self {
            kind: actor.kind().to_owned(),
            token_id,
            name: name.cloned(),
            host: host.cloned(),
            display: actor.to_string(),
        }
    }
}
