//! A token with which an operator, or a program, uses the HTTP API.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::page::Scope;
use crate::{Action, Actor, ApiTokenId, OrgId, Page, PageRequest, Sha256Digest, StoreError};

/// What the holder of a token may do in its organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiRole {
    /// Reads.
    Viewer,
    /// Decides about pending requests too.
    Approver,
    /// Revokes, blocks and makes enrollment tokens too.
    Operator,
    /// Makes and revokes API tokens and suspends the organisation too.
    Administrator,
}

impl ApiRole {
    /// All of them. Each may do what those before it may.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Approver, Self::Operator, Self::Administrator];

    /// Whether a holder of this role may do what takes the other.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self >= other
    }

    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// The role that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A token of the HTTP API. Of its secret only the digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// The id, which holds the time it was made.
    pub id: ApiTokenId,
    /// The organisation.
    pub org_id: OrgId,
    /// Whose it is or what it is for, in 1 to 64 characters, none of them
    /// [unsafe](crate::text::is_unsafe).
    pub name: String,
    /// What its holder may do.
    pub role: ApiRole,
    /// The SHA-256 digest of the secret. The secret has 256 random bits, so that a digest
    /// without salt cannot be turned back.
    #[serde(skip)]
    pub secret_sha256: Sha256Digest,
    /// From when it is no longer good, in whole seconds; none for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked, in whole seconds.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub made_by: Actor,
}

impl ApiToken {
    /// Whether it is good at this time.
    #[must_use]
    pub fn is_good_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }

    /// The token with its instants cut to whole seconds, as stores keep it.
    #[must_use]
    pub fn in_whole_seconds(mut self) -> Self {
        self.expires_at = self.expires_at.map(|at| at.trunc_subsecs(0));
        self.revoked_at = self.revoked_at.map(|at| at.trunc_subsecs(0));
        self
    }

    /// What a cursor of the listing of tokens belongs to.
    #[must_use]
    pub fn scope(org: OrgId) -> Scope {
        Scope::of("api-tokens", org)
    }
}

/// The tokens of operators.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiTokenStore: Send + Sync {
    /// Records a new token, and the action with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is in use, or it is of another organisation.
    async fn create_api_token(&self, org: OrgId, token: &ApiToken, action: &Action)
    -> Result<(), StoreError>;

    /// Reads one token; none if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn api_token(&self, org: OrgId, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError>;

    /// Reads a page of the tokens, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn api_tokens(&self, org: OrgId, page: &PageRequest) -> Result<Page<ApiToken>, StoreError>;

    /// Reads a page of the tokens that were made with another token, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn api_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        page: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError>;

    /// Revokes a token, records the action with it, and returns the token as it is afterwards: a first
    /// revocation stands, and no action is recorded for a second. None if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<Option<ApiToken>, StoreError>;
}
