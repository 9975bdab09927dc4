//! The program `renewal`.

use std::process::ExitCode;

fn main() -> ExitCode {
    renewal_cli::main()
}
