//! Counts the instructions of a renewal without I/O: whatever the machine is busy with, the count is the
//! same but for the random numbers of a signature.
//!
//! `cargo bench -p renewal-store-seaorm --bench instructions` runs itself under valgrind's callgrind,
//! once with few renewals and once with many, divides the difference by their number, and compares it
//! with the recorded count in `benches/instructions.txt`. It fails when there are far more. `-- --record`
//! writes the count down instead.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "support/renewing.rs"]
mod renewing;

use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode};

use csr_service::{Credential, CsrService, EnrollmentGrant, ProvenCertificate};
use rcgen::KeyPair;
use renewal_domain::DeviceName;
use renewing::{Authority, nothing, request_of, submit};

/// How many renewals there are in one run, and in the other.
const FEW: u32 = 20;
const MANY: u32 = 220;

/// How much more than the recorded count is a failure.
const TOLERANCE: f64 = 0.03;

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let outcome =
        match arguments.iter().map(String::as_str).filter(|it| *it != "--bench").collect::<Vec<_>>()[..] {
            ["--renewals", count] => count.parse().map(renew).map(|()| true).map_err(Into::into),
            ["--record"] => record(),
            [] => check(),
            _ => Err("the only arguments are --record, and --renewals N".into()),
        };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn record() -> Result<bool, Box<dyn Error>> {
    let count = count()?;
    fs::write(RECORD, format!("{count}\n"))?;
    println!("{count} instructions for each renewal: recorded");
    Ok(true)
}

fn check() -> Result<bool, Box<dyn Error>> {
    let recorded: u64 = fs::read_to_string(RECORD)?.trim().parse()?;
    let count = count()?;
    #[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
    let ratio = count as f64 / recorded as f64;
    println!("{count} instructions for each renewal, {ratio:.3} of the {recorded} that are recorded");
    if ratio > 1.0 + TOLERANCE {
        println!("MORE THAN BEFORE: find out why, or record it with `just bench-check --record`");
    }
    Ok(ratio <= 1.0 + TOLERANCE)
}

/// The instructions of one renewal.
fn count() -> Result<u64, Box<dyn Error>> {
    let (few, many) = (run(FEW)?, run(MANY)?);
    Ok((many - few) / u64::from(MANY - FEW))
}

/// The instructions of a run with so many renewals.
fn run(renewals: u32) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--renewals", &renewals.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not run ({error}): install it"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let Some((_, count)) = collected.filter(|_| output.status.success()) else {
        return Err(format!("valgrind counted nothing:\n{said}").into());
    };
    Ok(count.trim().parse()?)
}

/// A device renews so many times, over a store that keeps nothing.
fn renew(renewals: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let authority = Authority::new();
        let service = CsrService::builder(authority.issuer, authority.profile, nothing()).build();
        let request = request_of("device", &KeyPair::generate().expect("a key"));
        let name = DeviceName::new("device").expect("a name");
        let grant = Credential::Enrollment(EnrollmentGrant::for_device(name));
        let mut current = submit(&service, &request, grant).await;
        for _ in 0..renewals {
            let proven = ProvenCertificate::proven_by_tls_handshake(current);
            current = submit(&service, &request, Credential::Certificate(proven)).await;
        }
    });
}
