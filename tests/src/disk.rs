//! A disk that is small enough to be filled.

use std::io;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A disk in memory, unmounted with this value. Only the administrator may make one.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// A disk of this size, as `mount` spells it: `64m`.
    ///
    /// # Errors
    ///
    /// When it may not be mounted here.
    pub fn new(size: &str) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("renewal-disk-").tempdir()?;
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], directory.path())?;
        Ok(Self(directory))
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Gives it another size.
    ///
    /// # Errors
    ///
    /// When more than that is on it.
    pub fn resize(&self, size: &str) -> io::Result<()> {
        mount(&["-o", &format!("remount,size={size}")], self.path())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg("--lazy").arg(self.path()).status();
        if !ended.is_ok_and(|status| status.success()) {
            eprintln!("{} is left mounted", self.path().display());
        }
    }
}

fn mount(arguments: &[&str], directory: &Path) -> io::Result<()> {
    let output = Command::new("mount").args(arguments).arg(directory).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("a small disk cannot be mounted: {}", said.trim())))
}
