//! The operators' HTTP API over real sockets.
//!
//! Tests of a program that is not installed are reported as ignored, each by name;
//! `RENEWAL_REQUIRE_BACKENDS=all` makes them fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/access.rs"]
mod access;
#[path = "api/actions.rs"]
mod actions;
#[path = "api/api_tokens.rs"]
mod api_tokens;
#[path = "api/blocks.rs"]
mod blocks;
#[path = "api/client.rs"]
mod client;
#[path = "api/conventions.rs"]
mod conventions;
#[path = "api/description.rs"]
mod description;
#[path = "api/device_lookup.rs"]
mod device_lookup;
#[path = "api/enrollment_tokens.rs"]
mod enrollment_tokens;
#[path = "api/fleet.rs"]
mod fleet;
#[path = "api/foreign.rs"]
mod foreign;
#[path = "api/health.rs"]
mod health;
#[path = "api/history.rs"]
mod history;
#[path = "api/requests.rs"]
mod requests;
#[path = "api/revocations.rs"]
mod revocations;
#[path = "api/roles.rs"]
mod roles;
#[path = "est/store.rs"]
mod store;
#[path = "est/trials.rs"]
mod trials;
#[path = "api/walkthrough.rs"]
mod walkthrough;
#[path = "api/world.rs"]
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = [
        access::trials(),
        roles::trials(),
        actions::trials(),
        blocks::trials(),
        device_lookup::trials(),
        revocations::trials(),
        conventions::trials(),
        history::trials(),
        fleet::trials(),
        requests::trials(),
        enrollment_tokens::trials(),
        api_tokens::trials(),
        health::trials(),
        description::trials(),
        walkthrough::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
