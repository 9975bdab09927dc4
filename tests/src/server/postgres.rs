//! PostgreSQL.

use super::engine::{CommandLine, Engine, Settings, command, option};
use crate::child::find;
use rustix::process::Signal;
use std::fs;
use std::io;
use std::path::PathBuf;

/// An installed PostgreSQL.
#[derive(Debug)]
pub(super) struct Postgres {
    binaries: PathBuf,
}

impl Postgres {
    /// Looks in `PATH`, then where Debian keeps it, newest version first.
    pub(super) fn find() -> Result<Self, String> {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        let others = versions.into_iter().rev().map(|(_, path)| path).collect();
        Ok(Self { binaries: find(&["postgres", "initdb"], others)? })
    }
}

impl Engine for Postgres {
    fn account(&self) -> &'static str {
        "postgres"
    }

    fn initialise(&self, settings: &Settings) -> io::Result<CommandLine> {
        let password_file = settings.directory.join("password");
        fs::write(&password_file, &settings.password)?;
        Ok(command(
            &self.binaries.join("initdb"),
            [
                option("--pgdata=", settings.data()),
                option("--username=", "renewal"),
                option("--pwfile=", password_file),
                // SCRAM takes long in a debug build, on every connection.
                option("--auth=", "password"),
                option("--encoding=", "UTF8"),
                option("--locale=", "C"),
                option("--no-", "sync"),
            ],
        ))
    }

    fn serve(&self, settings: &Settings) -> CommandLine {
        let durable = if settings.durable { "on" } else { "off" };
        let set = |setting: &str| option("--", setting);
        command(
            &self.binaries.join("postgres"),
            [
                "-D".into(),
                settings.data().into(),
                set(&format!("port={}", settings.port)),
                set("listen_addresses=127.0.0.1"),
                set("unix_socket_directories="),
                set(&format!("fsync={durable}")),
                set(&format!("full_page_writes={durable}")),
                set("shared_buffers=64MB"),
                set("max_connections=300"),
                // So that whoever forgets the zone is found out.
                set("timezone=Asia/Kathmandu"),
            ],
        )
    }

    fn url(&self, settings: &Settings, database: &str) -> String {
        let Settings { password, port, .. } = settings;
        format!("postgres://renewal:{password}@127.0.0.1:{port}/{database}")
    }

    fn admin_database(&self) -> &'static str {
        "postgres"
    }

    fn stop_signal(&self) -> Signal {
        Signal::INT
    }

    fn kill_signal(&self) -> Signal {
        // After SIGKILL its shared memory would stay.
        Signal::QUIT
    }

    fn kill_signal_name(&self) -> &'static str {
        "QUIT"
    }
}
