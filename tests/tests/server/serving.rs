//! A running `renewal serve`: only this process is ever signalled, by its id.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::site::Site;

/// How long a server may take to start, to stop, or to log something.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long between two looks.
const TICK: Duration = Duration::from_millis(5);

/// Whether `setpriv` is here, which has the kernel end the server when the test program ends,
/// however that comes about.
static HAS_SETPRIV: LazyLock<bool> = LazyLock::new(|| {
    let version = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
});

/// A server, killed with this value.
pub(crate) struct Serving {
    child: Child,
    address: SocketAddr,
    api: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Serving {
    /// `renewal serve --migrate`, when it has said that it listens.
    #[track_caller]
    pub(crate) fn start(site: &Site) -> Self {
        Self::start_with(site, &["serve", "--migrate"])
    }

    /// The program with these arguments. To be called on the thread of the test, with which the
    /// server ends.
    #[track_caller]
    pub(crate) fn start_with(site: &Site, arguments: &[&str]) -> Self {
        let program = tests::binary("renewal");
        let mut command = if *HAS_SETPRIV {
            let line = [&["--pdeathsig=KILL", program.to_str().unwrap()], arguments].concat();
            site.command_of("setpriv", &line)
        } else {
            site.command(arguments)
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, written) = (BufReader::new(child.stderr.take().unwrap()).lines(), log.clone());
        let reader = spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut serving = Self { child, address, api: address, log, reader: Some(reader) };
        let devices = port(&serving.logged("devices are served over EST"));
        let operators = port(&serving.logged("operators are served over HTTP"));
        serving.address.set_port(devices);
        serving.api.set_port(operators);
        serving
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its API.
    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it logs a line with this text; the line.
    #[track_caller]
    pub(crate) fn logged(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?}, not logged: {text}\n{log}");
            sleep(TICK);
        }
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; the exit status, and everything that it logged.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end\n{}", self.log());
            sleep(TICK);
        };
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.log())
    }

    /// Stops it with SIGTERM; everything that it logged.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, log) = self.ended();
        assert_eq!(status, Some(0), "{log}");
        log
    }

    /// Ends it at once, without a word to its clients, as a crash does.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Its resident memory, in KiB, by Linux's `/proc`.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = ended {
            eprintln!("the server {} is left behind: {error}", self.child.id());
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// The port in a line of the log.
#[track_caller]
fn port(line: &str) -> u16 {
    let (_, port) = line.split_once("127.0.0.1:").unwrap();
    port.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}
