//! Databases that write to the disk as in production.

use std::sync::Arc;

use tests::{Backend, Backends, Server, ServerOptions, TestDatabase};

/// A database on the disk. The server ends with it.
pub(crate) struct Durable {
    pub(crate) database: TestDatabase,
    /// The server; SQLite is part of this process.
    pub(crate) server: Option<Arc<Server>>,
}

impl Durable {
    /// A fresh one with all tables; for a server, a private one with its usual guarantees.
    pub(crate) async fn new(backends: &Backends, backend: Backend) -> Self {
        if backend == Backend::Sqlite {
            return Self { database: backends.fresh_database(backend).await, server: None };
        }
        let server = Backends::private_server(backend, ServerOptions { durable: true });
        Self { database: server.fresh_database().await, server: Some(server) }
    }

    /// What is measured is the disk, and not memory.
    pub(crate) fn says(&self) -> &'static str {
        if self.server.is_some() { "a private server with fsync" } else { "a file, synchronous=FULL" }
    }
}
