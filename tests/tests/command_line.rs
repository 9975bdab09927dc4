//! The program `csr-signing`, as a user runs it: its output, its files, its exit status.
//!
//! The devices' keys and requests are made by the program `openssl`; where it is not installed,
//! every test is reported as ignored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command_line/authorities.rs"]
mod authorities;
#[path = "command_line/decisions.rs"]
mod decisions;
#[path = "command_line/demonstration.rs"]
mod demonstration;
#[path = "command_line/desk.rs"]
mod desk;
#[path = "command_line/history.rs"]
mod history;
#[path = "command_line/ledgers.rs"]
mod ledgers;
#[path = "command_line/outputs.rs"]
mod outputs;
#[path = "command_line/refusals.rs"]
mod refusals;
#[path = "command_line/signing.rs"]
mod signing;
#[path = "openssl/workshop.rs"]
mod workshop;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::run(|backends| {
        let mut trials = Vec::new();
        trials.extend(demonstration::trials(backends));
        trials.extend(signing::trials(backends));
        trials.extend(refusals::trials(backends));
        trials.extend(decisions::trials(backends));
        trials.extend(history::trials(backends));
        trials.extend(outputs::trials(backends));
        trials.extend(authorities::trials(backends));
        trials.extend(ledgers::trials(backends));
        workshop::with_openssl(trials)
    })
}
