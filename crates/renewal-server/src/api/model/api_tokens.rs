//! Tokens with which this API is used.

use std::fmt;

use chrono::{DateTime, Utc};
use renewal_domain::{ApiRole, ApiTokenId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Actor;
use super::vocabulary::api_role;

/// A token with which this API is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiToken {
    /// The token.
    #[schema(value_type = Uuid)]
    pub id: ApiTokenId,
    /// Whose it is, or what it is for.
    pub name: String,
    /// What its holder may do.
    #[schema(schema_with = api_role)]
    pub role: ApiRole,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is no longer good; null for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked; null unless it was.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether it is good now.
    pub state: ApiTokenState,
    /// Who made it.
    pub made_by: Actor,
}

/// Whether an API token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiTokenState {
    /// It is.
    Usable,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// What API token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiToken {
    /// Whose it is, or what it is for: 1 to 64 characters, no control characters.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// What its holder may do.
    #[schema(schema_with = api_role)]
    pub role: ApiRole,
    /// How long it is good: a number and a unit out of `s`, `m`, `h`, `d`; 90 days unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    pub expires_in: Option<String>,
    /// `true`: it is good until it is revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_expiry: bool,
}

/// What to revoke with an API token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeApiToken {
    /// `true`: every token that was made with it too, and with those in turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_made: bool,
}

/// An API token that was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedApiToken {
    /// The token as it is now.
    pub token: ApiToken,
    /// How many tokens were revoked that were made with it.
    pub revoked: RevokedTokens,
}

/// How many tokens were revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedTokens {
    /// Tokens with which this API is used.
    pub api_tokens: u64,
    /// Tokens with which devices enroll.
    pub enrollment_tokens: u64,
}

/// A new API token with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewApiTokenSecret {
    /// The token.
    pub token: ApiToken,
    /// What goes into the header `Authorization`, after `Bearer`.
    pub secret: String,
}

/// The token that a request has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// The organisation.
    #[schema(value_type = Uuid)]
    pub org_id: OrgId,
    /// The token.
    #[schema(value_type = Uuid)]
    pub id: ApiTokenId,
    /// Whose it is, or what it is for.
    pub name: String,
    /// What its holder may do.
    #[schema(schema_with = api_role)]
    pub role: ApiRole,
    /// From when it is no longer good; null for never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    pub(crate) fn at(token: &renewal_domain::ApiToken, now: DateTime<Utc>) -> Self {
        let state = if token.revoked_at.is_some() {
            ApiTokenState::Revoked
        } else if token.is_good_at(now) {
            ApiTokenState::Usable
        } else {
            ApiTokenState::Expired
        };
        Self {
            id: token.id,
            name: token.name.clone(),
            role: token.role,
            created_at: token.id.created_at(),
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            state,
            made_by: Actor::from(&token.made_by),
        }
    }
}

impl From<csr_service::RevokedTokens> for RevokedTokens {
    fn from(revoked: csr_service::RevokedTokens) -> Self {
        Self { api_tokens: revoked.api_tokens, enrollment_tokens: revoked.enrollment_tokens }
    }
}

impl From<&renewal_domain::ApiToken> for Whoami {
    fn from(token: &renewal_domain::ApiToken) -> Self {
        Self {
            org_id: token.org_id,
            id: token.id,
            name: token.name.clone(),
            role: token.role,
            expires_at: token.expires_at,
        }
    }
}

impl fmt::Debug for NewApiTokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiTokenSecret").field("token", &self.token).finish_non_exhaustive()
    }
}
