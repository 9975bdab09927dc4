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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use csr_service::{Credential, EnrollmentGrant, Issuer, NewIssuer, Outcome, Profile, Request};
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use renewal_domain::testing::{MemoryStore, MockClock};
    use renewal_domain::{Clock, SystemClock};

    use super::*;
    use crate::config::Flags;

    fn request() -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "gateway-1");
        params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[tokio::test]
    async fn an_authority_that_is_not_new_beside_a_ledger_without_certificates_is_warned_about() {
        let text = include_str!("../renewal.toml");
        let read = |text: &str| Config::of_text(text, Path::new("renewal.toml"), &Flags::new()).unwrap();
        let (config, now) = (read(text), SystemClock.now());
        let new = NewIssuer::builder("Test CA").create(now).unwrap();
        let issuer = Issuer::from_pem(new.certificate_pem(), new.key_pem(), now).unwrap();
        let store = Arc::new(MemoryStore::new());
        let service = |after| {
            let builder = CsrService::builder(issuer.clone(), Profile::default(), store.clone());
            builder.clock(Arc::new(MockClock::at(now + after))).build()
        };
        assert_eq!(all(&config, &service(TimeDelta::zero())).await.unwrap(), [""; 0]);
        let old = service(TimeDelta::hours(2));
        let [warning] = &all(&config, &old).await.unwrap()[..] else { panic!("no warning, or several") };
        for part in ["has no certificate", "certificate_not_recorded", "adopted"] {
            assert!(warning.contains(part), "{warning}");
        }
        let adopted = text.replace("# adopted", "adopted");
        assert_eq!(all(&read(&adopted), &old).await.unwrap(), [""; 0]);

        let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
        let csr = request();
        let request = Request { csr: &csr, credential, lifetime: None, source_address: None };
        let org = config.organisations.all()[0];
        let Outcome::Issued(enrolled) = old.submit(org, request).await.unwrap() else {
            panic!("no certificate")
        };
        assert_eq!(all(&config, &old).await.unwrap(), [""; 0]);
        let by = crate::command_line::context();
        let reason = renewal_domain::RevocationReason::Superseded;
        old.revoke(org, &enrolled.certificate.serial, reason, "", &by).await.unwrap();
        assert_eq!(all(&config, &old).await.unwrap(), [""; 0], "a revoked certificate is one too");
    }
}
