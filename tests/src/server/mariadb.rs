//! MariaDB.

use super::engine::{CommandLine, Engine, Settings, command, option};
use crate::child::find;
use rustix::process::Signal;
use std::fs;
use std::io;
use std::path::PathBuf;

/// An installed MariaDB.
#[derive(Debug)]
pub(super) struct MariaDb {
    server: PathBuf,
    install: PathBuf,
}

impl MariaDb {
    /// Looks in `PATH`, then where Debian keeps it.
    pub(super) fn find() -> Result<Self, String> {
        let usual = || vec!["/usr/sbin".into(), "/usr/bin".into(), "/usr/libexec".into()];
        let server = find(&["mariadbd"], usual())?.join("mariadbd");
        let install = find(&["mariadb-install-db"], usual())?.join("mariadb-install-db");
        Ok(Self { server, install })
    }
}

impl Engine for MariaDb {
    fn account(&self) -> &'static str {
        "mysql"
    }

    fn initialise(&self, settings: &Settings) -> io::Result<CommandLine> {
        let password = &settings.password;
        fs::write(
            settings.directory.join("accounts.sql"),
            format!(
                "CREATE USER IF NOT EXISTS 'renewal'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
                 GRANT ALL ON *.* TO 'renewal'@'127.0.0.1' WITH GRANT OPTION;\n\
                 ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n"
            ),
        )?;
        Ok(command(
            &self.install,
            [
                option("--no-", "defaults"),
                option("--datadir=", settings.data()),
                option("--tmpdir=", settings.temporary()),
                option("--auth-root-authentication-method=", "normal"),
                option("--skip-", "test-db"),
                option("--skip-", "name-resolve"),
            ],
        ))
    }

    fn serve(&self, settings: &Settings) -> CommandLine {
        let durable = u8::from(settings.durable);
        // To the disk, or only to the system, which outlives a killed server.
        let flush = if settings.durable { 1 } else { 2 };
        command(
            &self.server,
            [
                option("--no-", "defaults"),
                option("--datadir=", settings.data()),
                option("--tmpdir=", settings.temporary()),
                option("--init-file=", settings.directory.join("accounts.sql")),
                option("--port=", settings.port.to_string()),
                option("--bind-address=", "127.0.0.1"),
                // Relative to the data: a longer path may not fit a socket's address.
                option("--socket=", "mariadb.sock"),
                option("--pid-file=", "mariadb.pid"),
                option("--skip-", "name-resolve"),
                option("--max-connections=", "300"),
                option("--sync-frm=", durable.to_string()),
                option("--innodb-buffer-pool-size=", "64M"),
                option("--innodb-flush-log-at-trx-commit=", flush.to_string()),
                option("--innodb-doublewrite=", durable.to_string()),
                option("--innodb-flush-method=", if settings.durable { "fsync" } else { "nosync" }),
                // So that whoever forgets the zone is found out.
                option("--default-time-zone=", "+05:45"),
            ],
        )
    }

    fn url(&self, settings: &Settings, database: &str) -> String {
        let Settings { password, port, .. } = settings;
        format!("mysql://renewal:{password}@127.0.0.1:{port}/{database}")
    }

    fn admin_database(&self) -> &'static str {
        "mysql"
    }

    fn stop_signal(&self) -> Signal {
        Signal::TERM
    }

    fn kill_signal(&self) -> Signal {
        Signal::KILL
    }

    fn kill_signal_name(&self) -> &'static str {
        "KILL"
    }
}
