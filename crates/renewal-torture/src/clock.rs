//! The clock that a server sees, which can be stepped while it runs.
//!
//! libfaketime stands between the program and the clock of the system, and reads from a file how
//! far they differ. Only the time of day is stepped: time-outs keep to the monotonic clock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the system keeps shared memory.
const SHARED: &str = "/dev/shm";

/// Where Debian has the library.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

/// A clock that can be stepped.
#[derive(Debug)]
pub(crate) struct SteppedClock {
    library: &'static str,
    file: PathBuf,
}

impl SteppedClock {
    /// A clock that agrees with the system's, kept in a file; none where libfaketime is not
    /// installed.
    pub(crate) fn new(file: PathBuf) -> io::Result<Option<Self>> {
        let Some(library) = library() else { return Ok(None) };
        let clock = Self { library, file };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// Sets it so many seconds ahead of the system's.
    pub(crate) fn set(&self, ahead: i64) -> io::Result<()> {
        // Never read when it is half written.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}\n"))?;
        fs::rename(new, &self.file)
    }

    /// Has a command live by it.
    pub(crate) fn rule(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library);
        command.env("FAKETIME_TIMESTAMP_FILE", &self.file).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
    }
}

impl Drop for SteppedClock {
    /// Removes what libfaketime keeps in shared memory for a process, and leaves there when that is
    /// killed.
    fn drop(&mut self) {
        for entry in fs::read_dir(SHARED).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let process = name.to_str().and_then(|name| {
                name.strip_prefix("faketime_shm_").or_else(|| name.strip_prefix("sem.faketime_sem_"))
            });
            if let Some(process) = process
                && process.bytes().all(|octet| octet.is_ascii_digit())
                && !Path::new("/proc").join(process).exists()
            {
                // Another run may have been faster.
                let _gone = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether there are such clocks here.
pub(crate) fn can_be_stepped() -> bool {
    library().is_some()
}

fn library() -> Option<&'static str> {
    LIBRARIES.into_iter().find(|library| Path::new(library).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_sees_the_clock_that_it_is_given() {
        let directory = tempfile::tempdir().unwrap();
        let Some(clock) = SteppedClock::new(directory.path().join("clock")).unwrap() else {
            eprintln!("libfaketime not found");
            return;
        };
        let seconds = || -> i64 {
            let mut date = Command::new("date");
            clock.rule(&mut date);
            let said = date.arg("+%s").output().unwrap().stdout;
            String::from_utf8(said).unwrap().trim().parse().unwrap()
        };
        let before = seconds();
        clock.set(-86_400).unwrap();
        assert!((before - 86_400..before - 86_300).contains(&seconds()));
    }
}
