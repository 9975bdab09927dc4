//! A token with which an operator, or a program, uses the HTTP API.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::page::Scope;
use crate::{ApiTokenId, OrgId, Page, PageRequest, Sha256Digest, StoreError};

/// What the holder of a token may do in its organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiRole {
    /// Read.
    Viewer,
    /// Read and change: decide, revoke, make tokens.
    Operator,
}

impl ApiRole {
    /// The name, as stores and interfaces spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }

    /// The role that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator].into_iter().find(|role| role.as_str() == name)
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
    /// Records a new token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is in use, or it is of another organisation.
    async fn create_api_token(&self, org: OrgId, token: &ApiToken) -> Result<(), StoreError>;

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

    /// Revokes a token, and returns it as it is afterwards: a first revocation stands. None if
    /// there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiToken>, StoreError>;
}
