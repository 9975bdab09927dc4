//! Servers that databases are made on: private ones, started here, or one from the environment.

mod directory;
mod engine;
mod launch;
mod mariadb;
mod postgres;
mod process;

use crate::backend::Backend;
use crate::database::{TestDatabase, connect, migrate};
use crate::usage;
use engine::Engine;
use process::Process;
use sea_orm::{ConnectionTrait, DbErr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How a private server runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerOptions {
    /// Whether a commit survives the end of the machine. Off by default, for speed. It survives a
    /// killed server either way.
    pub durable: bool,
}

/// A PostgreSQL or MariaDB server. A private one ends, and its directory goes, with this value.
#[derive(Debug)]
pub struct Server {
    backend: Backend,
    source: Source,
    /// PostgreSQL: the migrated database that fresh ones are copied from.
    template: OnceCell<String>,
}

#[derive(Debug)]
enum Source {
    External { url: String },
    Private(Box<Process>),
}

/// Says why no private server of this kind can be started here, if none can.
pub(crate) fn installed(backend: Backend) -> Result<(), String> {
    match backend {
        Backend::Sqlite => Ok(()),
        server => engine(server).map(drop),
    }
}

fn engine(backend: Backend) -> Result<Box<dyn Engine>, String> {
    launch::possible()?;
    match backend {
        Backend::Sqlite => Err("SQLite has no server".to_owned()),
        Backend::Postgres => Ok(Box::new(postgres::Postgres::find()?)),
        Backend::MariaDb => Ok(Box::new(mariadb::MariaDb::find()?)),
    }
}

impl Server {
    /// Starts a private server, and returns when it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start; what it logged last is in the text.
    pub fn start(backend: Backend, options: ServerOptions) -> Result<Self, String> {
        let process = Process::start(engine(backend)?, options.durable)?;
        let source = Source::Private(Box::new(process));
        Ok(Self { backend, source, template: OnceCell::new() })
    }

    pub(crate) fn external(backend: Backend, url: String) -> Self {
        Self { backend, source: Source::External { url }, template: OnceCell::new() }
    }

    /// What server this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The URL of a database on it, password included.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        match &self.source {
            Source::External { url } => with_database(url, database),
            Source::Private(process) => process.url(database),
        }
    }

    /// A database of its own for the caller, with all migrations applied.
    ///
    /// # Panics
    ///
    /// When the server does not answer or refuses.
    pub async fn fresh_database(self: &Arc<Self>) -> TestDatabase {
        // Copying a database is cheaper than migrating one on PostgreSQL, and MariaDB cannot copy.
        if self.backend == Backend::Postgres {
            let template = self.template.get_or_init(|| self.migrated_template()).await;
            return self.create(&format!(" TEMPLATE {template}")).await;
        }
        let database = self.create("").await;
        migrate(database.url()).await;
        database
    }

    /// A database of its own for the caller, without a table.
    ///
    /// # Panics
    ///
    /// When the server does not answer or refuses.
    pub async fn empty_database(self: &Arc<Self>) -> TestDatabase {
        self.create("").await
    }

    /// Ends the server in good order. Its port and data stay, for [`Server::restart`].
    ///
    /// # Panics
    ///
    /// When the server is not a private one; so do the four below.
    pub fn stop(&self) {
        self.process().stop();
    }

    /// Ends the server at once, without a word to its clients, as a crash does.
    ///
    /// # Panics
    ///
    /// When the server is not a private one.
    pub fn kill(&self) {
        self.process().kill();
    }

    /// Starts the server again, on the same port and data, and returns when it answers. Stops it
    /// before when it runs.
    ///
    /// # Panics
    ///
    /// When it does not start, or is not a private one.
    pub fn restart(&self) {
        if let Err(reason) = self.process().restart() {
            panic!("{} does not start again: {reason}", self.backend);
        }
    }

    /// Halts the server: its connections stay open and nothing answers, as behind a network that
    /// drops everything.
    ///
    /// # Panics
    ///
    /// When the server is not a private one.
    pub fn freeze(&self) {
        self.process().freeze();
    }

    /// Ends [`Server::freeze`].
    ///
    /// # Panics
    ///
    /// When the server is not a private one.
    pub fn thaw(&self) {
        self.process().thaw();
    }

    /// The CPU time that the server has used with all its processes.
    ///
    /// # Panics
    ///
    /// When the server is not a private one.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.process().id().map(usage::cpu_of_family).unwrap_or_default()
    }

    /// Ends a private server and removes its directory; on another one, removes the template.
    pub(crate) fn remove(&self) {
        match &self.source {
            Source::Private(process) => process.remove(),
            Source::External { .. } => {
                if let Some(template) = self.template.get() {
                    self.drop_database(template);
                }
            }
        }
    }

    /// Drops a database, from wherever the caller is: it may be unwinding, or inside a runtime.
    pub(crate) fn drop_database(&self, name: &str) {
        if let Source::Private(process) = &self.source
            && !process.answers()
        {
            // The database goes with the directory of the server.
            return;
        }
        let force = match self.backend {
            Backend::Postgres => " WITH (FORCE)",
            Backend::Sqlite | Backend::MariaDb => "",
        };
        let sql = format!("DROP DATABASE IF EXISTS {name}{force}");
        let dropped = thread::scope(|scope| {
            let dropping = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                runtime.block_on(self.execute(&sql)).map_err(|error| error.to_string())
            });
            dropping.join().unwrap_or_else(|_| Err("the server does not answer".to_owned()))
        });
        if let Err(error) = dropped {
            eprintln!("the database {name} is left behind on {}: {error}", self.backend);
        }
    }

    async fn migrated_template(&self) -> String {
        let name = unique_name();
        if let Err(error) = self.execute(&format!("CREATE DATABASE {name}")).await {
            panic!("no template on {}: {error}", self.backend);
        }
        migrate(&self.url(&name)).await;
        name
    }

    async fn create(self: &Arc<Self>, how: &str) -> TestDatabase {
        let name = unique_name();
        if let Err(error) = self.execute(&format!("CREATE DATABASE {name}{how}")).await {
            panic!("no database on {}: {error}", self.backend);
        }
        TestDatabase::on_server(Arc::clone(self), name)
    }

    /// Runs one statement with the right to create and drop databases.
    async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        let url = match &self.source {
            Source::External { url } => url.clone(),
            Source::Private(process) => process.admin_url(),
        };
        let db = connect(&url, 1).await;
        let done = db.execute_unprepared(sql).await;
        let closed = db.close().await;
        done.map(drop).and(closed)
    }

    fn process(&self) -> &Process {
        match &self.source {
            Source::Private(process) => process,
            Source::External { .. } => {
                panic!("{} comes from the environment, and is not ours to stop", self.backend)
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A name that no other run uses either: an external server may be shared.
fn unique_name() -> String {
    format!("renewal_test_{:016x}", random())
}

fn random() -> u64 {
    match getrandom::u64() {
        Ok(number) => number,
        Err(error) => panic!("the system has no random numbers: {error}"),
    }
}

/// `url` with another database at the end of its path.
fn with_database(url: &str, database: &str) -> String {
    let (base, parameters) = match url.split_once('?') {
        Some((base, parameters)) => (base, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    format!("{}/{database}{parameters}", &base[..end])
}
