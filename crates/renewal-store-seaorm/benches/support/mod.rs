//! What the benchmarks share: arguments, and a run on every database that is there.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use tests::{Backend, Backends};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The numbers that a benchmark is given as `--name value`, and the databases with `--backend NAME`.
pub(crate) struct Arguments {
    numbers: Vec<(String, u64)>,
    backends: Vec<Backend>,
}

impl Arguments {
    /// Reads those of the command line.
    fn read(known: &[&str]) -> Outcome<Self> {
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

/// Runs a benchmark, which knows these numbers, for each database that is present. It fails when
/// what it finds is not good on one of them.
pub(crate) fn run<F, R>(known: &[&str], measure: F) -> ExitCode
where
    F: Fn(Arc<Backends>, Backend, Arc<Arguments>) -> R,
    R: Future<Output = Outcome<bool>>,
{
    match run_each(known, measure) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run_each<F, R>(known: &[&str], measure: F) -> Outcome<bool>
where
    F: Fn(Arc<Backends>, Backend, Arc<Arguments>) -> R,
    R: Future<Output = Outcome<bool>>,
{
    let arguments = Arc::new(Arguments::read(known)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let backends = Arc::new(Backends::default());
    let mut good = true;
    for &backend in &arguments.backends {
        match backends.present(backend) {
            Ok(()) => {
                good &= runtime.block_on(measure(Arc::clone(&backends), backend, Arc::clone(&arguments)))?;
            }
            Err(absent) => println!("{backend} is not measured: {absent}"),
        }
    }
    backends.stop();
    Ok(good)
}
