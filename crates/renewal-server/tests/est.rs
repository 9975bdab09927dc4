//! EST over real sockets: with a TLS client that does whatever a test wants, and with the programs
//! curl, OpenSSL and strongSwan's pki as they are.
//!
//! Tests of a program that is not installed are reported as ignored, each by name;
//! `RENEWAL_REQUIRE_BACKENDS=all` makes them fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "est/bodies.rs"]
mod bodies;
#[path = "est/client.rs"]
mod client;
#[path = "est/configuration.rs"]
mod configuration;
#[path = "est/connections.rs"]
mod connections;
#[path = "est/device.rs"]
mod device;
#[path = "est/enrollments.rs"]
mod enrollments;
#[path = "est/faults.rs"]
mod faults;
#[path = "est/logs.rs"]
mod logs;
#[path = "est/metrics.rs"]
mod metrics;
#[path = "est/operations.rs"]
mod operations;
#[path = "est/programs.rs"]
mod programs;
#[path = "est/renewals.rs"]
mod renewals;
#[path = "est/retention.rs"]
mod retention;
#[path = "est/revocation_lists.rs"]
mod revocation_lists;
#[path = "est/store.rs"]
mod store;
#[path = "est/trials.rs"]
mod trials;
#[path = "est/walkthrough.rs"]
mod walkthrough;
#[path = "est/world.rs"]
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = [
        configuration::trials(),
        logs::trials(),
        metrics::trials(),
        operations::trials(),
        enrollments::trials(),
        renewals::trials(),
        bodies::trials(),
        faults::trials(),
        connections::trials(),
        retention::trials(),
        revocation_lists::trials(),
        programs::trials(),
        walkthrough::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
