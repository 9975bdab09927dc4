//! `[issuer]`: the authority that signs, and those whose devices may renew too.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use renewal_domain::OrgId;
use serde::{Deserialize, Deserializer};

/// `[issuer]`: the authority that signs, and those whose devices may renew too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// How long a revocation list is valid.
    #[serde(default, deserialize_with = "super::span")]
    pub(crate) crl_validity: Option<Duration>,
    /// The authorities that signed before, latest last.
    #[serde(default)]
    pub(crate) previous: Vec<Previous>,
    /// Authorities of other systems, whose devices may renew too.
    #[serde(default)]
    pub(crate) trusted: Vec<Trusted>,
}

/// `[[issuer.previous]]`: an authority that signed before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Previous {
    pub(crate) certificate: PathBuf,
    /// With it, its revocation lists are signed.
    #[serde(default)]
    pub(crate) key: Option<PathBuf>,
}

/// `[[issuer.trusted]]`: an authority of another system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trusted {
    pub(crate) certificate: PathBuf,
    pub(crate) organisation: TrustedOrganisation,
}

/// The organisation that the devices of a trusted authority belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrustedOrganisation {
    /// This one.
    One(OrgId),
    /// Any that is configured.
    Any,
}

impl<'de> Deserialize<'de> for TrustedOrganisation {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == "any" {
            return Ok(Self::Any);
        }
        text.parse().map(|uuid| Self::One(OrgId::new(uuid))).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is no organisation; write its UUID, or \"any\""))
        })
    }
}

impl fmt::Display for TrustedOrganisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(org) => org.fmt(f),
            Self::Any => f.write_str("any"),
        }
    }
}

/// What to write where a setting below `[issuer]` is missing.
pub(super) fn hint(path: &str, name: &str) -> Option<&'static str> {
    let trusted = path.starts_with("issuer.trusted.") && name == "organisation";
    trusted.then_some("; write the UUID of the organisation of its devices, or \"any\"")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use uuid::Uuid;

    use super::*;
    use crate::config::{Config, Flags};

    fn trusted(lines: &str) -> Result<Vec<Trusted>, String> {
        let text = format!(
            "store.url = \"sqlite://x\"\n\
             est = {{ listen = \"[::1]:1\", certificate = \"s.pem\", key = \"s.key\" }}\n\
             [issuer]\ncertificate = \"ca.pem\"\nkey = \"ca.key\"\n{lines}"
        );
        Config::of_text(&text, Path::new("renewal.toml"), &Flags::new())
            .map(|config| config.issuer.trusted)
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_trusted_authority_is_for_one_organisation_or_for_any() {
        let uuid = "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10";
        let read = trusted(&format!(
            "[[issuer.trusted]]\ncertificate = \"a.pem\"\norganisation = \"{uuid}\"\n\
             [[issuer.trusted]]\ncertificate = \"b.pem\"\norganisation = \"any\"\n"
        ))
        .unwrap();
        let one = TrustedOrganisation::One(OrgId::new(Uuid::parse_str(uuid).unwrap()));
        assert_eq!(
            read.iter().map(|it| it.organisation).collect::<Vec<_>>(),
            [one, TrustedOrganisation::Any]
        );
        assert_eq!(read.iter().map(|it| it.organisation.to_string()).collect::<Vec<_>>(), [uuid, "any"]);
        assert_eq!(trusted("").unwrap(), []);
    }

    #[test]
    fn a_trusted_authority_without_an_organisation_is_refused() {
        let said = trusted("[[issuer.trusted]]\ncertificate = \"a.pem\"\n").unwrap_err();
        assert!(said.contains("issuer.trusted.0.organisation is missing; write the UUID"), "{said}");
        let said = trusted("[[issuer.trusted]]\ncertificate = \"a.pem\"\norganisation = \"ours\"\n");
        assert!(said.as_ref().is_err_and(|said| said.contains("\"ours\" is no organisation")), "{said:?}");
    }
}
