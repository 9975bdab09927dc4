//! `[est]`: where devices connect, and the authorities whose certificates let them enroll.

use std::net::SocketAddr;
use std::path::PathBuf;

use csr_service::{AttributePattern, SanPattern};
use renewal_server::BootstrapNames;
use serde::Deserialize;
use uuid::Uuid;

use super::names::patterns;

/// `[est]`: where devices connect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Est {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Attempts of one device, or with one token, in a minute.
    #[serde(default)]
    pub(crate) attempts_per_device: Option<u32>,
    /// Unauthenticated attempts from one address in a minute.
    #[serde(default)]
    pub(crate) attempts_per_address: Option<u32>,
    /// Connections open at once.
    #[serde(default)]
    pub(crate) connections: Option<usize>,
    /// Authorities whose certificates let a device enroll.
    #[serde(default)]
    pub(crate) bootstrap: Vec<Bootstrap>,
}

/// `[[est.bootstrap]]`: an authority whose certificates devices were given in the factory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bootstrap {
    pub(crate) certificate: PathBuf,
    /// The one organisation in which they are good, unless it is the default one.
    #[serde(default)]
    pub(crate) organisation: Option<Uuid>,
    #[serde(default)]
    pub(crate) names: Names,
    /// Attributes of the subject that they grant in addition to those of the profile.
    #[serde(default, deserialize_with = "patterns")]
    pub(crate) subject: Vec<AttributePattern>,
    /// Alternative names that they grant in addition to those of the profile.
    #[serde(default, deserialize_with = "patterns")]
    pub(crate) san: Vec<SanPattern>,
}

/// Which devices a bootstrap certificate lets enroll.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Names {
    /// The one of the certificate's own name.
    #[default]
    Own,
    /// Any.
    Any,
}

impl From<Names> for BootstrapNames {
    fn from(names: Names) -> Self {
        match names {
            Names::Own => Self::Own,
            Names::Any => Self::Any,
        }
    }
}
