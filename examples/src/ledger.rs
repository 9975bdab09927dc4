//! The ledger and the certificate authority in a directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csr_service::{Issuer, NewIssuer};
use renewal_domain::Clock;
use renewal_files::AuthenticationKeyFile;
use renewal_store_seaorm::{AuthenticationKeys, ConnectOptions, SeaOrmStore, connect};

use crate::Place;
use crate::files::{self, Existing, Mode};

/// The name of the authority's certificate in the directory.
pub(crate) const CA_CERTIFICATE: &str = "ca.pem";
/// The name of the authority's private key.
pub(crate) const CA_KEY: &str = "ca.key";
/// The name of the SQLite ledger.
pub(crate) const LEDGER: &str = "ledger.db";

/// Makes the directory if it is not there; its owner alone may look into it.
pub(crate) fn prepare_directory(dir: &Path) -> Result<()> {
    let problem = || format!("cannot make the directory {}", dir.display());
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(problem)
}

/// The ledger; a SQLite file of our own is made, and brought up to date, if need be.
pub(crate) async fn prepared(place: &Place) -> Result<SeaOrmStore> {
    let store = match &place.database_url {
        Some(url) => connect(url, ConnectOptions::default()).await?,
        None => connect(&sqlite_url(&place.dir)?, ConnectOptions::new().migrate(true)).await?,
    };
    Ok(store.authenticated(authentication_keys(&place.dir)?))
}

/// The keys that authenticate rows of the ledger, made anew if there are none.
fn authentication_keys(dir: &Path) -> Result<AuthenticationKeys> {
    let path = dir.join(AuthenticationKeyFile::NAME);
    prepare_directory(dir)?;
    // Of two at once, one makes the keys and the other finds them.
    let alone = files::lock(dir, ".authentication-key.lock")?;
    if !path.exists() {
        let new = AuthenticationKeyFile::random()?;
        files::write(&path, new.text().as_bytes(), Mode::Secret, Existing::Keep)?;
    }
    drop(alone);
    let keys =
        AuthenticationKeyFile::read(&path).with_context(|| format!("cannot use {}", path.display()))?;
    Ok(AuthenticationKeys::new(keys.first(), keys.older().iter().copied()))
}

/// The ledger that is there.
pub(crate) async fn existing(place: &Place) -> Result<SeaOrmStore> {
    if place.database_url.is_none() && !place.dir.join(LEDGER).is_file() {
        bail!(
            "there is no ledger in {}; make one with `csr-signing` or `csr-signing sign`, or name another with --dir",
            place.dir.display()
        );
    }
    prepared(place).await
}

fn sqlite_url(dir: &Path) -> Result<String> {
    let path: PathBuf = dir.join(LEDGER);
    match path.to_str() {
        Some(path) if !path.contains(['?', '#', '%']) => Ok(format!("sqlite://{path}?mode=rwc")),
        _ => bail!("the directory {} has a character that a database URL can't hold", dir.display()),
    }
}

/// The certificate authority in the directory.
pub(crate) fn issuer(dir: &Path, clock: &dyn Clock) -> Result<Issuer> {
    let (certificate, key) = (dir.join(CA_CERTIFICATE), dir.join(CA_KEY));
    Issuer::from_pem(files::read(&certificate)?, files::read_secret(&key)?, clock.now())
        .with_context(|| format!("cannot use {} with {}", certificate.display(), key.display()))
}

/// The certificate authority in the directory, made anew if there is none.
pub(crate) fn issuer_or_new(dir: &Path, clock: &dyn Clock) -> Result<Issuer> {
    let (certificate, key) = (dir.join(CA_CERTIFICATE), dir.join(CA_KEY));
    if certificate.exists() && key.exists() {
        return issuer(dir, clock);
    }
    // Of two at once, one makes the authority and the other finds it.
    let _alone = files::lock(dir, ".ca.lock")?;
    match (certificate.exists(), key.exists()) {
        (true, true) => {}
        (false, false) => {
            let new = NewIssuer::builder("Renewal Ledger Demo CA").create(clock.now())?;
            // The key first: a certificate without its key is of no use.
            files::write(&key, new.key_pem().as_bytes(), Mode::Secret, Existing::Keep)?;
            files::write(&certificate, new.certificate_pem().as_bytes(), Mode::Public, Existing::Keep)?;
        }
        (true, false) => {
            bail!("{} is there, but its key {} is missing", certificate.display(), key.display())
        }
        (false, true) => {
            bail!("{} is there, but its certificate {} is missing", key.display(), certificate.display())
        }
    }
    issuer(dir, clock)
}
