//! Breaks a Renewal Ledger at random, and checks that its promises held.
//!
//! Real servers on real databases, devices that speak EST over TLS, operators who call the HTTP API, and
//! faults: processes killed and frozen, connections cut, tables locked, disks full, clocks stepped. Then
//! everything heals, the devices ask until they are answered, and a [checker] compares what they and the
//! operators were told with what is in the database. `docs/reliability.md` says what is promised, and
//! under which faults.
//!
//! It uses of the product what an operator and a device have: the program `renewal`, EST, the HTTP API, and
//! SQL.

mod api_request;
mod checker;
mod clock;
mod environment;
mod est_request;
mod faults;
mod fleet;
mod journal;
mod operator;
mod options;
mod plan;
mod proxy;
mod roster;
mod round;
mod server_node;
mod sessions;
mod simulated_device;
mod snapshot;
mod summary;
mod workspace;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use tests::{Backend, Backends};

use crate::fleet::Turn;
use crate::options::Options;
use crate::round::Arena;
use crate::summary::{Counts, Summary};

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let ran = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(&options)));
    match ran {
        Ok(0) => ExitCode::SUCCESS,
        Ok(violations) => {
            eprintln!("renewal-torture: {violations} violations");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("renewal-torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the rounds on each database. How many promises were not kept.
async fn run(options: &Options) -> Result<usize> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32()?),
    };
    println!("seed {seed}, {} rounds on each database", options.rounds);
    let mut summary = Summary::default();
    for backend in options.backends() {
        if let Err(absent) = Backends::default().present(backend) {
            anyhow::ensure!(!options.every_backend_is_required(), "{backend}: {absent}");
            println!("{backend}: skipped: {absent}");
            continue;
        }
        let begun = Instant::now();
        let counts = play(options, backend, seed).await?;
        summary.add(backend, counts, begun.elapsed());
    }
    println!("\nseed {seed}\n{summary}");
    Ok(summary.violations())
}

/// Plays the rounds on one database.
async fn play(options: &Options, backend: Backend, seed: u64) -> Result<Counts> {
    let arena = Arena::new(backend)?;
    say_what_is_missing(backend, &arena);
    let mut sum = Counts::default();
    for round in options.first_round..options.first_round + options.rounds {
        let begun = Instant::now();
        let mut outcome = arena.round(Turn { seed, backend, round }).await?;
        outcome.counts.violations = outcome.violations.len();
        sum.add(&outcome.counts);
        let seconds = begun.elapsed().as_secs_f32();
        println!("{backend}: round {round}: {} faults, {seconds:.1} s", outcome.plan.len());
        if options.verbose || !outcome.violations.is_empty() {
            outcome.plan.iter().for_each(|planned| println!("  {planned}"));
        }
        for violation in &outcome.violations {
            println!("{backend}: seed {seed}, round {round}: {violation}");
        }
        if !outcome.violations.is_empty() {
            let directory = env::temp_dir().join(format!("renewal-torture-{backend}-{seed}-{round}"));
            keep(&directory, &outcome.records)?;
            println!("{backend}: what was said and stored is in {}", directory.display());
        }
    }
    Ok(sum)
}

/// Keeps what is known about a round.
fn keep(directory: &Path, records: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(directory)?;
    for (name, text) in records {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// Says which faults cannot be made here.
fn say_what_is_missing(backend: Backend, arena: &Arena) {
    if backend == Backend::Sqlite && arena.environment.disk().is_none() {
        println!("{backend}: skipped: full disks, for only the administrator may mount a small one");
    }
    if !clock::can_be_stepped() {
        println!("{backend}: skipped: stepped clocks, for libfaketime is not installed (Debian: faketime)");
    }
}
