//! The `migration` program: brings a database of the renewal ledger up to date.
//!
//! `cargo run -p migration` with `DATABASE_URL` set applies all that is pending. The commands are
//! those of SeaORM's own migration program, under the lock of the library.

mod command_line;
mod commands;
mod explain;
mod target;

use clap::Parser;
use command_line::CommandLine;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(usage) => {
            // There is nowhere left to complain when even this cannot be printed.
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    if command_line.verbose {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_writer(std::io::stderr)
            .init();
    }
    match commands::run(command_line).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
