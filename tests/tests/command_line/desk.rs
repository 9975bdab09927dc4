//! An operator's desk: a directory with an authority, requests and certificates, and a ledger.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tests::{Backend, Context, TestDatabase};

use crate::workshop::{P256, Workshop};

/// A directory in which `csr-signing` and `openssl` work, and the database of the ledger.
pub(crate) struct Desk {
    pub(crate) workshop: Workshop,
    database: Option<TestDatabase>,
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// A desk whose authority `openssl` made: `ca.pem` and `ca.key`. The ledger is in this
    /// database; on SQLite it is the file that the program makes by itself.
    pub(crate) async fn new(cx: &Context) -> Self {
        let desk = Self::empty(cx).await;
        desk.workshop.key("ca.key", P256);
        desk.workshop.authority("ca", "/O=Works/CN=Test CA");
        desk
    }

    /// A desk without an authority, which the program makes by itself when it needs one.
    pub(crate) async fn empty(cx: &Context) -> Self {
        let database = match cx.backend() {
            Backend::Sqlite => None,
            Backend::Postgres | Backend::MariaDb => Some(cx.fresh_database().await),
        };
        let workshop = Workshop::new();
        workshop.key("device.key", P256);
        Self { workshop, database }
    }

    /// The program with arguments that have no spaces, in the desk's directory. It adopts the authority,
    /// with whose key OpenSSL signs too.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(tests::binary("csr-signing"));
        command.current_dir(self.workshop.path(".")).stdin(Stdio::null()).env_remove("DATABASE_URL");
        command.args(line.split_whitespace()).args(["--dir", "."]);
        if line.starts_with("sign ") {
            command.arg("--adopted");
        }
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database.url());
        }
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, line: &str) -> Run {
        Run::of(self.command(line).output().unwrap())
    }

    /// Makes the request of the device: `NAME.csr`, with further options of `openssl req`.
    pub(crate) fn request(&self, name: &str, options: &str) {
        self.workshop.openssl(&format!("req -new -key device.key -out {name}.csr {options}"));
    }

    /// Makes a request with a key of its own: of another device.
    pub(crate) fn request_of_another(&self, name: &str, options: &str) {
        self.workshop.openssl(&format!("genpkey -algorithm {P256} -out {name}.key"));
        self.workshop.openssl(&format!("req -new -key {name}.key -out {name}.csr {options}"));
    }

    /// Puts a certificate of the device into `current.pem`. OpenSSL signed it with the authority's
    /// key, to be valid from one day, and until another, counted from now.
    pub(crate) fn certificate(&self, from: i64, until: i64) {
        use renewal_domain::Clock;
        let day = |days: i64| {
            let day = renewal_domain::SystemClock.now() + chrono::TimeDelta::days(days);
            day.format("%Y%m%d%H%M%SZ").to_string()
        };
        self.request("current", "");
        self.workshop.write("current.pem", self.workshop.dated("current.csr", &day(from), &day(until)));
    }

    /// The events that `csr-signing events --json` prints, newest first.
    #[track_caller]
    pub(crate) fn events(&self, filter: &str) -> Vec<Value> {
        let run = self.run(&format!("events --json {filter}")).done();
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Their types, oldest first, with the reason of a failure.
    #[track_caller]
    pub(crate) fn story(&self) -> Vec<String> {
        let tell = |event: &Value| match (&event["event_type"], &event["reason"]) {
            (Value::String(name), Value::Null) => name.clone(),
            (Value::String(name), Value::String(reason)) => format!("{name}: {reason}"),
            _ => panic!("{event}"),
        };
        self.events("").iter().rev().map(tell).collect()
    }

    /// `openssl verify` accepts the certificate in the file, for a client.
    #[track_caller]
    pub(crate) fn assert_verifies(&self, file: &str) {
        let verify = "verify -x509_strict -purpose sslclient -CAfile ca.pem";
        let said = self.workshop.openssl(&format!("{verify} {file}"));
        assert_eq!(String::from_utf8(said).unwrap(), format!("{file}: OK\n"));
    }

    /// The serial number of the certificate in the file.
    pub(crate) fn serial(&self, file: &str) -> String {
        let said = self.workshop.openssl(&format!("x509 -in {file} -noout -serial"));
        String::from_utf8(said).unwrap().trim_start_matches("serial=").trim().to_owned()
    }

    /// The names of the files in the directory that begin so.
    pub(crate) fn files(&self, beginning: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.workshop.path(".")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(beginning)).collect()
    }
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        let text = |octets| String::from_utf8(octets).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// It ended well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// It was refused for this reason: code and sentence are on standard error, nothing is on
    /// standard output.
    #[track_caller]
    pub(crate) fn refused(self, reason: csr_service::Reason) {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""), "{}", self.err);
        let sentence = reason.sentence().trim_end_matches('.');
        assert!(self.err.starts_with(&format!("refused: {reason}: {sentence}")), "{}", self.err);
        assert!(self.err.ends_with(&format!("\n{}\n", reason.advice())), "{}", self.err);
    }

    /// It waits for a person; the id of the request.
    #[track_caller]
    pub(crate) fn pending(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(3), ""), "{}", self.err);
        let id = self.err.split_whitespace().nth(1).unwrap().to_owned();
        for part in [format!("csr-signing approve {id}"), format!("csr-signing deny {id}")] {
            assert!(self.err.contains(&part), "{}", self.err);
        }
        id
    }

    /// It failed; the one sentence that it says.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(1), ""), "{}", self.err);
        let [line] = self.err.lines().collect::<Vec<_>>()[..] else { panic!("{}", self.err) };
        line.strip_prefix("csr-signing: ").unwrap().to_owned()
    }

    /// It failed after it had signed; everything that it says.
    #[track_caller]
    pub(crate) fn failed_after_signing(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(1), ""), "{}", self.err);
        self.err
    }
}
