//! A running server: only processes that were started here are ever signalled, each by its id.

use super::directory::ServerDirectory;
use super::engine::{CommandLine, Engine, Settings};
use super::launch::{account, launch};
use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectOptions, Database};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// How long a server may take to answer.
const START: Duration = Duration::from_mins(1);

/// How long a server may take to end before it is killed.
const STOP: Duration = Duration::from_secs(20);

/// How long between two looks.
const TICK: Duration = Duration::from_millis(20);

/// A private server, running or not.
#[derive(Debug)]
pub(super) struct Process {
    engine: Box<dyn Engine>,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    child: Option<Child>,
    frozen: bool,
    /// Gone for good when none.
    directory: Option<ServerDirectory>,
}

impl Process {
    /// Makes a database directory and starts a server on it.
    pub(super) fn start(engine: Box<dyn Engine>, durable: bool) -> Result<Self, String> {
        let account = account(engine.account()).map_err(|error| error.to_string())?;
        let directory = ServerDirectory::new(account, durable).map_err(|error| error.to_string())?;
        let mut settings = Settings {
            directory: directory.path().to_owned(),
            port: 0,
            password: format!("{:016x}", super::random()),
            durable,
        };
        let line = engine.initialise(&settings).map_err(|error| error.to_string())?;
        let mut child = spawn(engine.as_ref(), &settings, line)?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("initialising it failed: {}", log_end(&settings)));
        }
        // The port may be taken between the look and the start.
        let mut attempt = 0;
        let child = loop {
            attempt += 1;
            settings.port = free_port();
            match run(engine.as_ref(), &settings) {
                Ok(child) => break child,
                Err(reason) if attempt == 3 => return Err(reason),
                Err(_) => (),
            }
        };
        let state = State { child: Some(child), frozen: false, directory: Some(directory) };
        Ok(Self { engine, settings, state: Mutex::new(state) })
    }

    pub(super) fn url(&self, database: &str) -> String {
        self.engine.url(&self.settings, database)
    }

    pub(super) fn admin_url(&self) -> String {
        self.url(self.engine.admin_database())
    }

    /// Whether it runs and is not frozen.
    pub(super) fn answers(&self) -> bool {
        let state = self.state();
        state.child.is_some() && !state.frozen
    }

    pub(super) fn stop(&self) {
        self.end(&mut self.state(), self.engine.stop_signal());
    }

    pub(super) fn kill(&self) {
        let mut state = self.state();
        freeze(&mut state);
        if let Some(child) = &state.child {
            for process in children(child.id()) {
                signal(process, Signal::KILL);
            }
        }
        self.end(&mut state, self.engine.kill_signal());
    }

    pub(super) fn restart(&self) -> Result<(), String> {
        let mut state = self.state();
        self.end(&mut state, self.engine.stop_signal());
        if state.directory.is_none() {
            return Err("its directory is gone".to_owned());
        }
        // After a crash the remains of the old one may hold the port or the data for a moment.
        let begun = Instant::now();
        let child = loop {
            match run(self.engine.as_ref(), &self.settings) {
                Ok(child) => break child,
                Err(reason) if begun.elapsed() > START => return Err(reason),
                Err(_) => sleep(TICK * 10),
            }
        };
        state.child = Some(child);
        Ok(())
    }

    /// The id of the running process.
    pub(super) fn id(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    pub(super) fn freeze(&self) {
        freeze(&mut self.state());
    }

    pub(super) fn thaw(&self) {
        thaw(&mut self.state());
    }

    /// Ends it, and removes its directory.
    pub(super) fn remove(&self) {
        let mut state = self.state();
        self.end(&mut state, self.engine.stop_signal());
        state.directory = None;
    }

    fn end(&self, state: &mut State, how: Signal) {
        if let Some(child) = &state.child {
            signal(Pid::from_child(child), how);
        }
        thaw(state);
        if let Some(mut child) = state.child.take()
            && !ended(&mut child)
            && let Err(error) = child.kill().and_then(|()| child.wait())
        {
            eprintln!("the {} server {} is left behind: {error}", self.engine.account(), child.id());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Halts the server first, so that it starts no more children, then those it has.
fn freeze(state: &mut State) {
    if let Some(child) = &state.child {
        signal(Pid::from_child(child), Signal::STOP);
        for process in children(child.id()) {
            signal(process, Signal::STOP);
        }
        state.frozen = true;
    }
}

fn thaw(state: &mut State) {
    if let Some(child) = &state.child
        && state.frozen
    {
        for process in children(child.id()) {
            signal(process, Signal::CONT);
        }
        signal(Pid::from_child(child), Signal::CONT);
    }
    state.frozen = false;
}

/// A process that has just ended cannot be signalled, nor needs to be.
fn signal(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}

/// The direct children of a process, by Linux's `/proc`.
fn children(parent: u32) -> Vec<Pid> {
    let parent_of = |process: i32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in parentheses, may hold anything; then come state and parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok()
    };
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&process| parent_of(process) == Some(parent))
        .filter_map(Pid::from_raw)
        .collect()
}

fn ended(child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < STOP {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        sleep(TICK);
    }
    false
}

/// Starts the server and returns when it answers.
fn run(engine: &dyn Engine, settings: &Settings) -> Result<Child, String> {
    let mut child = spawn(engine, settings, engine.serve(settings))?;
    let url = engine.url(settings, engine.admin_database());
    let begun = Instant::now();
    loop {
        if !matches!(child.try_wait(), Ok(None)) {
            return Err(log_end(settings));
        }
        if answers(&url) {
            return Ok(child);
        }
        if begun.elapsed() > START {
            let killed = child.kill().and_then(|()| child.wait());
            return Err(format!("it does not answer ({killed:?}): {}", log_end(settings)));
        }
        sleep(TICK);
    }
}

/// Whether the server takes a connection. In a thread of its own: the caller's may run a runtime.
fn answers(url: &str) -> bool {
    let connect = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async {
            let mut options = ConnectOptions::new(url);
            options.max_connections(1).connect_timeout(Duration::from_secs(2)).sqlx_logging(false);
            Database::connect(options).await.ok()?.close().await.ok()
        })
    };
    thread::scope(|scope| scope.spawn(connect).join().ok().flatten().is_some())
}

fn spawn(engine: &dyn Engine, settings: &Settings, line: CommandLine) -> Result<Child, String> {
    let log = File::options().create(true).append(true).open(settings.directory.join("log"));
    let log = log.map_err(|error| error.to_string())?;
    let account = account(engine.account()).map_err(|error| error.to_string())?;
    launch(line, account, engine.kill_signal_name(), &log).map_err(|error| error.to_string())
}

/// The last lines that the server logged.
fn log_end(settings: &Settings) -> String {
    let log = fs::read(settings.directory.join("log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A free port below those that the system gives to outgoing connections: one of these could
/// take it while the server is down.
fn free_port() -> u16 {
    loop {
        let random = u16::try_from(super::random() % 16_000).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, 15_000 + random)).is_ok() {
            return 15_000 + random;
        }
    }
}
