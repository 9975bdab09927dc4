//! A site: a directory that `renewal init` made, and a database.

use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use tests::{Backend, Context, TestDatabase};

use crate::serving::Serving;
use crate::workshop::Workshop;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long between two looks.
const TICK: Duration = Duration::from_millis(10);

/// A directory with an authority and a configuration below it, and the ledger's database, which
/// has no tables yet.
pub(crate) struct Site {
    pub(crate) workshop: Workshop,
    database: Option<TestDatabase>,
    settings: Vec<(&'static str, String)>,
    operator: OnceLock<String>,
}

/// How a command ended.
pub(crate) struct Run {
    status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    /// A site that was made by `renewal init`, in `site`. On SQLite the ledger is the file that
    /// this makes, with its tables; on a server an empty database.
    pub(crate) async fn new(cx: &Context) -> Self {
        let site = Self::empty(cx).await;
        site.run(&["init", "site"]).done();
        site
    }

    /// A site that has no files yet.
    pub(crate) async fn empty(cx: &Context) -> Self {
        let (workshop, settings) = (Workshop::new(), Vec::new());
        let mut site = Self { workshop, database: None, settings, operator: OnceLock::new() };
        if cx.backend() != Backend::Sqlite {
            let database = cx.empty_database().await;
            site.set("RENEWAL_STORE__URL", database.url());
            site.database = Some(database);
        }
        site.set("RENEWAL_CONFIG", "site/renewal.toml");
        site.set("RENEWAL_EST__LISTEN", "127.0.0.1:0");
        site.set("RENEWAL_API__LISTEN", "127.0.0.1:0");
        // Not the contexts of whoever runs the tests.
        let own = site.workshop.path("config").to_str().unwrap().to_owned();
        site.set("XDG_CONFIG_HOME", &own);
        site
    }

    /// Sets a setting in the environment of all further commands.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.unset(name);
        self.settings.push((name, value.to_owned()));
    }

    /// Takes a setting out of the environment of all further commands.
    pub(crate) fn unset(&mut self, name: &str) {
        self.settings.retain(|(set, _)| *set != name);
    }

    /// Changes the text of `renewal.toml`.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let text = String::from_utf8(self.workshop.read("site/renewal.toml")).unwrap();
        assert!(text.contains(from), "{text}");
        self.workshop.write("site/renewal.toml", text.replace(from, to));
    }

    /// A file that `init` made.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.workshop.path("site").join(name)
    }

    /// The URL of the ledger.
    pub(crate) fn store_url(&self) -> String {
        match &self.database {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite://{}", self.file("ledger.db").display()),
        }
    }

    /// The program, in the directory above the site's, with the site's settings and no others.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(tests::binary("renewal"), arguments)
    }

    /// The same with another program, which may run this one.
    pub(crate) fn command_of(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RENEWAL_")) {
            command.env_remove(name);
        }
        command.current_dir(self.workshop.path(".")).stdin(Stdio::null()).args(arguments);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Run::of(ended(child))
    }

    /// Runs the program to its end, as an operator of the server.
    #[track_caller]
    pub(crate) fn ask(&self, server: &Serving, arguments: &[&str]) -> Run {
        let make = || self.run(&["api-tokens", "bootstrap"]).done().out.trim_end().to_owned();
        self.ask_as(self.operator.get_or_init(make), server, arguments)
    }

    /// Runs the program to its end, with a token of the server's.
    #[track_caller]
    pub(crate) fn ask_as(&self, token: &str, server: &Serving, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.args(["--server", &server.api()]).env("RENEWAL_TOKEN", token);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Run::of(ended(child))
    }

    /// The secret of a new enrollment token for a device.
    #[track_caller]
    pub(crate) fn token(&self, server: &Serving, device: &str) -> String {
        let run = self.ask(server, &["enrollment-tokens", "create", device]).done();
        run.out.trim_end().to_owned()
    }
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |octets| String::from_utf8(octets).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// It ended well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// It ended with this status, without a word on standard output; what it says.
    #[track_caller]
    pub(crate) fn ended(self, status: i32) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(status), ""), "{}", self.err);
        self.err
    }

    /// It was not understood, and nothing was done.
    #[track_caller]
    pub(crate) fn misunderstood(self) {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""), "{}", self.err);
    }

    /// It failed, without a word on standard output; the one sentence that it says.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(1), ""), "{}", self.err);
        let [line] = self.err.lines().collect::<Vec<_>>()[..] else { panic!("{}", self.err) };
        line.strip_prefix("renewal: ").unwrap().to_owned()
    }
}

/// Waits for the end of a command, and takes what it writes; one that does not end is killed.
#[track_caller]
fn ended(mut child: Child) -> Output {
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (out, err) = (spawn(|| taken(out)), spawn(|| taken(err)));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end: {}", String::from_utf8_lossy(&err.join().unwrap()));
        }
        sleep(TICK);
    };
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

fn taken(mut from: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).unwrap();
    all
}
