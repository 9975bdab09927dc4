//! What is to be said of a configuration that is good, and may not be what was meant.

use anyhow::Result;
use chrono::TimeDelta;
use csr_service::CsrService;
use renewal_domain::{CertificateFilter, FleetStore, OrgId, PageRequest, PageSize, StoreError};

use crate::config::Config;
use crate::output;

/// How old an authority is that may have issued something.
const NEW: TimeDelta = TimeDelta::hours(1);

/// All that is to be said of it, each in one sentence.
pub(crate) async fn all(config: &Config, service: &CsrService) -> Result<Vec<String>> {
    let lists = without_revocation_lists(service).map(ToOwned::to_owned);
    Ok(lists.into_iter().chain(without_records(config, service).await?).collect())
}

/// The authority may sign certificates and no revocation lists.
fn without_revocation_lists(service: &CsrService) -> Option<&'static str> {
    service.issuer().as_crl_issuer().is_err().then_some(
        "the authority may not sign revocation lists (its keyUsage lacks cRLSign), so that none is served for it",
    )
}

/// The authority may have issued certificates, and the ledger has none, as when it was lost or is another one.
async fn without_records(config: &Config, service: &CsrService) -> Result<Option<String>> {
    let made = service.issuer().not_before();
    if service.clock().now() - made < NEW || config.issuer.adoption().is_some() {
        return Ok(None);
    }
    for org in config.organisations.all() {
        if has_certificates(&*service.stores().fleet, org).await? {
            return Ok(None);
        }
    }
    Ok(Some(format!(
        "the ledger has no certificate, but the authority is valid since {} UTC. If it has issued certificates, \
         their devices cannot renew here: they are refused with certificate_not_recorded, until the rows of the \
         ledger are restored, or adopted and adopted_organisation of [issuer] are set",
        output::time(made)
    )))
}

/// Whether an organisation has any certificate.
async fn has_certificates(fleet: &dyn FleetStore, org: OrgId) -> Result<bool, StoreError> {
    let one = PageRequest::first(PageSize::nearest(1));
    // A device whose only certificate was revoked has no current one.
    for filter in [CertificateFilter::Expiring { after: None, until: None }, CertificateFilter::Revoked] {
        if !fleet.certificates(org, &filter, &one).await?.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
