//! A site with devices, made by the program's own commands.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rcgen::KeyPair;
use tempfile::TempDir;
use tests::est::{self, Connection, Identity, Roots, certificate_request, message, token_field};
use tests::{Serving, TestDatabase, binary};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What `renewal init` makes.
pub(crate) struct Site {
    directory: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Site {
    /// A site whose ledger is a SQLite file, or this database.
    pub(crate) fn new(database: Option<&TestDatabase>) -> Outcome<Self> {
        let mut settings = vec![
            ("RENEWAL_EST__LISTEN", "127.0.0.1:0".to_owned()),
            ("RENEWAL_API__LISTEN", "127.0.0.1:0".to_owned()),
            ("RENEWAL_EST__ATTEMPTS_PER_DEVICE", "1000000".to_owned()),
            ("RENEWAL_EST__CONNECTIONS", "20000".to_owned()),
        ];
        settings.extend(database.map(|it| ("RENEWAL_STORE__URL", it.url().to_owned())));
        let site = Self { directory: tempfile::tempdir()?, settings };
        site.run(&["init", "site"])?;
        Ok(site)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("site").join(name)
    }

    pub(crate) fn roots(&self) -> Outcome<Roots> {
        Ok(est::roots(&self.file("ca.pem"))?)
    }

    /// Starts the server.
    pub(crate) fn serve(&self) -> Outcome<Serving> {
        Ok(Serving::start(&self.command(&["serve"]))?)
    }

    /// Devices that have enrolled.
    pub(crate) async fn devices(&self, server: &Serving, count: usize) -> Outcome<Vec<Device>> {
        let roots = self.roots()?;
        let operator = self.run(&["api-tokens", "bootstrap"])?;
        let mut devices = Vec::new();
        for number in 0..count {
            let name = format!("gateway-{number}");
            let mut command = self.command(&["enrollment-tokens", "create", &name]);
            command.env("RENEWAL_SERVER", server.api()).env("RENEWAL_TOKEN", operator.trim_end());
            let token = finish(command)?;
            let key = KeyPair::generate()?;
            let mut device = Device { name, key, roots: Arc::clone(&roots), certificate: Vec::new() };
            let mut connection = Connection::open(server.address(), &roots, None).await?;
            let field = token_field(&device.name, token.trim_end());
            device.certificate = device.post(&mut connection, "simpleenroll", &field).await?;
            devices.push(device);
        }
        Ok(devices)
    }

    fn run(&self, arguments: &[&str]) -> Outcome<String> {
        finish(self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("renewal"));
        command.current_dir(self.directory.path()).args(arguments);
        command.env("RENEWAL_CONFIG", "site/renewal.toml").env("RENEWAL_LOGGING__LEVEL", "info");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn finish(mut command: Command) -> Outcome<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A device with a key and its newest certificate (DER).
pub(crate) struct Device {
    name: String,
    pub(crate) key: KeyPair,
    roots: Roots,
    pub(crate) certificate: Vec<u8>,
}

impl Device {
    /// A connection on which it presents its certificate.
    pub(crate) async fn connect(&self, server: SocketAddr) -> Outcome<Connection> {
        let identity = Identity { certificate: &self.certificate, key: &self.key };
        Ok(Connection::open(server, &self.roots, Some(identity)).await?)
    }

    /// Renews over a connection on which the present certificate was presented. With `take`, the next
    /// connection presents the new one.
    pub(crate) async fn renew(&mut self, connection: &mut Connection, take: bool) -> Outcome<()> {
        let certificate = self.post(connection, "simplereenroll", "").await?;
        if take {
            self.certificate = certificate;
        }
        Ok(())
    }

    /// A request of its own.
    pub(crate) fn request(&self) -> Outcome<Vec<u8>> {
        Ok(certificate_request(&self.name, &self.key)?)
    }

    async fn post(&self, connection: &mut Connection, operation: &str, field: &str) -> Outcome<Vec<u8>> {
        let (head, body) = message(operation, field, &self.request()?);
        connection.send(&format!("{head}{body}")).await?;
        let answer = connection.answer().await?;
        Ok(answer.certificate()?)
    }
}

/// Asks for the certificates of the authority, which costs the server next to nothing.
pub(crate) async fn cacerts(connection: &mut Connection) -> Outcome<()> {
    connection.send("GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    match connection.answer().await?.status {
        200 => Ok(()),
        status => Err(format!("answered with {status}").into()),
    }
}

/// The number that the benchmark is given as `--name value`.
pub(crate) fn number(name: &str, otherwise: usize) -> Outcome<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument.trim_start_matches("--") != name);
    match arguments.nth(1) {
        Some(value) => Ok(value.replace('_', "").parse()?),
        None => Ok(otherwise),
    }
}
