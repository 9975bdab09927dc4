//! Files: read with an error that names them, written whole or not at all.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::output::note;

/// The most that is read of a file; a certificate or request is far smaller.
const MOST: u64 = 8 * 1024 * 1024;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everybody: 0644.
    Public,
    /// The owner alone: 0600.
    Secret,
}

/// Whether a file that is there is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is kept, and the writing fails.
    Keep,
    /// It is replaced.
    Replace,
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let problem = || format!("cannot read {}", path.display());
    let file = fs::File::open(path).with_context(problem)?;
    // Its size says nothing when it is a device or a pipe.
    let mut content = Vec::new();
    file.take(MOST + 1).read_to_end(&mut content).with_context(problem)?;
    if content.len() as u64 > MOST {
        bail!("{} has more than {MOST} bytes; no request or certificate is that large", path.display());
    }
    Ok(content)
}

/// Reads a file with a private key, and warns when others can read it too.
pub(crate) fn read_secret(path: &Path) -> Result<Vec<u8>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            note!(
                "warning: {} has mode {:04o}, so others can read this private key; run: chmod 600 {}",
                path.display(),
                mode & 0o7777,
                path.display()
            );
        }
    }
    read(path)
}

/// Refuses early what [`write()`] would refuse.
pub(crate) fn check_writable(path: &Path, existing: Existing) -> Result<()> {
    if existing == Existing::Keep && path.try_exists().unwrap_or(false) {
        bail!("{} exists already; use --force to replace it", path.display());
    }
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        bail!("cannot write {}: it is there, and is no file that could be replaced", path.display());
    }
    let directory = directory_of(path);
    if !directory.is_dir() {
        bail!("cannot write {}: there is no directory {}", path.display(), directory.display());
    }
    Ok(())
}

/// Writes a file: first beside its place under another name, then moved there.
pub(crate) fn write(path: &Path, content: &[u8], mode: Mode, existing: Existing) -> Result<()> {
    let problem = || format!("cannot write {}", path.display());
    let mut file =
        tempfile::Builder::new().prefix(".tmp-").tempfile_in(directory_of(path)).with_context(problem)?;
    file.write_all(content).with_context(problem)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let bits = if mode == Mode::Secret { 0o600 } else { 0o644 };
        file.as_file().set_permissions(fs::Permissions::from_mode(bits)).with_context(problem)?;
    }
    file.as_file().sync_all().with_context(problem)?;
    let moved = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already; use --force to replace it", path.display())
        }
        Err(error) => Err(error.error).with_context(problem),
    }
}

/// Waits until no other process has this lock, and holds it as long as the value lives.
pub(crate) fn lock(dir: &Path, name: &str) -> Result<fs::File> {
    let path = dir.join(name);
    let problem = || format!("cannot lock {}", path.display());
    let file = fs::File::create(&path).with_context(problem)?;
    file.lock().with_context(problem)?;
    Ok(file)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
