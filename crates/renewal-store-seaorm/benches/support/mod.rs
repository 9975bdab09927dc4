//! What the benchmarks share: arguments, and databases that write to the disk as in production.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use tests::{Backend, Backends, Server, ServerOptions, TestDatabase};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The numbers that a benchmark is given as `--name value`, and the databases with `--backend NAME`.
pub(crate) struct Arguments {
    numbers: Vec<(String, u64)>,
    pub(crate) backends: Vec<Backend>,
}

impl Arguments {
    /// Reads those of the command line.
    pub(crate) fn read(known: &[&str]) -> Outcome<Self> {
        let mut read = Self { numbers: Vec::new(), backends: Backend::ALL.to_vec() };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.trim_start_matches("--") {
                "bench" => {}
                "backend" => {
                    let name = value()?;
                    read.backends.retain(|backend| backend.name() == name);
                }
                name if known.contains(&name) => {
                    let number = value()?.replace('_', "").parse()?;
                    read.numbers.push((name.to_owned(), number));
                }
                _ => return Err(format!("unknown argument {argument}").into()),
            }
        }
        if read.backends.is_empty() {
            return Err("--backend is one of sqlite, postgres, mariadb".into());
        }
        Ok(read)
    }

    /// A number, or what it is without one.
    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.numbers.iter().rev().find(|(known, _)| known == name).map_or(otherwise, |(_, number)| *number)
    }
}

/// A database on the disk. The server ends with it.
pub(crate) struct Durable {
    pub(crate) database: TestDatabase,
    server: Option<Arc<Server>>,
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

/// Runs a benchmark for each database that is present. It fails when one of them does.
pub(crate) fn run<F, R>(arguments: &Arguments, measure: F) -> Outcome<ExitCode>
where
    F: Fn(Arc<Backends>, Backend) -> R,
    R: Future<Output = Outcome<bool>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let backends = Arc::new(Backends::default());
    let mut good = true;
    for &backend in &arguments.backends {
        match backends.present(backend) {
            Ok(()) => good &= runtime.block_on(measure(Arc::clone(&backends), backend))?,
            Err(absent) => println!("{backend} is not measured: {absent}"),
        }
    }
    backends.stop();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
