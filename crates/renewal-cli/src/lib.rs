//! `renewal`: sets up and runs the server of Renewal Ledger, and asks it what happened.

mod api;
mod authentication_key;
mod ca;
mod command_line;
mod config;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod init;
mod logging;
mod manual;
mod migrate;
mod open_files;
mod output;
mod printer;
mod prune;
mod reasons;
mod renamed;
mod secret;
mod serve;
mod server_certificate;
mod setup;
mod sign;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use api::Globals;
use printer::Format;

/// Runs the certificate renewal server, and tells what happened to which device's certificate.
///
/// What the configuration file says can be set by environment variables too, which win:
/// `RENEWAL_STORE__URL` sets url of `[store]`, and so on. Flags win over both.
///
/// Which server a command talks to is said by the first of these that is there: --server, --context
/// or --config; `RENEWAL_SERVER` or `RENEWAL_CONFIG`; the current saved context; `renewal.toml` in
/// this directory. A saved context has its token, and a configuration that in `operator.token` beside
/// it; for other servers give --token-file, or set `RENEWAL_TOKEN`.
///
/// Exit status: 0 done, 1 failed, 2 not understood; of `sign` 2 refused, 3 waits for approval.
#[derive(Debug, Parser)]
#[command(name = "renewal", version)]
struct Cli {
    /// Configuration of the server, else that of `RENEWAL_CONFIG`, else renewal.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print what the server says
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
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
    /// Remove old history from the ledger: attempts, and certificates that expired
    ///
    /// It works on the ledger of the configuration, whether a server runs on it or not. The last success
    /// of each device, its current certificate, attempts without an end and what is on a revocation
    /// list stay. It can be stopped at any moment, and goes on when it is run again.
    Prune(prune::Args),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The keys that authenticate tokens and pending requests in the ledger
    #[command(subcommand)]
    AuthenticationKey(authentication_key::Command),
    /// Sign a request on a file: an enrollment, or with --current a renewal or recovery
    ///
    /// It works on the ledger of the configuration, whether a server runs on it or not, which records that
    /// you vouch for the requester. An enrollment may have the names that the profile permits, and those
    /// that --san and --subject grant. Exit status: 0 done, 2 refused (the reason is on standard error), 3 waits for approval, 1 failed.
    Sign(sign::Args),
    /// The certificate authority: look at it, or change to a new one
    #[command(subcommand)]
    Ca(ca::Command),
    #[command(flatten)]
    Api(api::Command),
    /// Print every reason why a request is refused or an attempt fails, with what to do about it
    Reasons(reasons::Args),
    /// Print what a shell needs to complete this command
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one of every command
    Man {
        /// Directory to write them into
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration, load what it names, and say what is wrong
    Check,
}

/// The program: does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let error = renamed::explained(error, Cli::command());
            let failed = error.use_stderr();
            return match error.print() {
                Ok(()) if !failed => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            };
        }
    };
    match run(cli) {
        Ok(status) => status,
        Err(error) if output::unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let named = cli.config.as_deref();
    let config = config::file(named);
    let config: &Path = &config;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Init(args) => init::run(&args).await,
            Command::Serve(args) => serve::run(config, args).await,
            Command::Migrate => migrate::run(config).await,
            Command::Prune(args) => prune::run(config, cli.output, &args).await,
            Command::Config(ConfigCommand::Check) => setup::check(config).await,
            Command::Api(command) => api::run(command, Globals { format: cli.output, config: named }).await,
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { dir } => manual::man(dir.as_deref()),
            Command::Ca(command) => ca::run(config, command).await,
            Command::AuthenticationKey(command) => authentication_key::run(config, command).await,
            Command::Reasons(args) => reasons::run(cli.output, &args),
            Command::Sign(args) => return sign::run(config, &args).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod offline_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
