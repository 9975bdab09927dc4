//! For the fuzzers: the configuration, without the files that it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use csr_service::{CsrService, Issuer};
use renewal_domain::testing::MemoryStore;

use crate::ca::settings::{self, Pair};
use crate::config::{Config, Flags};
use crate::{logging, serve, setup};

/// What a text means as a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// Certificate and key of the present authority.
    pub present: (PathBuf, PathBuf),
    /// Those of the previous ones.
    pub previous: Vec<(PathBuf, Option<PathBuf>)>,
    /// Everything else, in words.
    pub rest: String,
}

/// Reads a configuration.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Meaning> {
    let mut config = config(text)?;
    let present = (std::mem::take(&mut config.issuer.certificate), std::mem::take(&mut config.issuer.key));
    let previous = config.issuer.previous.drain(..).map(|it| (it.certificate, it.key)).collect();
    Ok(Meaning { present, previous, rest: format!("{config:?}") })
}

/// Puts together what a configuration describes, as `config check` does, but with this authority in the
/// place of every one that it names, and nothing of the ledger.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str, issuer: &Issuer) -> Result<()> {
    let mut config = config(text)?;
    config.issuer.previous.clear();
    config.issuer.trusted.clear();
    config.est.bootstrap.clear();
    logging::filter(&config.logging)?;
    let stores = Arc::new(MemoryStore::new());
    let service = CsrService::builder(issuer.clone(), setup::profile(&config)?, stores).build();
    serve::est(&config, &service)?.build()?;
    Ok(())
}

/// The text with another present authority, as `ca rollover` writes it.
///
/// # Errors
/// Why it cannot be changed so.
pub fn rolled_over(text: &str, certificate: &str, key: &str) -> Result<String> {
    settings::changed(text, &Pair { certificate: certificate.to_owned(), key: key.to_owned() })
}

fn config(text: &str) -> Result<Config> {
    Config::of_text(text, Path::new("/etc/renewal/renewal.toml"), &Flags::new())
}
