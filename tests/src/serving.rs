//! A running `renewal serve`: only this process is ever signalled, by its id.

use crate::{child, usage};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// How long a server may take to start, to stop, or to log something.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long between two looks.
const TICK: Duration = Duration::from_millis(5);

/// What it logs when devices can connect to it, before the address.
const DEVICES: &str = "devices are served over EST";

/// What it logs when operators can connect to it, before the address.
const OPERATORS: &str = "operators are served over HTTP";

/// A server, killed with this value.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    address: SocketAddr,
    api: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Serving {
    /// Runs `command`, which is to listen on the loopback interface, and returns when it says that
    /// it does. It ends with this program, however that comes about.
    ///
    /// # Errors
    ///
    /// When it does not start; what it logged is in the text.
    pub fn start(command: &Command) -> Result<Self, String> {
        let mut words = child::mortal("KILL");
        words.push(command.get_program().to_owned());
        words.extend(command.get_args().map(ToOwned::to_owned));
        let mut mortal = Command::new(words.remove(0));
        mortal.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        mortal.current_dir(command.get_current_dir().unwrap_or(".".as_ref()));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => mortal.env(name, value),
                None => mortal.env_remove(name),
            };
        }
        let mut child = child::spawn(mortal).map_err(|error| format!("it cannot be run: {error}"))?;
        let log = Arc::new(Mutex::new(String::new()));
        let reader = child.stderr.take().map(|stderr| {
            let (lines, written) = (BufReader::new(stderr).lines(), Arc::clone(&log));
            spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push_str(&line);
                    log.push('\n');
                }
            })
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut serving = Self { child, address: unknown, api: unknown, log, reader };
        let devices = port(&serving.logs(DEVICES)?)?;
        let operators = port(&serving.logs(OPERATORS)?)?;
        serving.address.set_port(devices);
        serving.api.set_port(operators);
        Ok(serving)
    }

    /// Where it listens for devices.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL at which it listens for operators.
    #[must_use]
    pub fn api(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Everything that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it logs a line with this text; the line.
    ///
    /// # Errors
    ///
    /// When it ends before, or takes too long; what it logged is in the text.
    pub fn logs(&mut self, text: &str) -> Result<String, String> {
        let begun = Instant::now();
        loop {
            let ended = self.has_ended();
            if ended.is_some()
                && let Some(reader) = self.reader.take()
            {
                // Nothing that it said at last is missed; the thread has nothing more to read.
                let _ = reader.join();
            }
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            if ended.is_some() || begun.elapsed() > PATIENCE {
                return Err(format!("{ended:?}, not logged: {text}\n{log}"));
            }
            sleep(TICK);
        }
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends it a signal. One that has just ended cannot be signalled, nor needs to be.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits for its end; the exit status (none after a signal), and everything that it logged.
    ///
    /// # Errors
    ///
    /// When it takes too long; what it logged is in the text.
    pub fn ended(mut self) -> Result<(Option<i32>, String), String> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.has_ended() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("it does not end\n{}", self.log()));
            }
            sleep(TICK);
        };
        if let Some(reader) = self.reader.take() {
            // It ends with the child, whose other end of the pipe is closed.
            let _ = reader.join();
        }
        Ok((status.code(), self.log()))
    }

    /// Ends it at once, without a word to its clients, as a crash does.
    pub fn kill(self) {
        drop(self);
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory, in KiB; none when it has ended.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        usage::resident(self.id())
    }
}

/// The port in a line of the log.
fn port(line: &str) -> Result<u16, String> {
    let digits = line
        .split_once("127.0.0.1:")
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| format!("it does not say its port: {line}"))
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = ended {
            eprintln!("the server {} is left behind: {error}", self.child.id());
        }
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}
