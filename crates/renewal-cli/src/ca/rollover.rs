//! `ca rollover`: a new authority beside the present one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use csr_service::{CaCertificate, IssuerKey, NewIssuer};
use renewal_domain::{ActionKind, ActionStore, Clock, NewAction, SystemClock, Target};

use super::settings::{self, Pair};
use super::{Authority, authorities};
use crate::config::{Config, Flags};
use crate::files::{self, FileError, Mode, Replacement};
use crate::setup::{self, Tables};
use crate::{command_line, output};

/// The environment variables with which the change of the file would have no effect.
const IN_THE_WAY: [&str; 3] =
    ["RENEWAL_ISSUER__CERTIFICATE", "RENEWAL_ISSUER__KEY", "RENEWAL_ISSUER__PREVIOUS"];

/// The new authority.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the new authority [default: that of the present one, with a number]
    #[arg(long, value_name = "NAME")]
    ca_name: Option<String>,

    /// Kind of its key
    #[arg(long, value_name = "KIND", value_enum, default_value = "p256")]
    key_type: KeyType,

    /// How long it is valid
    #[arg(long, value_name = "TIME", default_value = "3650d", value_parser = humantime::parse_duration)]
    lifetime: Duration,
}

/// A kind of key, as it is written on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeyType {
    P256,
    P384,
    Ed25519,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl From<KeyType> for IssuerKey {
    fn from(key_type: KeyType) -> Self {
        match key_type {
            KeyType::P256 => Self::EcdsaP256,
            KeyType::P384 => Self::EcdsaP384,
            KeyType::Ed25519 => Self::Ed25519,
            KeyType::Rsa2048 => Self::Rsa2048,
            KeyType::Rsa3072 => Self::Rsa3072,
            KeyType::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// Makes the new authority, records who did in every organisation, and configures it.
pub(super) async fn run(file: &Path, args: Args) -> Result<()> {
    refuse_environment()?;
    // A wrong one is told before anything is locked.
    Config::read(file)?;
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Of two at once, the second one changes what the first one has written.
    let _alone = files::lock(directory, ".ca.lock")?;
    let config = Config::read(file)?;
    let known = authorities(&config)?;
    let old = known.first().context("there is no present authority")?;
    let name = args.ca_name.map_or_else(|| next_name(&old.certificate), Ok)?;

    let new = NewIssuer::builder(&name).key(args.key_type.into()).lifetime(args.lifetime);
    let new = new.create(SystemClock.now())?;
    let certificate = CaCertificate::read(new.certificate_pem())?;
    if known.iter().any(|known| known.certificate.subject_der() == certificate.subject_der()) {
        bail!(
            "there is an authority {name:?} already; give another name with --ca-name, because those who \
             check certificates tell authorities, and their revocation lists, apart by the name"
        );
    }
    // No change of the authority without its record: without the ledger nothing is changed.
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let in_file = || format!("cannot change {}", file.display());
    let pair = free(&config, &settings::present(&text).with_context(in_file)?)?;
    let changed = settings::changed(&text, &pair).with_context(in_file)?;
    Config::of_text(&changed, file, &Flags::new())?;

    let (path, key) = (config.path(Path::new(&pair.certificate)), config.path(Path::new(&pair.key)));
    let change = async {
        write(&path, &key, &new, old)?;
        let replacement = Replacement::of(file, changed.as_bytes())?;
        record(&*store, &config, &certificate, old).await?;
        replacement.put().context("the change is recorded as an action, but was not made")
    };
    if let Err(error) = change.await {
        // Nothing refers to them. Where one cannot be removed, another name is found next time.
        for made in [&path, &key] {
            let _left = fs::remove_file(made);
        }
        return Err(error);
    }
    store.close().await?;
    report(file, (&path, &key), (&name, &certificate), old);
    Ok(())
}

fn refuse_environment() -> Result<()> {
    let set = std::env::vars_os().map(|(name, _)| name.to_string_lossy().to_uppercase());
    match set.into_iter().find(|name| IN_THE_WAY.contains(&name.as_str())) {
        Some(name) => bail!(
            "{name} is set in the environment and wins over the configuration file, so that a change of the \
             file would have no effect; name the authority in the file, and unset {}",
            IN_THE_WAY.join(", ")
        ),
        None => Ok(()),
    }
}

/// The name of the present authority with the next number.
fn next_name(present: &CaCertificate) -> Result<String> {
    let name = present.common_name().ok_or_else(|| {
        anyhow!("the present authority, {}, has no common name; give one with --ca-name", present.subject())
    })?;
    let (base, number) = match name.rsplit_once(' ') {
        Some((base, number)) => (base, number.parse::<u32>().ok()),
        None => (name.as_str(), None),
    };
    Ok(match number.and_then(|number| number.checked_add(1)) {
        Some(next) => format!("{base} {next}"),
        None => format!("{name} 2"),
    })
}

/// Names for the files of the new authority, beside the old ones, that are free.
fn free(config: &Config, old: &Pair) -> Result<Pair> {
    let name = |old: &str, number: u32| -> Option<PathBuf> {
        let path = Path::new(old);
        let stem = path.file_stem()?.to_str()?;
        let base = match stem.rsplit_once('-') {
            Some((base, digits)) if digits.parse::<u32>().is_ok() => base,
            _ => stem,
        };
        let extension = path.extension().map(|it| format!(".{}", it.display())).unwrap_or_default();
        Some(path.with_file_name(format!("{base}-{number}{extension}")))
    };
    for number in 2..10_000 {
        let (Some(certificate), Some(key)) = (name(&old.certificate, number), name(&old.key, number)) else {
            break;
        };
        let taken = |path: &Path| fs::symlink_metadata(config.path(path)).is_ok();
        if !taken(&certificate) && !taken(&key) && certificate != key {
            let text = |path: PathBuf| path.display().to_string();
            return Ok(Pair { certificate: text(certificate), key: text(key) });
        }
    }
    bail!("no name is free for the files of the new authority beside {} and {}", old.certificate, old.key)
}

/// Writes certificate and key, for the owner of the old key, who runs the server.
fn write(certificate: &Path, key: &Path, new: &NewIssuer, old: &Authority) -> Result<(), FileError> {
    let like = old.key.as_ref().filter(|key| key.exists()).unwrap_or(&old.file);
    files::write_new_like(key, new.key_pem().as_bytes(), Mode::Secret, like)?;
    files::write_new_like(certificate, new.certificate_pem().as_bytes(), Mode::Public, like)
}

/// Records the change in every organisation.
async fn record(
    store: &dyn ActionStore,
    config: &Config,
    new: &CaCertificate,
    old: &Authority,
) -> Result<()> {
    for org in config.organisations.all() {
        let action = NewAction::new(ActionKind::CaRolledOver, Target::Authority(new.key_id()));
        let note = format!(
            "{} takes the place of {}, which has the key identifier {}",
            new.subject(),
            old.certificate.subject(),
            old.certificate.key_id()
        );
        command_line::record(store, org, action.note(note)).await?;
    }
    Ok(())
}

fn report(file: &Path, (path, key): (&Path, &Path), new: (&str, &CaCertificate), old: &Authority) {
    let (name, certificate) = new;
    println!(
        "Made the authority {name:?}: {}, valid until {} UTC.",
        certificate.key_kind(),
        output::time(certificate.not_after())
    );
    println!("  {}  its certificate", path.display());
    println!("  {}  its private key; keep it secret", key.display());
    println!("{} names it, and the one before as a previous authority.", file.display());
    println!("\nWhat to do next:");
    println!("  1. Give {} to everybody who checks device certificates.", path.display());
    println!("  2. Restart the server. Then new certificates come from the new key, and old");
    println!("     ones still renew.");
    println!("  3. Let devices get the CA certificates again (EST cacerts): they are given both.");
    println!("  4. The server's own TLS certificate is still from the authority that it was;");
    println!("     replace it when the devices know the new one.");
    println!("  5. Keep {} and its key until no certificate of it is in use;", old.file.display());
    println!("     it is valid until {} UTC.", output::time(old.certificate.not_after()));
}
