//! Tokens with which devices enroll.

use std::fmt;

use chrono::{DateTime, Utc};
use renewal_domain::{RequestId, TokenEnd, TokenId, TokenState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Actor;
use super::vocabulary::{period, token_state};

/// A token with which one device enrolls, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentToken {
    /// The token.
    #[schema(value_type = Uuid)]
    pub id: TokenId,
    /// The name of the one device that may enroll with it.
    pub device_name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is no longer good.
    pub expires_at: DateTime<Utc>,
    /// What it is good for now.
    #[schema(schema_with = token_state)]
    pub state: TokenState,
    /// The request that it permitted; null unless it is used.
    #[schema(value_type = Option<Uuid>)]
    pub request_id: Option<RequestId>,
    /// When it was revoked; null unless it was.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The names that it grants beside the common name.
    pub names: GrantedNames,
    /// Who made it.
    pub made_by: Actor,
}

/// Names that a token grants beside the common name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantedNames {
    /// Attributes of the subject, each as `O=Example Ltd`.
    pub subject: Vec<String>,
    /// Subject alternative names, each as `DNS:gw-1.example`, `URI:…`, `email:…`, `IP:…`.
    pub san: Vec<String>,
}

/// What enrollment token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollmentToken {
    /// The name of the device: the common name of its request. 1 to 64 characters, no control
    /// characters.
    #[schema(min_length = 1, max_length = 64)]
    pub device: String,
    /// How long it is good: a number and a unit out of `s`, `m`, `h`, `d`, as `24h`; at most 366 days.
    #[schema(schema_with = period)]
    pub expires_in: String,
    /// Attributes that the subject may have beside the common name, each as `O=Example Ltd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub subject: Vec<String>,
    /// Subject alternative names that the certificate may have, each as `DNS:gw-1.example`, `URI:…`,
    /// `email:…`, `IP:…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub san: Vec<String>,
}

/// A new enrollment token with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewEnrollmentTokenSecret {
    /// The token.
    pub token: EnrollmentToken,
    /// Its secret: the password with which the device enrolls.
    pub secret: String,
}

impl EnrollmentToken {
    pub(crate) fn at(token: &renewal_domain::EnrollmentToken, now: DateTime<Utc>) -> Self {
        let (request_id, revoked_at) = match token.end {
            None => (None, None),
            Some(TokenEnd::Used { request_id }) => (Some(request_id), None),
            Some(TokenEnd::Revoked { at }) => (None, Some(at)),
        };
        Self {
            id: token.id,
            device_name: token.device_name.to_string(),
            created_at: token.id.created_at(),
            expires_at: token.expires_at,
            state: token.state_at(now),
            request_id,
            revoked_at,
            names: GrantedNames::from(&token.names),
            made_by: Actor::from(&token.made_by),
        }
    }
}

impl From<&renewal_domain::GrantedNames> for GrantedNames {
    fn from(names: &renewal_domain::GrantedNames) -> Self {
        Self { subject: names.subject().to_vec(), san: names.san().to_vec() }
    }
}

impl fmt::Debug for NewEnrollmentTokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEnrollmentTokenSecret").field("token", &self.token).finish_non_exhaustive()
    }
}
