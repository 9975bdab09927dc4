//! Async test functions become trials; those of a program that is not installed say so.

use std::env;
use std::process::Command;

use libtest_mimic::{Completion, Trial};

/// A trial that runs an async test on a runtime of its own.
pub(crate) fn trial<F, R>(module: &str, name: &str, needs: &'static [&'static str], test: F) -> Trial
where
    F: Fn() -> R + Send + 'static,
    R: Future<Output = ()> + 'static,
{
    let module = module.rsplit("::").next().unwrap_or(module);
    Trial::ignorable_test(format!("{module}::{name}"), move || {
        if let Some(absent) = needs.iter().find(|program| !is_installed(program)) {
            let said = format!("{absent} not found");
            let required = env::var_os("RENEWAL_REQUIRE_BACKENDS").is_some_and(|which| which == "all");
            return if required { Err(said.into()) } else { Ok(Completion::ignored_with(said)) };
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
        runtime.block_on(test());
        Ok(Completion::Completed)
    })
}

/// The trials of several test functions of the calling module: `trials!([one, another])`, or with the
/// programs that they need, `trials!(&["curl"], [one, another])`.
macro_rules! trials {
    ([$($test:ident),* $(,)?]) => { $crate::trials::trials!(&[], [$($test),*]) };
    ($programs:expr, [$($test:ident),* $(,)?]) => {
        vec![$($crate::trials::trial(module_path!(), stringify!($test), $programs, $test)),*]
    };
}

pub(crate) use trials;

/// Whether a program is there; `pki` is a common name, so that it must be strongSwan's.
fn is_installed(program: &str) -> bool {
    let argument = if program == "openssl" { "version" } else { "--help" };
    let output = Command::new(program).arg(argument).output();
    output.is_ok_and(|output| {
        let text = [output.stdout, output.stderr].concat();
        program != "pki" || String::from_utf8_lossy(&text).contains("strongSwan")
    })
}
