//! One-time tokens with which devices enroll.

use std::fmt;
use std::time::Duration;

use renewal_domain::{
    ActionContext, ActionKind, DeviceName, EnrollmentToken, GrantedNames, NewAction, OrgId, Sha256Digest,
    StoreError, Target, TokenId,
};
use sha2::{Digest, Sha256};
use tracing::{error, info};

use super::CsrService;
use crate::credential::EnrollmentGrant;
use crate::outcome::ServiceError;
use crate::{IssueError, RandomError};

/// How every secret begins, so that one that got into a file or a log is recognised.
const PREFIX: &str = "rle_";

/// The secret of a new token, shown once: the ledger keeps only its digest.
#[derive(Clone)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// A new secret of 256 random bits.
    ///
    /// # Errors
    /// [`RandomError`] when the system gives no random numbers.
    pub fn random() -> Result<Self, RandomError> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)?;
        Ok(Self(format!("{PREFIX}{}", hex::encode(bits))))
    }

    /// The secret itself, to be given to the device and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(not shown)")
    }
}

/// What enrollment token to make.
#[derive(Debug, Clone)]
pub struct NewEnrollmentToken {
    /// The one device that may enroll with it.
    pub device: DeviceName,
    /// The names that it grants beside the device's own.
    pub names: GrantedNames,
    /// How long it is good; cut to a hundred years.
    pub lifetime: Duration,
}

impl CsrService {
    /// Makes a token with which one device can enroll, once, until its lifetime is over, under its name
    /// and those that are granted beside it.
    ///
    /// # Errors
    /// The store's failures, and [`ServiceError::Issue`] when there are no random numbers.
    pub async fn new_enrollment_token(
        &self,
        org: OrgId,
        wanted: NewEnrollmentToken,
        by: &ActionContext,
    ) -> Result<(TokenSecret, EnrollmentToken), ServiceError> {
        let parts = &self.parts;
        let secret = TokenSecret::random().map_err(IssueError::from)?;
        let token = EnrollmentToken {
            id: parts.ids.next().into(),
            org_id: org,
            device_name: wanted.device,
            names: wanted.names,
            secret_sha256: digest(secret.reveal()),
            expires_at: parts.clock.now() + wanted.lifetime.min(Duration::from_hours(24 * 365 * 100)),
            end: None,
            made_by: by.actor.clone(),
        }
        .in_whole_seconds();
        let device = self.device_id(org, &token.device_name);
        let mut note = format!("for {}, until {}", token.device_name, token.expires_at);
        for name in token.names.subject().iter().chain(token.names.san()) {
            note.push_str(", grants ");
            note.push_str(name);
        }
        let new = NewAction::new(ActionKind::TokenCreated, Target::EnrollmentToken(token.id));
        let action = parts.action(org, by, new.device(device).note(note));
        parts.stores.enrollment_tokens.create_enrollment_token(org, &token, &action).await?;
        info!(%org, token = %token.id, device = %token.device_name, actor = %by.actor, "made an enrollment token");
        Ok((secret, token))
    }

    /// The permission that a token's secret gives; none if no token has this secret.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn grant_by_token(
        &self,
        org: OrgId,
        secret: &str,
    ) -> Result<Option<EnrollmentGrant>, ServiceError> {
        let parts = &self.parts;
        // Found by its digest: how long that takes says nothing about the secret.
        let found = parts.stores.enrollment_tokens.enrollment_token_of_secret(org, &digest(secret)).await;
        let token = genuine(found)?;
        Ok(token.map(|token| EnrollmentGrant::by_token(&token, parts.clock.now())))
    }

    /// Revokes a token, and returns it as it is afterwards; none if there is none.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        by: &ActionContext,
    ) -> Result<Option<EnrollmentToken>, ServiceError> {
        let now = self.parts.clock.now();
        let new = NewAction::new(ActionKind::TokenRevoked, Target::EnrollmentToken(id));
        let action = self.parts.action(org, by, new);
        let tokens = &self.parts.stores.enrollment_tokens;
        Ok(tokens.revoke_enrollment_token(org, id, now, &action).await?)
    }
}

/// A token that was found, unless its row is a forgery: whoever shows the secret of that one gets nothing,
/// and the log output says so.
pub(super) fn genuine<T>(found: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Err(StoreError::Corrupt { table, column: "mac", row, .. }) => {
            error!(
                table,
                row, "a token was shown whose row is a forgery, or was made with another authentication key"
            );
            Ok(None)
        }
        found => found,
    }
}

fn digest(secret: &str) -> Sha256Digest {
    Sha256::digest(secret).into()
}
