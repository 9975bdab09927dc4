//! Which organisations get certificates at present.

use async_trait::async_trait;
use renewal_domain::{OrgId, StoreError};

/// Tells whether an organisation is active. Asked before a certificate is signed; a device of
/// an inactive one is refused with `organisation_inactive`.
#[async_trait]
pub trait Organisations: Send + Sync {
    /// Whether devices of the organisation may get certificates now.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be found out: nothing is signed then.
    async fn is_active(&self, org: OrgId) -> Result<bool, StoreError>;
}

/// Every organisation is active: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct EveryOrganisation;

#[async_trait]
impl Organisations for EveryOrganisation {
    async fn is_active(&self, _org: OrgId) -> Result<bool, StoreError> {
        Ok(true)
    }
}
