//! `[issuer]`: the authority that signs, and those whose devices may renew too.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use csr_service::Adoption;
use renewal_domain::OrgId;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::value::Datetime;
use uuid::Uuid;

/// `[issuer]`: the authority that signs, and those whose devices may renew too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// How long a revocation list is valid.
    #[serde(default, deserialize_with = "super::span")]
    pub(crate) crl_validity: Option<Duration>,
    /// Until when the authority and those before it were at work without this ledger.
    #[serde(default, deserialize_with = "instant")]
    adopted: Option<DateTime<Utc>>,
    /// The organisation that their certificates of that time belong to.
    #[serde(default)]
    pub(super) adopted_organisation: Option<Uuid>,
    /// The authorities that signed before, latest last.
    #[serde(default)]
    pub(crate) previous: Vec<Previous>,
    /// Authorities of other systems, whose devices may renew too.
    #[serde(default)]
    pub(crate) trusted: Vec<Trusted>,
}

impl Issuer {
    /// That the authority was at work before its certificates were recorded here.
    pub(crate) fn adoption(&self) -> Option<Adoption> {
        let organisation = OrgId::new(self.adopted_organisation?);
        self.adopted.map(|before| Adoption { before, organisation })
    }

    /// Refuses half of an adoption.
    pub(super) fn check(&self) -> Result<()> {
        match (self.adopted, self.adopted_organisation) {
            (Some(_), None) => bail!(
                "issuer.adopted is set without issuer.adopted_organisation: write the UUID of the organisation that \
                 the certificates from before that time belong to"
            ),
            (None, Some(_)) => bail!(
                "issuer.adopted_organisation is set without issuer.adopted: write the date from which on every \
                 certificate of the authority is recorded here"
            ),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }
}

/// Reads an instant: a date, or a time of RFC 3339, as text or in the way of TOML.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "write a date like \"2026-01-31\", or a time like \"2026-01-31T12:00:00Z\""
    )]
    enum Written {
        Text(String),
        Toml(Datetime),
    }
    let text = match Written::deserialize(from)? {
        Written::Text(text) => text,
        Written::Toml(instant) => instant.to_string(),
    };
    let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    let date = || text.parse::<NaiveDate>().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    time.or_else(|_| date()).map(Some).map_err(|_| {
        D::Error::custom(format!(
            "{text:?} is no date; write it like 2026-01-31, or a time like 2026-01-31T12:00:00Z"
        ))
    })
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

    use super::*;
    use crate::config::{Config, Flags};

    const ORG: &str = "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10";

    fn trusted(lines: &str) -> Result<Vec<Trusted>, String> {
        issuer(lines).map(|issuer| issuer.trusted)
    }

    fn issuer(lines: &str) -> Result<Issuer, String> {
        let text = format!(
            "organisations.default = \"{ORG}\"\n\
             store.url = \"sqlite://x\"\n\
             est = {{ listen = \"[::1]:1\", certificate = \"s.pem\", key = \"s.key\" }}\n\
             [issuer]\ncertificate = \"ca.pem\"\nkey = \"ca.key\"\n{lines}"
        );
        Config::of_text(&text, Path::new("renewal.toml"), &Flags::new())
            .map(|config| config.issuer)
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_trusted_authority_is_for_one_organisation_or_for_any() {
        let read = trusted(&format!(
            "[[issuer.trusted]]\ncertificate = \"a.pem\"\norganisation = \"{ORG}\"\n\
             [[issuer.trusted]]\ncertificate = \"b.pem\"\norganisation = \"any\"\n"
        ))
        .unwrap();
        let one = TrustedOrganisation::One(OrgId::new(Uuid::parse_str(ORG).unwrap()));
        assert_eq!(
            read.iter().map(|it| it.organisation).collect::<Vec<_>>(),
            [one, TrustedOrganisation::Any]
        );
        assert_eq!(read.iter().map(|it| it.organisation.to_string()).collect::<Vec<_>>(), [ORG, "any"]);
        assert_eq!(trusted("").unwrap(), []);
    }

    #[test]
    fn a_trusted_authority_without_an_organisation_is_refused() {
        let said = trusted("[[issuer.trusted]]\ncertificate = \"a.pem\"\n").unwrap_err();
        assert!(said.contains("issuer.trusted.0.organisation is missing; write the UUID"), "{said}");
        let said = trusted("[[issuer.trusted]]\ncertificate = \"a.pem\"\norganisation = \"ours\"\n");
        assert!(said.as_ref().is_err_and(|said| said.contains("\"ours\" is no organisation")), "{said:?}");
    }

    #[test]
    fn an_adoption_has_a_time_and_an_organisation() {
        let adopted = |instant: &str| {
            let issuer = issuer(&format!("adopted = {instant}\nadopted_organisation = \"{ORG}\"\n"))?;
            Ok::<_, String>(issuer.adoption().unwrap())
        };
        for (written, time) in [
            ("\"2026-01-31\"", "2026-01-31T00:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("\"2026-01-31T13:00:00+01:00\"", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ] {
            let adoption = adopted(written).unwrap();
            assert_eq!(adoption.before, time.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(adoption.organisation, OrgId::new(Uuid::parse_str(ORG).unwrap()));
        }
        for wrong in ["\"yesterday\"", "2026-01-31T12:00:00", "12:00:00", "2026", "true"] {
            let said = adopted(wrong).unwrap_err();
            assert!(said.contains("issuer.adopted") && said.contains("2026-01-31"), "{said}");
        }
        assert_eq!(issuer("").unwrap().adoption(), None);
    }

    #[test]
    fn half_an_adoption_is_refused() {
        let said = issuer("adopted = \"2026-01-31\"\n").map(|_| ()).unwrap_err();
        assert!(said.contains("set without issuer.adopted_organisation"), "{said}");
        let said = issuer(&format!("adopted_organisation = \"{ORG}\"\n")).map(|_| ()).unwrap_err();
        assert!(said.contains("set without issuer.adopted"), "{said}");
    }
}
