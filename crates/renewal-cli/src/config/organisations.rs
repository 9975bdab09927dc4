//! `[organisations]`: the tenants, and whether every other setting names one of them.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use renewal_domain::OrgId;
use serde::Deserialize;
use uuid::Uuid;

use super::{Config, TrustedOrganisation};

/// `[organisations]`: the tenants, and the labels in the paths that name them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organisations {
    /// The one without a label.
    #[serde(default)]
    pub(crate) default: Uuid,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, Uuid>,
}

impl Organisations {
    /// Every organisation, each once.
    pub(crate) fn all(&self) -> Vec<OrgId> {
        let mut all: Vec<_> = self.labels.values().copied().map(OrgId::new).collect();
        all.push(OrgId::new(self.default));
        all.sort();
        all.dedup();
        all
    }

    /// The organisation that a command is about, the default one unless one is named.
    ///
    /// # Errors
    /// When the one that is named is not configured: nobody would end its requests, and no revocation list
    /// would have its certificates.
    pub(crate) fn named(&self, org: Option<Uuid>) -> Result<OrgId> {
        let org = OrgId::new(org.unwrap_or(self.default));
        if !self.all().contains(&org) {
            bail!("{org} is none of [organisations]; {}", self.listed());
        }
        Ok(org)
    }

    /// All of them in words.
    fn listed(&self) -> String {
        let all: Vec<_> = self.all().iter().map(ToString::to_string).collect();
        format!("write one of {}, or add it there with a label", all.join(", "))
    }
}

/// Refuses settings that name an organisation which is not configured. What is revoked there would be on no
/// revocation list.
pub(super) fn check(config: &Config) -> Result<()> {
    let organisations = &config.organisations;
    let adopted = config.issuer.adopted_organisation.map(OrgId::new);
    let mut named: Vec<_> =
        adopted.map(|org| ("issuer.adopted_organisation".to_owned(), org)).into_iter().collect();
    for (number, trusted) in config.issuer.trusted.iter().enumerate() {
        if let TrustedOrganisation::One(org) = trusted.organisation {
            named.push((format!("issuer.trusted.{number}.organisation"), org));
        }
    }
    for (number, bootstrap) in config.est.bootstrap.iter().enumerate() {
        if let Some(org) = bootstrap.organisation {
            named.push((format!("est.bootstrap.{number}.organisation"), OrgId::new(org)));
        }
    }
    let all = organisations.all();
    match named.into_iter().find(|(_, org)| !all.contains(org)) {
        Some((setting, org)) => {
            bail!("{setting}: {org} is none of [organisations]; {}", organisations.listed())
        }
        None => config.issuer.check(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{GOOD, read};

    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    const OTHER: &str = "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10";

    #[test]
    fn a_setting_that_names_an_organisation_which_is_not_configured_is_refused() {
        let behind = |lines: &str| format!("{GOOD}\n{lines}\n");
        let in_issuer = |lines: &str| GOOD.replace("[issuer]\n", &format!("[issuer]\n{lines}\n"));
        let trusted =
            |org: &str| behind(&format!("[[issuer.trusted]]\ncertificate = \"a\"\norganisation = \"{org}\""));
        let bootstrap =
            |org: &str| behind(&format!("[[est.bootstrap]]\ncertificate = \"a\"\norganisation = \"{org}\""));
        let adopted =
            |org: &str| in_issuer(&format!("adopted = \"2026-01-31\"\nadopted_organisation = \"{org}\""));
        for (setting, text) in [
            ("issuer.trusted.0.organisation", &trusted as &dyn Fn(&str) -> String),
            ("est.bootstrap.0.organisation", &bootstrap),
            ("issuer.adopted_organisation", &adopted),
        ] {
            let said = format!("{:#}", read(&text(OTHER)).unwrap_err());
            assert!(said.contains(&format!("{setting}: {OTHER} is none of [organisations]")), "{said}");
            assert!(said.contains(NIL), "{said}");
            read(&text(NIL)).unwrap();
            read(&format!("{}\n[organisations.labels]\neast = \"{OTHER}\"", text(OTHER))).unwrap();
        }
    }

    #[test]
    fn a_command_is_about_an_organisation_that_is_configured() {
        let config = read(&format!("{GOOD}\n[organisations.labels]\neast = \"{OTHER}\"")).unwrap();
        let named = |org: Option<&str>| config.organisations.named(org.map(|org| org.parse().unwrap()));
        assert_eq!(named(None).unwrap().to_string(), NIL);
        assert_eq!(named(Some(OTHER)).unwrap().to_string(), OTHER);
        let said = named(Some("00000000-0000-0000-0000-000000000001")).unwrap_err().to_string();
        assert!(said.contains("is none of [organisations]") && said.contains(OTHER), "{said}");
    }
}
