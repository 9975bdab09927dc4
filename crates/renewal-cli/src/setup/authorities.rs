//! The authorities of the configuration: whose certificates mean what here.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csr_service::{Adoption, CaCertificate, CrlIssuer, DeviceIssuer, Issuer, NameGrant};
use renewal_domain::{Clock, OrgId, SystemClock};
use renewal_server::BootstrapIssuer;

use crate::config::{Bootstrap, Config, TrustedOrganisation};
use crate::files;

/// That the authority was at work before its certificates were recorded here.
///
/// # Errors
/// When the time is still to come: until then no certificate would need to be recorded, and one that was
/// revoked in another organisation would be accepted.
pub(crate) fn adoption(config: &Config) -> Result<Option<Adoption>> {
    let adoption = config.issuer.adoption();
    if let Some(Adoption { before, .. }) = adoption
        && before > SystemClock.now()
    {
        bail!(
            "issuer.adopted: {before} is still to come; write the time from which on every certificate of the \
             authority is recorded here"
        );
    }
    Ok(adoption)
}

/// The authorities beside the present one whose devices may renew too.
///
/// # Errors
/// When one cannot be read, or is trusted in a way in which revocations would not count.
pub(crate) fn device_issuers(config: &Config, present: &Issuer) -> Result<Vec<DeviceIssuer>> {
    let adoption = adoption(config)?;
    let mut ours = vec![present.public_key_sha256()];
    let mut issuers = Vec::new();
    for previous in &config.issuer.previous {
        let (path, content) = file(config, &previous.certificate)?;
        let issuer = DeviceIssuer::previous(content).with_context(|| cannot_use(&path))?;
        ours.push(issuer.public_key_sha256());
        issuers.push(match adoption {
            Some(adoption) => issuer.adopted(adoption),
            None => issuer,
        });
    }
    let mut seen: Vec<([u8; 32], TrustedOrganisation)> = Vec::new();
    for (number, trusted) in config.issuer.trusted.iter().enumerate() {
        let (path, content) = file(config, &trusted.certificate)?;
        let issuer = match trusted.organisation {
            TrustedOrganisation::One(org) => DeviceIssuer::trusted(content, org),
            TrustedOrganisation::Any => DeviceIssuer::trusted_anywhere(content),
        };
        let issuer = issuer.with_context(|| cannot_use(&path))?;
        let (key, file) = (issuer.public_key_sha256(), path.display());
        if ours.contains(&key) {
            bail!(
                "issuer.trusted.{number}: {file} has the key of [issuer] or of an [[issuer.previous]], whose \
                 certificates must be recorded here; take it out, and set issuer.adopted if the authority was at \
                 work before"
            );
        }
        if seen.iter().any(|(other, org)| *other == key && *org != trusted.organisation) {
            bail!(
                "issuer.trusted.{number}: {file} has the key of an authority that is trusted in another \
                 organisation; name it once, with organisation = \"any\" if its devices belong to several"
            );
        }
        seen.push((key, trusted.organisation));
        issuers.push(issuer);
    }
    Ok(issuers)
}

/// The authorities whose certificates let a device enroll.
pub(crate) fn bootstrap_issuers(config: &Config) -> Result<Vec<BootstrapIssuer>> {
    let load = |bootstrap: &Bootstrap| {
        let (path, content) = file(config, &bootstrap.certificate)?;
        let org = OrgId::new(bootstrap.organisation.unwrap_or(config.organisations.default));
        let granted = NameGrant::new(bootstrap.subject.clone(), bootstrap.san.clone());
        let issuer = BootstrapIssuer::new(content, org, bootstrap.names.into());
        Ok(issuer.with_context(|| cannot_use(&path))?.names_granted(granted))
    };
    config.est.bootstrap.iter().map(load).collect()
}

/// The same authorities, to be named where one of their certificates is revoked.
pub(crate) fn bootstrap_authorities(config: &Config) -> Result<Vec<CaCertificate>> {
    let load = |bootstrap: &Bootstrap| {
        let (path, content) = file(config, &bootstrap.certificate)?;
        CaCertificate::read(content).with_context(|| cannot_use(&path))
    };
    config.est.bootstrap.iter().map(load).collect()
}

