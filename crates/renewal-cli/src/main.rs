//! `renewal`: sets up and runs the server of Renewal Ledger, and makes the tokens with which
//! devices enroll.

mod ca;
mod config;
mod files;
mod init;
mod logging;
mod migrate;
mod output;
mod requests;
mod serve;
mod server_certificate;
mod setup;
mod sign;
mod tokens;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Runs the certificate renewal server, and manages who may enroll.
///
/// What the configuration file says can be set by environment variables too, which win:
/// `RENEWAL_STORE__URL` sets url of `[store]`, and so on.
///
/// Exit status: 0 done, 1 failed; of `sign` also 2 refused, 3 waits for approval.
#[derive(Debug, Parser)]
#[command(name = "renewal", version)]
struct Cli {
    /// Configuration file
    #[arg(long, global = true, default_value = "renewal.toml", value_name = "FILE", env = "RENEWAL_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a directory with a configuration, a certificate authority, a server certificate and a
    /// SQLite ledger
    Init(init::Args),
    /// Run the server until SIGTERM or SIGINT; SIGHUP loads the server certificate anew
    Serve(serve::Args),
    /// Make the tables of the ledger, or bring them up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Sign a request on a file: an enrollment, or with --current a renewal or recovery
    ///
    /// It works on the ledger of the configuration, whether a server runs on it or not. Exit status:
    /// 0 done, 2 refused (the reason is on standard error), 3 waits for approval, 1 failed.
    Sign(sign::Args),
    /// The certificate authority: look at it, or change to a new one
    #[command(subcommand)]
    Ca(ca::Command),
    /// Tokens with which devices enroll, each once
    #[command(subcommand)]
    EnrollToken(tokens::Command),
    /// Requests that wait for a person
    #[command(subcommand)]
    Requests(requests::Command),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration, load what it names, and say what is wrong
    Check,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let failed = error.use_stderr();
            return if error.print().is_err() || failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(status) => status,
        Err(error) => {
            output::failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Init(args) => init::run(&args).await,
            Command::Serve(args) => serve::run(&cli.config, &args).await,
            Command::Migrate => migrate::run(&cli.config).await,
            Command::Config(ConfigCommand::Check) => setup::check(&cli.config).await,
            Command::EnrollToken(command) => tokens::run(&cli.config, command).await,
            Command::Requests(command) => requests::run(&cli.config, command).await,
            Command::Ca(command) => ca::run(&cli.config, command),
            Command::Sign(args) => return sign::run(&cli.config, &args).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}
