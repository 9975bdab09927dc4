//! Files: read with an error that names them, written whole or not at all, never replaced.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everybody: 0644.
    Public,
    /// The owner alone: 0600.
    Secret,
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a file with a private key, and warns when others can read it too.
pub(crate) fn read_secret(path: &Path) -> Result<Vec<u8>> {
    warn_of_readers(path);
    read(path)
}

/// Warns when others can read a file with a private key. One that is not there is for its reader
/// to miss.
pub(crate) fn warn_of_readers(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            tracing::warn!(file = %path.display(), mode = format!("{mode:04o}"),
                "others can read this private key; run chmod 600 on it");
        }
    }
}

/// Writes a new file: first under another name, then moved to its place, which must be free.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: Mode) -> Result<()> {
    let problem = || format!("cannot write {}", path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory).with_context(problem)?;
    file.write_all(content).with_context(problem)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let bits = if mode == Mode::Secret { 0o600 } else { 0o644 };
        let permissions = std::fs::Permissions::from_mode(bits);
        file.as_file().set_permissions(permissions).with_context(problem)?;
    }
    file.as_file().sync_all().with_context(problem)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already and is not replaced", path.display())
        }
        Err(error) => Err(error.error).with_context(problem),
    }
}
