//! `init`: a directory from which the server can be run.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use csr_service::{CsrService, Issuer, NewIssuer, Profile};
use renewal_domain::{Clock, OrgId, SystemClock};
use renewal_files::AuthenticationKeyFile;
use renewal_store_seaorm::{ConnectOptions, connect};
use uuid::Uuid;

use crate::api::{TOKEN_FILE, bootstrap};
use crate::files::{self, Mode};
use crate::{authentication_key, server_certificate};

/// The configuration that is written.
const CONFIG: &str = include_str!("renewal.toml");

/// Everything that is made.
const FILES: [&str; 8] = [
    "renewal.toml",
    "ca.pem",
    "ca.key",
    "server.pem",
    "server.key",
    AuthenticationKeyFile::NAME,
    "ledger.db",
    TOKEN_FILE,
];

/// What to make.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory to make; nothing in it is replaced
    dir: PathBuf,

    /// Name or address by which devices reach the server; can be given several times
    #[arg(long = "host", value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"])]
    hosts: Vec<String>,

    /// Name of the certificate authority
    #[arg(long, value_name = "NAME", default_value = "Renewal Ledger CA")]
    ca_name: String,
}

/// Makes the directory and what is in it.
pub(crate) async fn run(args: &Args) -> Result<()> {
    let dir = args.dir.as_path();
    for name in FILES {
        if dir.join(name).exists() {
            bail!("{} exists already; nothing was changed", dir.join(name).display());
        }
    }
    files::make_directory(dir)?;
    let now = SystemClock.now();
    let authority = NewIssuer::builder(&args.ca_name).create(now)?;
    let server = server_certificate::create(&authority, &args.hosts, now)?;
    let write = |name: &str, content: &str, mode| files::write_new(&dir.join(name), content.as_bytes(), mode);
    write("ca.key", authority.key_pem(), Mode::Secret)?;
    write("ca.pem", authority.certificate_pem(), Mode::Public)?;
    write("server.key", &server.key, Mode::Secret)?;
    write("server.pem", &server.certificate, Mode::Public)?;
    let keys = authentication_key::write_new(&dir.join(AuthenticationKeyFile::NAME))?;
    // Its URL may come to have a password.
    write("renewal.toml", CONFIG, Mode::Secret)?;
    let file = dir.join("renewal.toml");
    // The one of this directory, whatever the environment names.
    let ledger = format!("sqlite://{}", dir.join("ledger.db").display());
    let store = connect(&ledger, ConnectOptions::new().migrate(true)).await?;
    let store = Arc::new(store.authenticated(keys));
    let issuer = Issuer::from_pem(authority.certificate_pem(), authority.key_pem(), now)?;
    let service = CsrService::builder(issuer, Profile::builder().build()?, store.clone()).build();
    let lifetime = Some(bootstrap::DEFAULT_LIFETIME);
    let token = bootstrap::create(&service, OrgId::new(Uuid::nil()), "init", lifetime).await?;
    store.close().await?;
    write(TOKEN_FILE, &format!("{token}\n"), Mode::Secret)?;

    let (place, file) = (dir.display(), file.display());
    println!("Made {place}:");
    println!("  renewal.toml        the configuration");
    println!("  ca.pem, .key        the certificate authority \"{}\"", args.ca_name);
    println!("  server.pem, .key    the server's certificate, valid for a year, for");
    println!("                      {}", args.hosts.join(", "));
    println!("  authentication.key  what authenticates tokens and pending requests in the ledger");
    println!("  ledger.db           the ledger, in SQLite");
    println!("  operator.token      an administrator's token, good for 90 days, with which");
    println!("                      the commands below reach the server");
    println!("Keep ca.key secret: whoever has it can issue certificates.");
    println!("Back up ca.key and authentication.key, but not together with the ledger.");
    println!("The administrator's token, for other machines and shown this once:\n  {token}");
    println!("\nRun the server:\n  renewal serve --config {file}");
    println!("Let a device enroll:\n  renewal enrollment-tokens create my-device --config {file}");
    println!("See what happened to it:\n  renewal devices show my-device --config {file}");
    Ok(())
}
