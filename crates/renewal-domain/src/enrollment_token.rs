//! A token with which a device enrolls: made by an operator, for one device, for one time.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::page::Scope;
use crate::{Actor, DeviceName, GrantedNames, OrgId, RequestId, Sha256Digest, TokenId};

/// A permission to enroll one device, once. Of its secret only the digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnrollmentToken {
    /// The id, which holds the time it was made.
    pub id: TokenId,
    /// The organisation.
    pub org_id: OrgId,
    /// The one device that may enroll with it.
    pub device_name: DeviceName,
    /// The names that it grants beside the device's own.
    #[serde(skip_serializing_if = "GrantedNames::is_empty")]
    pub names: GrantedNames,
    /// The SHA-256 digest of the secret. The secret has 256 random bits, so that a digest
    /// without salt cannot be turned back.
    #[serde(skip)]
    pub secret_sha256: Sha256Digest,
    /// From when it is no longer good, in whole seconds.
    pub expires_at: DateTime<Utc>,
    /// The end of the token before it expired, if it had one.
    pub end: Option<TokenEnd>,
    /// Who made it.
    pub made_by: Actor,
}

/// How a token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEnd {
    /// A certificate was issued on its ground.
    Used {
        /// The request that it permitted.
        request_id: RequestId,
    },
    /// An operator revoked it.
    Revoked {
        /// When, in whole seconds.
        at: DateTime<Utc>,
    },
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It permits an enrollment.
    Usable,
    /// It has permitted one.
    Used,
    /// An operator revoked it.
    Revoked,
    /// Its time is over.
    Expired,
}

impl EnrollmentToken {
    /// The token with its time of expiry cut to whole seconds, as stores keep it.
    #[must_use]
    pub fn in_whole_seconds(mut self) -> Self {
        self.expires_at = self.expires_at.trunc_subsecs(0);
        self
    }

    /// What it is good for at this time.
    #[must_use]
    pub fn state_at(&self, now: DateTime<Utc>) -> TokenState {
        match self.end {
            Some(TokenEnd::Used { .. }) => TokenState::Used,
            Some(TokenEnd::Revoked { .. }) => TokenState::Revoked,
            None if now >= self.expires_at => TokenState::Expired,
            None => TokenState::Usable,
        }
    }

    /// What a cursor of the listing of tokens belongs to.
    #[must_use]
    pub fn scope(org: OrgId) -> Scope {
        Scope::of("enrollment-tokens", org)
    }
}
