//! `csr-signing`: the crates of Renewal Ledger in one small program.
//!
//! Without a command it plays fourteen months of a device's life and shows the history it left; with
//! one it works on your files.

mod command_line;
mod decide;
mod demo;
mod device;
mod events;
mod exit;
mod files;
mod ledger;
mod output;
mod renamed;
mod sign;
mod table;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use uuid::Uuid;

use crate::exit::Status;

/// Signs certificate requests of devices, and keeps the history of every renewal.
///
/// Without a command: a demonstration in a directory of its own, with nothing else needed.
///
/// Exit status: 0 done, 2 refused (the reason is on standard error), 3 waits for approval,
/// 1 failed.
#[derive(Debug, Parser)]
#[command(name = "csr-signing", version)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the ledger and the certificate authority are, and whose they are.
#[derive(Debug, clap::Args)]
struct Place {
    /// Directory of the certificate authority and, unless another is named, the ledger
    #[arg(long, global = true, default_value = "./renewal-demo", value_name = "DIR")]
    dir: PathBuf,

    /// Database of the ledger [default: the SQLite file ledger.db in DIR]
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    /// Organisation
    #[arg(long, global = true, default_value_t = Uuid::nil(), hide_default_value = true, value_name = "UUID")]
    org: Uuid,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign a request: an enrollment, or with --current a renewal or recovery
    Sign(sign::Args),
    /// Show the history, newest first
    Events(events::Args),
    /// Approve a request that waits
    Approve(decide::Approve),
    /// Deny a request that waits
    Deny(decide::Deny),
    /// Revoke a certificate: it can't be renewed any more
    Revoke(decide::Revoke),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&renamed::explained(error, Cli::command())),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .init();
    let done = match cli.command {
        None => demo::run(&cli.place).await,
        Some(Command::Sign(args)) => sign::run(&cli.place, &args).await,
        Some(Command::Events(args)) => events::run(&cli.place, &args).await,
        Some(Command::Approve(args)) => decide::approve(&cli.place, &args).await,
        Some(Command::Deny(args)) => decide::deny(&cli.place, &args).await,
        Some(Command::Revoke(args)) => decide::revoke(&cli.place, &args).await,
    };
    done.unwrap_or_else(|error| {
        if error.is::<output::ReaderGone>() {
            return Status::Done;
        }
        exit::failed(&error)
    })
    .into()
}
