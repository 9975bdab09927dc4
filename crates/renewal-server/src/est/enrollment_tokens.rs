//! The ledger's one-time enrollment tokens as HTTP Basic passwords.

use async_trait::async_trait;
use csr_service::{CsrService, EnrollmentGrant, ServiceError};
use renewal_domain::{OrgId, StoreError};

use super::authority::EnrollmentAuthority;

/// Permits the enrollments for which operators made
/// [tokens](CsrService::new_enrollment_token): the password is the token's secret. The user name may
/// be any, for the token names the device that it permits, and the request must have that name.
#[derive(Debug, Clone)]
pub struct EnrollmentTokens(CsrService);

impl EnrollmentTokens {
    /// The tokens that are in the service's store.
    #[must_use]
    pub const fn of(service: CsrService) -> Self {
        Self(service)
    }
}

#[async_trait]
impl EnrollmentAuthority for EnrollmentTokens {
    async fn grant(
        &self,
        org: OrgId,
        _user: &str,
        password: &str,
    ) -> Result<Option<EnrollmentGrant>, StoreError> {
        self.0.grant_by_token(org, password).await.map_err(|error| match error {
            ServiceError::Store(error) => error,
            other => StoreError::Backend(other.into()),
        })
    }
}