/// The previous issuers whose keys were kept, to sign their revocation lists.
pub(crate) fn crl_issuers(config: &Config) -> Result<Vec<CrlIssuer>> {
    let mut issuers = Vec::new();
    for previous in &config.issuer.previous {
        let Some(key) = &previous.key else { continue };
        let ((certificate, content), key) = (file(config, &previous.certificate)?, config.path(key));
        let issuer = CrlIssuer::from_pem(content, files::read_secret(&key)?);
        let problem = || format!("cannot use {} with {}", certificate.display(), key.display());
        issuers.push(issuer.with_context(problem)?);
    }
    Ok(issuers)
}

/// A file that the configuration names, and its content.
fn file(config: &Config, name: &Path) -> Result<(PathBuf, Vec<u8>)> {
    let path = config.path(name);
    let content = files::read(&path)?;
    Ok((path, content))
}

fn cannot_use(path: &Path) -> String {
    format!("cannot use {}", path.display())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use csr_service::NewIssuer;
    use tempfile::TempDir;

    use super::*;
    use crate::config::Flags;

    const ONE: &str = "00000000-0000-0000-0000-000000000000";
    const TWO: &str = "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10";

    /// A directory with the authorities `ours`, `previous` and `other`, and the first of them.
    fn authorities() -> (TempDir, Issuer) {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let mut ours = None;
        for name in ["other", "previous", "ours"] {
            let new = NewIssuer::builder(name).create(now).unwrap();
            fs::write(directory.path().join(name), new.certificate_pem()).unwrap();
            ours = Some(Issuer::from_pem(new.certificate_pem(), new.key_pem(), now).unwrap());
        }
        (directory, ours.unwrap())
    }

    /// What is wrong with further lines of the configuration, if anything is.
    fn said((directory, present): &(TempDir, Issuer), lines: &str) -> String {
        let text = format!(
            "store.url = \"sqlite://x\"\norganisations.labels.two = \"{TWO}\"\n\
             est = {{ listen = \"[::1]:1\", certificate = \"s\", key = \"s\" }}\n\
             [issuer]\ncertificate = \"ours\"\nkey = \"k\"\n{lines}"
        );
        let config = Config::of_text(&text, &directory.path().join("renewal.toml"), &Flags::new()).unwrap();
        device_issuers(&config, present).map_or_else(|error| format!("{error:#}"), |_| String::new())
    }

    fn trusted(name: &str, organisation: &str) -> String {
        format!("[[issuer.trusted]]\ncertificate = \"{name}\"\norganisation = \"{organisation}\"\n")
    }

    #[test]
    fn an_authority_of_our_own_is_not_trusted_as_another_systems() {
        let site = authorities();
        let previous = "[[issuer.previous]]\ncertificate = \"previous\"\n";
        assert_eq!(said(&site, &format!("{previous}{}", trusted("other", "any"))), "");
        for (lines, what) in [
            (trusted("ours", ONE), "ours has the key of [issuer]"),
            (format!("{previous}{}", trusted("previous", "any")), "previous has the key of [issuer]"),
        ] {
            let said = said(&site, &lines);
            assert!(said.starts_with("issuer.trusted.0: ") && said.contains(what), "{said}");
        }
    }

    #[test]
    fn an_authority_is_not_trusted_in_two_organisations_where_revocations_are_apart() {
        let site = authorities();
        let twice = |one, other| said(&site, &(trusted("other", one) + &trusted("other", other)));
        for (one, other) in [(ONE, TWO), (ONE, "any"), ("any", TWO)] {
            let said = twice(one, other);
            assert!(
                said.starts_with("issuer.trusted.1: ") && said.contains("organisation = \"any\""),
                "{said}"
            );
        }
        assert_eq!(twice(ONE, ONE), "");
    }

    #[test]
    fn an_adoption_that_is_still_to_come_is_refused() {
        let site = authorities();
        let adopted =
            |time: &str| said(&site, &format!("adopted = \"{time}\"\nadopted_organisation = \"{TWO}\"\n"));
        assert_eq!(adopted("2026-01-31"), "");
        let said = adopted("9999-01-31");
        assert!(said.contains("issuer.adopted: 9999-01-31") && said.contains("still to come"), "{said}");
    }
}
