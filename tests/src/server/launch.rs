//! Starting a server under an account without rights, so that it cannot outlive us.
//!
//! `setpriv` gives up root, which PostgreSQL refuses.

use super::engine::CommandLine;
use crate::child;
use std::fs::{self, File};
use std::io;
use std::process::{Child, Command, Stdio};

/// An account of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// The account to run a server under: `preferred`, or one without rights. None when we are not
/// root, and run it as what we are.
pub(super) fn account(preferred: &str) -> io::Result<Option<Account>> {
    if !is_root() {
        return Ok(None);
    }
    let known = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        known.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next()? == name;
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            found.then_some(Account { user, group })
        })
    };
    let account = find(preferred).or_else(|| find("nobody"));
    account.map(Some).ok_or_else(|| io::Error::other("no account to run a server under"))
}

/// Says why no server can be started here, if none can.
pub(super) fn possible() -> Result<(), String> {
    if is_root() && !child::has_setpriv() {
        return Err("setpriv not found, which root needs to run a server".to_owned());
    }
    Ok(())
}

/// Starts a command under `account`, with its output in `log`. It gets the signal
/// `when_orphaned` when this program ends, however that comes about.
pub(super) fn launch(
    line: CommandLine,
    account: Option<Account>,
    when_orphaned: &'static str,
    log: &File,
) -> io::Result<Child> {
    let mut full = child::mortal(when_orphaned);
    if let (false, Some(Account { user, group })) = (full.is_empty(), account) {
        full.push(format!("--reuid={user}").into());
        full.push(format!("--regid={group}").into());
        full.push("--clear-groups".into());
    }
    full.extend(line);
    let mut words = full.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    command.current_dir("/");
    child::spawn(command)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
