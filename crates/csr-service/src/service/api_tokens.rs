//! Tokens with which operators, and programs, use the HTTP API.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use renewal_domain::text::is_unsafe;
use renewal_domain::{
    ActionContext, ActionKind, ApiRole, ApiToken, ApiTokenId, Cursor, EnrollmentToken, NewAction, OrgId,
    PageRequest, PageSize, Scope, Sha256Digest, Target,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tracing::info;
use uuid::Uuid;

use super::CsrService;
use super::enrollment_tokens::genuine;
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
        by: &ActionContext,
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
            made_by: by.actor.clone(),
        }
        .in_whole_seconds();
        let new = NewAction::new(ActionKind::TokenCreated, Target::ApiToken(token.id));
        let action = parts.action(org, by, new.note(format!("{}, {}", token.name, role.as_str())));
        parts.stores.api_tokens.create_api_token(org, &token, &action).await?;
        info!(%org, token = %token.id, name = token.name, role = role.as_str(), actor = %by.actor,
            "made an API token");
        Ok((ApiTokenSecret::of(org, token.id, &secret), token))
    }

    /// The token with this text, if there is one and it is good now. What is wrong with another
    /// is not told: it is for nobody but the holder of the right one.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn api_token(&self, text: &str) -> Result<Option<ApiToken>, ServiceError> {
        let Some(parsed) = parse(text) else { return Ok(None) };
        let token = genuine(self.parts.stores.api_tokens.api_token(parsed.org, parsed.id).await)?;
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
        by: &ActionContext,
    ) -> Result<Option<ApiToken>, ServiceError> {
        let now = self.parts.clock.now();
        let action =
            self.parts.action(org, by, NewAction::new(ActionKind::TokenRevoked, Target::ApiToken(id)));
        let token = self.parts.stores.api_tokens.revoke_api_token(org, id, now, &action).await?;
        if token.is_some() {
            info!(%org, token = %id, actor = %by.actor, "revoked an API token");
        }
        Ok(token)
    }

    /// Revokes every token that was made with an API token, and with what was made with it in turn: API
    /// tokens, and enrollment tokens that were not used yet. How many were revoked.
    ///
    /// # Errors
    /// The store's failures; what was revoked until then stays revoked.
    pub async fn revoke_tokens_made_by(
        &self,
        org: OrgId,
        maker: ApiTokenId,
        by: &ActionContext,
    ) -> Result<RevokedTokens, ServiceError> {
        let stores = &self.parts.stores;
        let (mut revoked, mut seen) = (RevokedTokens::default(), HashSet::from([maker]));
        let mut makers = vec![maker];
        while let Some(maker) = makers.pop() {
            let mut page = PageRequest::first(PageSize::MAX);
            loop {
                let found = stores.api_tokens.api_tokens_made_by(org, maker, &page).await?;
                for token in found.items {
                    if seen.insert(token.id) {
                        makers.push(token.id);
                    }
                    if token.revoked_at.is_none() {
                        self.revoke_api_token(org, token.id, by).await?;
                        revoked.api_tokens += 1;
                    }
                }
                let Some(next) = found.next else { break };
                page = resumed(&ApiToken::scope(org), next)?;
            }
            let mut page = PageRequest::first(PageSize::MAX);
            loop {
                let found = stores.enrollment_tokens.enrollment_tokens_made_by(org, maker, &page).await?;
                for token in found.items.iter().filter(|token| token.end.is_none()) {
                    self.revoke_enrollment_token(org, token.id, by).await?;
                    revoked.enrollment_tokens += 1;
                }
                let Some(next) = found.next else { break };
                page = resumed(&EnrollmentToken::scope(org), next)?;
            }
        }
        Ok(revoked)
    }
}

/// How many tokens were revoked with the one that made them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RevokedTokens {
    /// Tokens of the HTTP API.
    pub api_tokens: u64,
    /// Tokens with which devices enroll.
    pub enrollment_tokens: u64,
}

fn resumed(scope: &Scope, next: Cursor) -> Result<PageRequest, ServiceError> {
    PageRequest::resume(PageSize::MAX, scope, next).map_err(|error| ServiceError::Interrupted(error.into()))
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
