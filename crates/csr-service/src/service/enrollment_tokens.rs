//! One-time tokens with which devices enroll.

use std::fmt;
use std::time::Duration;

use renewal_domain::{DeviceName, EnrollmentToken, OrgId, Sha256Digest, TokenId};
use sha2::{Digest, Sha256};
use tracing::info;

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

impl CsrService {
    /// Makes a token with which one device can enroll, once, until its lifetime is over.
    ///
    /// # Errors
    /// The store's failures, and [`ServiceError::Issue`] when there are no random numbers.
    pub async fn new_enrollment_token(
        &self,
        org: OrgId,
        device: DeviceName,
        lifetime: Duration,
    ) -> Result<(TokenSecret, EnrollmentToken), ServiceError> {
        let parts = &self.parts;
        let secret = TokenSecret::random().map_err(IssueError::from)?;
        let expires_at = parts.clock.now() + lifetime.min(Duration::from_hours(24 * 365 * 100));
        let id: TokenId = parts.ids.next().into();
        let token = EnrollmentToken::new(id, org, device, digest(secret.reveal()), expires_at);
        parts.stores.enrollment_tokens.create_enrollment_token(org, &token).await?;
        info!(%org, token = %id, device = %token.device_name, "made an enrollment token");
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
        let token = parts.stores.enrollment_tokens.enrollment_token_of_secret(org, &digest(secret)).await?;
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
    ) -> Result<Option<EnrollmentToken>, ServiceError> {
        let now = self.parts.clock.now();
        Ok(self.parts.stores.enrollment_tokens.revoke_enrollment_token(org, id, now).await?)
    }
}

fn digest(secret: &str) -> Sha256Digest {
    Sha256::digest(secret).into()
}
