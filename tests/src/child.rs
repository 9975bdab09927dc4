//! Child processes that do not outlive this program, however it ends.
//!
//! `setpriv` asks the kernel to end a child when the thread that started it ends. That is why one
//! thread, which lives as long as the program, starts them all.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{LazyLock, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

static STARTER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || jobs.into_iter().for_each(|job| job()));
    sender
});

/// Starts a command on the thread that lives as long as the program.
///
/// # Errors
///
/// When it cannot be started.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    let (sender, started) = mpsc::channel();
    let job = move || {
        // Whoever asked is still waiting, or has died of something worse.
        let _ = sender.send(command.spawn());
    };
    let gone = || io::Error::other("the thread that starts processes has ended");
    STARTER.send(Box::new(job)).map_err(|_| gone())?;
    started.recv().map_err(|_| gone())?
}

/// The words before a command that has the kernel end it with this program; none where `setpriv`
/// is not installed.
pub(crate) fn mortal(signal: &str) -> Vec<OsString> {
    if has_setpriv() { vec!["setpriv".into(), format!("--pdeathsig={signal}").into()] } else { Vec::new() }
}

/// Whether `setpriv` is installed.
pub(crate) fn has_setpriv() -> bool {
    find(&["setpriv"], Vec::new()).is_ok()
}

/// The directory among `PATH` and `others` that holds all of `programs`.
pub(crate) fn find(programs: &[&str], others: Vec<PathBuf>) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let holds_all = |directory: &PathBuf| programs.iter().all(|name| directory.join(name).is_file());
    env::split_paths(&path)
        .chain(others)
        .find(holds_all)
        .ok_or_else(|| format!("{} not found", programs.join(" and ")))
}
