//! `authentication-key`: the keys that authenticate rows of tokens and pending requests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use renewal_domain::{ActionKind, NewAction, Target};
use renewal_files::{AuthenticationKeyError, AuthenticationKeyFile};
use renewal_store_seaorm::AuthenticationKeys;

use crate::command_line;
use crate::config::Config;
use crate::files::{self, FileError, Mode, Replacement};
use crate::setup::{self, Tables};

/// The lock that keeps two changes of the file apart.
const LOCK: &str = ".authentication-key.lock";

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the file with a first key, for a new ledger
    ///
    /// Every server of a ledger needs the same file: where another one has it, copy it from there.
    Create,
    /// Put a new key in front of the others, which go on to check what was made with them
    ///
    /// It is recorded as an action in every organisation of the configuration.
    Rotate,
}

/// Runs the command.
pub(crate) async fn run(file: &Path, command: Command) -> Result<()> {
    let config = Config::read(file)?;
    match command {
        Command::Create => create(&config),
        Command::Rotate => rotate(&config).await,
    }
}

/// The keys with which the rows of the ledger are authenticated.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub(crate) fn keys(config: &Config) -> Result<AuthenticationKeys> {
    let (_, keys) = read(config)?;
    Ok(AuthenticationKeys::new(keys.first(), keys.older().iter().copied()))
}

/// Writes a file with a first key, which only its owner can read, and returns the keys.
pub(crate) fn write_new(path: &Path) -> Result<AuthenticationKeys> {
    let keys = AuthenticationKeyFile::random()?;
    files::write_new(path, keys.text().as_bytes(), Mode::Secret)?;
    Ok(AuthenticationKeys::new(keys.first(), []))
}

fn create(config: &Config) -> Result<()> {
    let path = config.authentication_key();
    let shown = path.display();
    if std::fs::symlink_metadata(&path).is_ok() {
        bail!(
            "{shown} exists already and is not replaced: without its keys, tokens and pending requests of the \
             ledger would count no more. A new key is put in front of them with `renewal authentication-key rotate`"
        );
    }
    write_new(&path)?;
    println!("Made {shown}: the key that authenticates tokens and pending requests.");
    println!("Give every server of this ledger the same file, and keep it out of the database's backups.");
    Ok(())
}

async fn rotate(config: &Config) -> Result<()> {
    let path = config.authentication_key();
    // What is wrong is told before anything is locked.
    read(config)?;
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Of two at once, the second one keeps the key that the first one has made.
    let _alone = files::lock(directory, LOCK)?;
    let (path, old) = read(config)?;
    let store = setup::open_store(config, Tables::OfSqlite).await?;
    let new = old.rotated()?;
    // Whatever can fail is done before it is recorded, but for the last step.
    let replacement = Replacement::of(&path, new.text().as_bytes())?;
    let checking = new.older().len();
    for org in config.organisations.all() {
        let action = NewAction::new(ActionKind::AuthenticationKeyRotated, Target::Organisation);
        let note = format!("older keys that still check codes: {checking}");
        command_line::record(&*store, org, action.note(note)).await?;
    }
    replacement.put().context("the change is recorded as an action, but was not made")?;
    store.close().await?;

    println!("{} has a new first key, which makes codes.", path.display());
    println!("Older keys that still check codes: {checking}.");
    println!("\nWhat to do next:");
    println!("  1. Give every server of this ledger the new file, before the first token is made with it:");
    println!("     a server without the new key refuses that token.");
    println!("  2. Restart the servers.");
    println!("  3. Take an old key out of the file when no row made with it is left: pending requests end");
    println!("     within the approval period, and tokens expire or are made anew.");
    Ok(())
}

/// The file, and what is in it.
fn read(config: &Config) -> Result<(PathBuf, AuthenticationKeyFile)> {
    let path = config.authentication_key();
    match AuthenticationKeyFile::read(&path) {
        Ok(keys) => Ok((path, keys)),
        Err(error) => Err(explained(&path, error)),
    }
}

/// What is wrong with the file, and what to do.
fn explained(path: &Path, error: AuthenticationKeyError) -> anyhow::Error {
    let shown = path.display();
    match error {
        AuthenticationKeyError::Missing => anyhow!(
            "there is no {shown}, the file with the key that authenticates tokens and pending requests: copy it \
             from another server of this ledger, or if there is none, make it with `renewal authentication-key \
             create`"
        ),
        AuthenticationKeyError::File(error @ FileError::Exposed(..)) => {
            anyhow!(error).context("the authentication key is not secret")
        }
        other => anyhow!(other).context(format!("cannot use the authentication key {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Flags;

    /// A configuration in a directory.
    fn config(directory: &Path) -> Config {
        let text = include_str!("renewal.toml");
        Config::of_text(text, &directory.join("renewal.toml"), &Flags::new()).unwrap()
    }

    #[test]
    fn a_file_that_is_made_is_used_and_not_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let said = keys(&config).unwrap_err().to_string();
        assert!(said.contains("authentication.key") && said.contains("authentication-key create"), "{said}");
        create(&config).unwrap();
        keys(&config).unwrap();
        let path = directory.path().join("authentication.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let made = fs::read(&path).unwrap();
        let said = create(&config).unwrap_err().to_string();
        assert!(said.contains("is not replaced") && said.contains("rotate"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), made);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_has_no_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        create(&config).unwrap();
        let path = directory.path().join("authentication.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let said = format!("{:#}", keys(&config).unwrap_err());
        assert!(said.contains("has mode 0640") && said.contains("chmod 600"), "{said}");
        fs::write(&path, "# nothing\nbut words\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let said = format!("{:#}", keys(&config).unwrap_err());
        assert!(said.contains("authentication.key: its line 2 is no key"), "{said}");
    }
}
