//! Tokens with which operators, and programs, use the HTTP API.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use renewal_domain::text::is_unsafe;
use renewal_domain::{ApiRole, ApiToken, ApiTokenId, OrgId, Sha256Digest};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tracing::info;
use uuid::Uuid;

use super::CsrService;
use crate::outcome::ServiceError;
use crate::{IssueError, RandomError};

/// How every token begins, so that one that got into a file or a log is recognised.
const PREFIX: &str = "rla_";

/// The longest lifetime; a longer one is cut to it.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// The text of an API token, shown once: the ledger keeps only the digest of its secret.
///
/// It is `rla_`, and in base64url without padding (RFC 4648, section 5) the organisation (16
/// octets), the id (16 octets) and the secret (32 octets).
#[derive(Clone)]
pub struct ApiTokenSecret(String);

/// The parts of a token's text.
struct Parsed {
    org: OrgId,
    id: ApiTokenId,
    secret_sha256: Sha256Digest,
}

impl ApiTokenSecret {
    /// The text itself, to be given to the holder and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn of(org: OrgId, id: ApiTokenId, secret: &[u8; 32]) -> Self {
        let octets = [org.as_uuid().as_bytes(), id.as_uuid().as_bytes(), secret.as_slice()].concat();
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets)))
    }
}

impl fmt::Debug for ApiTokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiTokenSecret(not shown)")
    }
}

impl CsrService {
    /// Makes a token of the HTTP API, which is good for its lifetime, or until it is revoked.
    ///
    /// # Errors
    /// [`ServiceError::ApiTokenName`] when the name is none, the store's failures, and
    /// [`ServiceError::Issue`] when there are no random numbers.
    pub async fn new_api_token(
        &self,
        org: OrgId,
        name: &str,
        role: ApiRole,
        lifetime: Option<Duration>,
    ) -> Result<(ApiTokenSecret, ApiToken), ServiceError> {
        let parts = &self.parts;
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(is_unsafe) {
            return Err(ServiceError::ApiTokenName);
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| IssueError::from(RandomError::from(error)))?;
        let token = ApiToken {
            id: parts.ids.next().into(),
            org_id: org,
            name: name.to_owned(),
            role,
            secret_sha256: Sha256::digest(secret).into(),
            expires_at: lifetime.map(|lifetime| parts.clock.now() + lifetime.min(LONGEST)),
            revoked_at: None,
        }
        .in_whole_seconds();
        parts.stores.api_tokens.create_api_token(org, &token).await?;
        info!(%org, token = %token.id, name = token.name, role = role.as_str(), "made an API token");
        Ok((ApiTokenSecret::of(org, token.id, &secret), token))
    }

    /// The token with this text, if there is one and it is good now. What is wrong with another
    /// is not told: it is for nobody but the holder of the right one.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn api_token(&self, text: &str) -> Result<Option<ApiToken>, ServiceError> {
        let Some(parsed) = parse(text) else { return Ok(None) };
        let token = self.parts.stores.api_tokens.api_token(parsed.org, parsed.id).await?;
        let now = self.parts.clock.now();
        Ok(token.filter(|token| is_it(token, &parsed, now)))
    }

    /// Revokes an API token, and returns it as it is afterwards; none if there is none.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn revoke_api_token(
        &self,
        org: OrgId,
        id: ApiTokenId,
    ) -> Result<Option<ApiToken>, ServiceError> {
        let now = self.parts.clock.now();
        let token = self.parts.stores.api_tokens.revoke_api_token(org, id, now).await?;
        if token.is_some() {
            info!(%org, token = %id, "revoked an API token");
        }
        Ok(token)
    }
}

fn is_it(token: &ApiToken, parsed: &Parsed, now: DateTime<Utc>) -> bool {
    bool::from(token.secret_sha256.ct_eq(&parsed.secret_sha256)) && token.is_good_at(now)
}

fn parse(text: &str) -> Option<Parsed> {
    let octets = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let (org, rest) = octets.split_first_chunk::<16>()?;
    let (id, secret) = rest.split_first_chunk::<16>()?;
    if secret.len() != 32 {
        return None;
    }
    Some(Parsed {
        org: OrgId::new(Uuid::from_bytes(*org)),
        id: ApiTokenId::new(Uuid::from_bytes(*id)).ok()?,
        secret_sha256: Sha256::digest(secret).into(),
    })
}
