//! Counts the instructions of a renewal without I/O: whatever the machine is busy with, the count is the
//! same but for the random numbers of a signature. Counted are the service alone, and the service behind
//! EST without sockets and TLS.
//!
//! `cargo bench -p renewal-server --features fuzzing --bench instructions` runs itself under valgrind's
//! callgrind, for each path once with few renewals and once with many, divides the difference by their
//! number, and compares it with the recorded count in `benches/instructions.txt`. It fails when there are
//! far more. `-- --record` writes the counts down instead.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "../../renewal-store-seaorm/benches/support/renewing.rs"]
mod renewing;

use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::CertificateChoices;
use cms::cert::x509::der::{Decode, Encode};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use csr_service::{Credential, CsrService, EnrollmentGrant, ProvenCertificate};
use rcgen::KeyPair;
use renewal_domain::DeviceName;
use renewal_server::fuzzing::Directly;
use renewal_server::{AttemptLimits, Est, Limits};
use renewing::{Authority, ORG, nothing, request_of, submit};

/// How many renewals there are in one run, and in the other.
const FEW: u32 = 20;
const MANY: u32 = 220;

/// How much more than the recorded count is a failure.
const TOLERANCE: f64 = 0.03;

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// What is counted, by its name in the record.
const PATHS: [&str; 2] = ["service", "est"];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["--renewals", count, path] => count.parse().map(|count| renew(count, path)).map_err(Into::into),
        ["--record"] => record(),
        [] => check(),
        _ => Err("the only arguments are --record, and --renewals N PATH".into()),
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
    let mut lines = Vec::new();
    for path in PATHS {
        let count = count(path)?;
        println!("{path}: {count} instructions for each renewal: recorded");
        lines.push(format!("{path} {count}\n"));
    }
    fs::write(RECORD, lines.concat())?;
    Ok(true)
}

fn check() -> Result<bool, Box<dyn Error>> {
    let mut fits = true;
    for (path, line) in PATHS.into_iter().zip(fs::read_to_string(RECORD)?.lines()) {
        let (_, recorded) = line.split_once(' ').ok_or("the record has a path and a count a line")?;
        let (count, recorded): (u64, u64) = (count(path)?, recorded.parse()?);
        #[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
        let ratio = count as f64 / recorded as f64;
        println!(
            "{path}: {count} instructions for each renewal, {ratio:.3} of the {recorded} that are recorded"
        );
        fits &= ratio <= 1.0 + TOLERANCE;
    }
    if !fits {
        println!("MORE THAN BEFORE: find out why, or record it with `just bench-check --record`");
    }
    Ok(fits)
}

/// The instructions of one renewal.
fn count(path: &str) -> Result<u64, Box<dyn Error>> {
    let (few, many) = (run(FEW, path)?, run(MANY, path)?);
    Ok((many - few) / u64::from(MANY - FEW))
}

/// The instructions of a run with so many renewals.
fn run(renewals: u32, path: &str) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--renewals", &renewals.to_string(), path])
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
fn renew(renewals: u32, path: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let authority = Authority::new();
        let service = CsrService::builder(authority.issuer, authority.profile, nothing()).build();
        let request = request_of("device", &KeyPair::generate().expect("a key"));
        let name = DeviceName::new("device").expect("a name");
        let grant = Credential::Enrollment(EnrollmentGrant::for_device(name));
        let mut current = submit(&service, &request, grant).await;
        if path == "service" {
            for _ in 0..renewals {
                let proven = ProvenCertificate::proven_by_tls_handshake(current);
                current = submit(&service, &request, Credential::Certificate(proven)).await;
            }
        } else {
            let limits = AttemptLimits { per_device: u32::MAX, ..AttemptLimits::default() };
            let est = Est::builder(service, ORG).attempt_limits(limits).build().expect("EST");
            let est = Directly::new(est, Limits::default());
            for _ in 0..renewals {
                current = reenroll(&est, current, &request).await;
            }
        }
    });
    true
}

/// A `simplereenroll` over a connection of its own.
async fn reenroll(est: &Directly, current: Vec<u8>, request: &[u8]) -> Vec<u8> {
    let request = Request::post("/.well-known/est/simplereenroll")
        .header("content-type", "application/pkcs10")
        .body(Body::from(STANDARD.encode(request)))
        .expect("a request");
    let (head, body) = est.answer_to(current, request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    assert_eq!(head.status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let der = STANDARD.decode(body.trim_ascii()).expect("base64");
    let message = ContentInfo::from_der(&der).expect("CMS").content.decode_as::<SignedData>();
    let certificates = message.expect("signed data").certificates.expect("certificates");
    let Some(CertificateChoices::Certificate(certificate)) = certificates.0.get(0) else {
        panic!("no certificate")
    };
    certificate.to_der().expect("a certificate")
}
