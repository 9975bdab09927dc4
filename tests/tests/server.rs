//! The program `renewal`, as an operator runs it and devices use it: real processes, real sockets,
//! on each database.
//!
//! Devices are the programs `curl` and `openssl`; where many are needed, or one that stops in the
//! middle of a request, a TLS client of the tests. Where one of the programs is not installed,
//! every test is reported as ignored; `RENEWAL_REQUIRE_BACKENDS=all` makes them fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "server/approvals.rs"]
mod approvals;
#[path = "server/authorities.rs"]
mod authorities;
#[path = "server/bootstrap.rs"]
mod bootstrap;
#[path = "server/configuration.rs"]
mod configuration;
#[path = "server/crashes.rs"]
mod crashes;
#[path = "server/curl.rs"]
mod curl;
#[path = "server/device.rs"]
mod device;
#[path = "server/enrollment_tokens.rs"]
mod enrollment_tokens;
#[path = "server/fleet.rs"]
mod fleet;
#[path = "server/init.rs"]
mod init;
#[path = "server/ledger.rs"]
mod ledger;
#[path = "server/load.rs"]
mod load;
#[path = "server/offline.rs"]
mod offline;
#[path = "server/operators.rs"]
mod operators;
#[path = "server/organisations.rs"]
mod organisations;
#[path = "server/renewals.rs"]
mod renewals;
#[path = "server/retention.rs"]
mod retention;
#[path = "server/serving.rs"]
mod serving;
#[path = "server/signals.rs"]
mod signals;
#[path = "server/site.rs"]
mod site;
#[path = "server/starting.rs"]
mod starting;
#[path = "server/two_servers.rs"]
mod two_servers;
#[expect(dead_code, reason = "other tests want more kinds of keys")]
#[path = "openssl/workshop.rs"]
mod workshop;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::run(|backends| {
        let trials = [
            renewals::trials(backends),
            approvals::trials(backends),
            enrollment_tokens::trials(backends),
            bootstrap::trials(backends),
            operators::trials(backends),
            organisations::trials(backends),
            init::trials(backends),
            authorities::trials(backends),
            offline::trials(backends),
            configuration::trials(backends),
            starting::trials(backends),
            signals::trials(backends),
            crashes::trials(backends),
            two_servers::trials(backends),
            load::trials(backends),
            retention::trials(backends),
        ];
        curl::with_curl(workshop::with_openssl(trials.into_iter().flatten().collect()))
    })
}
