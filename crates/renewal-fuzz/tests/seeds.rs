//! The seeds of the fuzzers, asked what the fuzzers ask.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// Checks that everything holds for the seeds of a target, and that these at least are taken.
#[track_caller]
fn seeds(target: &str, holds: fn(&[u8]) -> bool, good: &[&str]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut taken = Vec::new();
    for seed in fs::read_dir(directory).unwrap() {
        let seed = seed.unwrap();
        let name = seed.file_name().into_string().unwrap();
        println!("{name}");
        if holds(&fs::read(seed.path()).unwrap()) {
            taken.push(name);
        }
    }
    for name in good {
        assert!(taken.iter().any(|it| it == name), "{name} is refused; taken are {taken:?}");
    }
}

#[test]
fn requests() {
    let good = ["p256", "p384", "ed25519", "rsa2048", "rsa2048-pss", "san", "long-name", "usual.pem"];
    seeds("csr", renewal_fuzz::csr, &good);
}

#[test]
fn certificates() {
    let good =
        ["by-p256", "by-p384", "by-ed25519", "by-rsa2048", "by-p256.pem", "expired", "any-usage", "policies"];
    seeds("certificate", renewal_fuzz::certificate, &good);
}

#[test]
fn names() {
    seeds("names", renewal_fuzz::names, &["plain", "patterns", "two-labels", "segment"]);
}

#[test]
fn bodies() {
    seeds("est_body", renewal_fuzz::est_body, &["p256", "wrapped", "wrapped-crlf", "tabs", "around"]);
}

#[test]
fn cursors() {
    seeds("cursor", renewal_fuzz::cursor, &["zeros", "ones", "upper-case", "event", "certificate"]);
}

#[test]
fn configurations() {
    seeds("config", renewal_fuzz::config, &["init.toml", "least.toml"]);
}
