//! Who permits an enrollment when the device has nothing but a user name and a password.

use async_trait::async_trait;
use csr_service::EnrollmentGrant;
use renewal_domain::{OrgId, StoreError};

/// Looks up what HTTP Basic credentials (RFC 7617) permit, such as a one-time token.
#[async_trait]
pub trait EnrollmentAuthority: Send + Sync {
    /// The permission that the user's password gives in the organisation; none when there is no
    /// such user, or the password is another. Both are to take the same time, and the password is
    /// to be compared in constant time; it is a secret, to be kept out of logs and errors.
    ///
    /// This is asked on every request, a repeated one included, so it must not use a permission up:
    /// a device whose answer was lost asks again with the same request, and a pending one has to.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be found out; nothing is issued then.
    async fn grant(
        &self,
        org: OrgId,
        user: &str,
        password: &str,
    ) -> Result<Option<EnrollmentGrant>, StoreError>;
}
