//! OpenSSL and the service: every request it can make, every certificate it can present, and what
//! it says about the certificates that were signed.
//!
//! Each test makes its keys, requests and certificates with the program `openssl`; what that
//! refuses to write is put together octet by octet and signed by it. Where it is not installed,
//! every test is reported as ignored; `RENEWAL_REQUIRE_BACKENDS=all` makes them fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "openssl/authorisations.rs"]
mod authorisations;
#[path = "openssl/case.rs"]
mod case;
#[path = "openssl/certificates.rs"]
mod certificates;
#[path = "openssl/checks.rs"]
mod checks;
#[path = "openssl/contents.rs"]
mod contents;
#[path = "openssl/coverage.rs"]
mod coverage;
#[path = "openssl/damaged.rs"]
mod damaged;
#[path = "openssl/draft.rs"]
mod draft;
#[path = "openssl/encodings.rs"]
mod encodings;
#[path = "openssl/keys.rs"]
mod keys;
#[path = "openssl/name_constraints.rs"]
mod name_constraints;
#[path = "openssl/names.rs"]
mod names;
#[path = "openssl/signed.rs"]
mod signed;
#[path = "openssl/workshop.rs"]
mod workshop;
#[path = "openssl/world.rs"]
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    trials.extend(signed::trials());
    trials.extend(case::trials());
    trials.extend(authorisations::trials());
    trials.extend(damaged::trials());
    trials.push(Trial::test("every_reason_has_a_test", || {
        coverage::every_reason_has_a_test();
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), workshop::with_openssl(trials)).exit_code()
}
