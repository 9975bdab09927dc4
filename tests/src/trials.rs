//! One async test function becomes a test per database.

use crate::backend::{Backend, Backends};
use crate::database::TestDatabase;
use libtest_mimic::{Arguments, Completion, Trial};
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

/// What a test is given: the database it runs on.
#[derive(Debug, Clone)]
pub struct Context {
    backends: Arc<Backends>,
    backend: Backend,
}

impl Context {
    /// The database that this run is about.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// A database of the test's own, with all migrations applied.
    pub async fn fresh_database(&self) -> TestDatabase {
        self.backends.fresh_database(self.backend).await
    }

    /// A database of the test's own, without a table.
    pub async fn empty_database(&self) -> TestDatabase {
        self.backends.empty_database(self.backend).await
    }
}

/// Runs `test` on some databases, as `postgres::module::name` and so on. See [`crate::trials!`].
pub fn on_backends<F, R>(
    backends: &Arc<Backends>,
    which: &[Backend],
    module: &str,
    name: &str,
    test: F,
) -> Vec<Trial>
where
    F: Fn(Context) -> R + Copy + Send + 'static,
    R: Future<Output = ()> + 'static,
{
    let module = module.rsplit("::").next().unwrap_or(module);
    let trial = |&backend: &Backend| {
        let context = Context { backends: Arc::clone(backends), backend };
        Trial::ignorable_test(format!("{backend}::{module}::{name}"), move || {
            match context.backends.present(backend) {
                Err(absent) if required() => return Err(absent.into()),
                Err(absent) => return Ok(Completion::ignored_with(absent)),
                Ok(()) => (),
            }
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
            runtime.block_on(test(context));
            Ok(Completion::Completed)
        })
    };
    which.iter().map(trial).collect()
}

/// The trials of several test functions of the calling module, on every database or on some:
/// `trials!(backends, [one_test, another_test])`, `trials!(backends, Backend::SERVERS, [one_test])`.
#[macro_export]
macro_rules! trials {
    ($backends:expr, [$($test:ident),* $(,)?]) => {
        $crate::trials!($backends, $crate::Backend::ALL, [$($test),*])
    };
    ($backends:expr, $which:expr, [$($test:ident),* $(,)?]) => {{
        let mut trials = ::std::vec::Vec::new();
        $(trials.extend($crate::on_backends(
            $backends,
            &$which,
            ::std::module_path!(),
            ::std::stringify!($test),
            $test,
        ));)*
        trials
    }};
}

/// The `main` of a test target: runs what `trials` returns, then stops the servers.
#[must_use]
pub fn run(trials: impl FnOnce(&Arc<Backends>) -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let backends = Arc::new(Backends::default());
    let conclusion = libtest_mimic::run(&arguments, trials(&backends));
    backends.stop();
    conclusion.exit_code()
}

/// Whether an absent database is a failure.
fn required() -> bool {
    env::var_os("RENEWAL_REQUIRE_BACKENDS").is_some_and(|which| which == "all")
}
