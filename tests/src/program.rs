//! The binaries of the workspace, as a user has them.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// The path of the binary `name` of this workspace, built in the profile of the running test when
/// that is due.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    let path = built.entry(name.to_owned());
    path.or_insert_with(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--message-format=json", "--workspace"])
        .args(["--bin", name, "--profile", &profile()])
        .arg("--manifest-path")
        .arg(workspace);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("cargo does not run: {error}"),
    };
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let ours = message["target"]["name"] == name;
        let executable = message["executable"].as_str()?;
        ours.then(|| PathBuf::from(executable))
    });
    match executable {
        Some(path) if output.status.success() => path,
        _ => panic!("cargo does not build {name}: {}\n{messages}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// The profile of the running program, from its path: `target/PROFILE/PROGRAM`, or
/// `target/PROFILE/deps/TEST`.
fn profile() -> String {
    let program = env::current_exe().unwrap_or_default();
    let directory = program.ancestors().skip(1).find(|directory| !directory.ends_with("deps"));
    match directory.and_then(Path::file_name).and_then(|name| name.to_str()) {
        None | Some("debug") => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}
