//! A few rounds on each database: the program as a person runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, ExitCode};

use tests::Context;

/// Two rounds: one takes about four seconds.
const ROUNDS: &str = "2";

fn main() -> ExitCode {
    tests::run(|backends| tests::trials!(backends, [a_few_rounds_break_no_promise]))
}

async fn a_few_rounds_break_no_promise(cx: Context) {
    let mut torture = Command::new(env!("CARGO_BIN_EXE_renewal-torture"));
    torture.args(["--verbose", "--rounds", ROUNDS, "--backend", cx.backend().name()]);
    let output = torture.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("| violations "), "{said}");
}
