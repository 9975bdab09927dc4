//! `[profile]`: what is issued, and under which conditions.

use std::time::Duration;

use csr_service::ApprovalMode;
use renewal_domain::SupersededCertificates;
use serde::Deserialize;

use super::names::PermittedNames;

/// `[profile]`: what is issued, and under which conditions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    #[serde(deserialize_with = "super::span")]
    pub(crate) lifetime: Option<Duration>,
    #[serde(deserialize_with = "super::span")]
    pub(crate) grace: Option<Duration>,
    /// How long before a certificate expires it can be renewed; at any time unless set.
    #[serde(deserialize_with = "super::span")]
    pub(crate) earliest_renewal: Option<Duration>,
    /// How long a person has to decide about a request.
    #[serde(deserialize_with = "super::span")]
    pub(crate) approval_period: Option<Duration>,
    /// How long the issuer's key, or the ledger, may take.
    #[serde(deserialize_with = "super::span")]
    pub(crate) signing_deadline: Option<Duration>,
    /// After how long an attempt that nobody works on any more is ended.
    #[serde(deserialize_with = "super::span")]
    pub(crate) abandon_after: Option<Duration>,
    /// Where certificates say that the revocation list of their issuer is.
    pub(crate) crl_url: Option<String>,
    pub(crate) enrollment: Approval,
    pub(crate) renewal: Approval,
    pub(crate) recovery: Approval,
    /// What becomes of certificates that another one has taken the place of.
    pub(crate) superseded: Superseded,
    /// What becomes of a key that another device has.
    pub(crate) key_reuse: KeyReuse,
    pub(crate) names: PermittedNames,
}

/// Whether requests of a kind are granted at once.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Approval {
    #[default]
    Automatic,
    Manual,
}

impl From<Approval> for ApprovalMode {
    fn from(approval: Approval) -> Self {
        match approval {
            Approval::Automatic => Self::Automatic,
            Approval::Manual => Self::Manual,
        }
    }
}

/// What becomes of a request that presents a certificate which another one has taken the place of.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Superseded {
    #[default]
    Refuse,
    Allow,
}

impl From<Superseded> for SupersededCertificates {
    fn from(superseded: Superseded) -> Self {
        match superseded {
            Superseded::Refuse => Self::Refuse,
            Superseded::Allow => Self::Allow,
        }
    }
}

/// What becomes of a request for a key that another device of the organisation has.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyReuse {
    #[default]
    Refuse,
    Warn,
    Allow,
}

impl From<KeyReuse> for renewal_domain::KeyReuse {
    fn from(reuse: KeyReuse) -> Self {
        match reuse {
            KeyReuse::Refuse => Self::Refuse,
            KeyReuse::Warn => Self::Warn,
            KeyReuse::Allow => Self::Allow,
        }
    }
}
