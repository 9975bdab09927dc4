//! Where the ledgers of a backend are kept: a server or a disk of our own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tests::{Backend, Backends, Server, ServerOptions, SmallDisk, TestDatabase};

use crate::workspace::Workspace;

/// How large the disk of SQLite ledgers is.
const DISK: &str = "96m";

/// A database server, or a disk.
#[derive(Debug)]
pub(crate) enum Environment {
    Server(Arc<Server>),
    SmallDisk(SmallDisk),
    /// Where no small disk may be mounted.
    Directory(TempDir),
}

impl Environment {
    /// A private server, or a small disk where one may be made.
    pub(crate) fn of(backend: Backend) -> Result<Self> {
        Ok(match backend {
            Backend::Sqlite => match SmallDisk::new(DISK) {
                Ok(disk) => Self::SmallDisk(disk),
                Err(_) => Self::Directory(tempfile::tempdir()?),
            },
            server => Self::Server(Backends::private_server(server, ServerOptions::default())),
        })
    }

    /// The server, if it is one.
    pub(crate) fn server(&self) -> Option<&Arc<Server>> {
        match self {
            Self::Server(server) => Some(server),
            Self::SmallDisk(_) | Self::Directory(_) => None,
        }
    }

    /// The disk, if there is one that can be filled.
    pub(crate) fn disk(&self) -> Option<&SmallDisk> {
        match self {
            Self::SmallDisk(disk) => Some(disk),
            Self::Server(_) | Self::Directory(_) => None,
        }
    }

    /// A new ledger, with its tables.
    pub(crate) async fn ledger(&self, workspace: &Workspace, round: u32) -> Result<Ledger> {
        let directory = match self {
            Self::Server(server) => return Ok(Ledger::OnServer(server.fresh_database().await)),
            Self::SmallDisk(disk) => disk.path(),
            Self::Directory(directory) => directory.path(),
        };
        let directory = directory.join(format!("round-{round}"));
        fs::create_dir(&directory)?;
        let ledger = Ledger::File(directory);
        workspace.migrate(&ledger.url())?;
        Ok(ledger)
    }
}

/// The database of one round. It goes with this value.
#[derive(Debug)]
pub(crate) enum Ledger {
    OnServer(TestDatabase),
    /// The directory of a SQLite file.
    File(PathBuf),
}

impl Ledger {
    /// Its URL.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::OnServer(database) => database.url().to_owned(),
            Self::File(directory) => format!("sqlite://{}", directory.join("ledger.db").display()),
        }
    }

    /// What database it is.
    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::OnServer(database) => database.backend(),
            Self::File(_) => Backend::Sqlite,
        }
    }

    /// Where its server listens, if it has one.
    pub(crate) fn address(&self) -> Result<Option<SocketAddr>> {
        let Self::OnServer(database) = self else { return Ok(None) };
        let (_, rest) = database.url().rsplit_once('@').context("a URL without an account")?;
        let (address, _) = rest.split_once('/').context("a URL without a path")?;
        Ok(Some(address.parse()?))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Self::File(directory) = self
            && let Err(error) = fs::remove_dir_all(&directory)
        {
            eprintln!("{} is left behind: {error}", directory.display());
        }
    }
}

/// Takes all the room of a disk until it is dropped.
#[derive(Debug)]
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    /// Fills the disk, unless it is filled already.
    pub(crate) fn on(disk: &SmallDisk) -> io::Result<Self> {
        let path = disk.path().join("ballast");
        let mut file = File::create_new(&path)?;
        let ballast = Self(path);
        for size in [1 << 20, 4096] {
            let block = vec![0; size];
            loop {
                match file.write_all(&block) {
                    Ok(()) => (),
                    Err(full) if full.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(ballast)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}
