//! A database of one test, dropped behind it.

use crate::backend::Backend;
use crate::server::Server;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A database that nobody else uses. It is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    backend: Backend,
    url: String,
    place: Place,
}

/// Where the database is.
#[derive(Debug)]
enum Place {
    File(TempDir),
    Server { server: Arc<Server>, name: String },
}

impl TestDatabase {
    pub(crate) async fn sqlite(migrated: bool) -> Self {
        let directory = match tempfile::Builder::new().prefix("renewal-sqlite-").tempdir() {
            Ok(directory) => directory,
            Err(error) => panic!("no temporary directory: {error}"),
        };
        let url = format!("sqlite://{}?mode=rwc", directory.path().join("ledger.db").display());
        if migrated {
            migrate(&url).await;
        }
        Self { backend: Backend::Sqlite, url, place: Place::File(directory) }
    }

    pub(crate) fn on_server(server: Arc<Server>, name: String) -> Self {
        let url = server.url(&name);
        Self { backend: server.backend(), url, place: Place::Server { server, name } }
    }

    /// What database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The URL to connect with, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The SQLite file; none on a server.
    #[must_use]
    pub fn file(&self) -> Option<std::path::PathBuf> {
        match &self.place {
            Place::File(directory) => Some(directory.path().join("ledger.db")),
            Place::Server { .. } => None,
        }
    }

    /// The directory of the SQLite file; none on a server.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::File(directory) => Some(directory.path()),
            Place::Server { .. } => None,
        }
    }

    /// The server that it is on; none for SQLite.
    #[must_use]
    pub fn server(&self) -> Option<&Arc<Server>> {
        match &self.place {
            Place::File(_) => None,
            Place::Server { server, .. } => Some(server),
        }
    }

    /// A pool of plain SeaORM connections, to look at what was stored.
    ///
    /// # Panics
    ///
    /// When the database cannot be reached.
    pub async fn connect(&self) -> DatabaseConnection {
        connect(&self.url, 4).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server { server, name } = &self.place {
            server.drop_database(name);
        }
    }
}

/// Connects with at most `connections`.
pub(crate) async fn connect(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).sqlx_logging(false);
    match Database::connect(options).await {
        Ok(db) => db,
        Err(error) => panic!("a test database cannot be reached: {error}"),
    }
}

/// Brings the database at `url` up to date.
pub(crate) async fn migrate(url: &str) {
    let db = connect(url, 1).await;
    let migrated = migration::apply(&db).await;
    let closed = db.close().await;
    if let Err(error) = migrated.map(drop).and(closed) {
        panic!("a test database cannot be migrated: {error}");
    }
}
