//! The temporary directory of a server, and the removal of those that a killed run left.

use super::launch::Account;
use std::env;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const PREFIX: &str = "renewal-server-";

/// Locked by its owner for as long as that lives.
const OWNER: &str = "owner";

/// Where files are kept in memory.
const MEMORY: &str = "/dev/shm";

/// What must be free there to use it: two servers take a sixth of a gigabyte before the first row.
const ENOUGH: u64 = 2 << 30;

/// A directory with `data` and `tmp`, which belong to the server's account. It is removed with
/// this value.
#[derive(Debug)]
pub(super) struct ServerDirectory {
    directory: TempDir,
    _owner: File,
}

impl ServerDirectory {
    pub(super) fn new(account: Option<Account>, durable: bool) -> io::Result<Self> {
        sweep(&env::temp_dir());
        sweep(Path::new(MEMORY));
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base(durable))?;
        let owner = File::create(directory.path().join(OWNER))?;
        owner.lock()?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        for name in ["data", "tmp"] {
            let path = directory.path().join(name);
            DirBuilder::new().create(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o700))?;
            if let Some(Account { user, group }) = account {
                chown(&path, Some(user), Some(group))?;
            }
        }
        Ok(Self { directory, _owner: owner })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Memory, which makes and drops databases several times as fast as a disk, unless the server is
/// to be durable, `TMPDIR` names a place, or there is little of it, as in many containers.
fn base(durable: bool) -> PathBuf {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |memory| memory.f_bavail * memory.f_frsize);
    if !durable && env::var_os("TMPDIR").is_none() && free >= ENOUGH {
        PathBuf::from(MEMORY)
    } else {
        env::temp_dir()
    }
}

/// Removes the directories of runs that were killed. What cannot be removed belongs to another.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether nobody holds the owner's lock, and it was not just about to be taken.
fn abandoned(directory: &Path) -> bool {
    let Ok(owner) = File::open(directory.join(OWNER)) else {
        return false;
    };
    let age = owner.metadata().and_then(|metadata| metadata.modified());
    let age = age.ok().and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > Duration::from_mins(1)) && owner.try_lock().is_ok()
}
