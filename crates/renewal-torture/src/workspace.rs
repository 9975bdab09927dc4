//! A directory that `renewal init` made, and the program that runs in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;
use uuid::Uuid;

/// The organisation of paths without a label.
pub(crate) const HERE: Uuid = Uuid::nil();

/// The organisation with the label `east`.
pub(crate) const EAST: Uuid = Uuid::from_u128(0xea57);

/// The common name of the authority that the fleet comes from.
pub(crate) const FORMER_AUTHORITY: &str = "Former CA";

/// How long an enrollment token is good: enough for the worst that a clock is stepped.
pub(crate) const TOKEN_LIFETIME: &str = "366d";

/// A workspace, with an authority of its own and one that the fleet comes from.
#[derive(Debug)]
pub(crate) struct Workspace {
    directory: TempDir,
    program: PathBuf,
    former: CertifiedIssuer<'static, KeyPair>,
}

impl Workspace {
    /// Makes a workspace whose ledger is named by the environment of each command.
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("renewal-torture-").tempdir()?;
        let former = authority(FORMER_AUTHORITY)?;
        let workspace = Self { directory, program: tests::binary("renewal"), former };
        workspace.run(Command::new(&workspace.program).arg("init").arg(workspace.path("workspace")))?;
        fs::write(workspace.path("workspace/former.pem"), workspace.former.pem())?;
        // Not the one that was just made: it would not be valid yet to a clock that is behind.
        let issuer = authority("Issuing CA")?;
        fs::write(workspace.path("workspace/issuer.pem"), issuer.pem())?;
        fs::write(workspace.path("workspace/issuer.key"), issuer.key().serialize_pem())?;
        fs::set_permissions(workspace.path("workspace/issuer.key"), Permissions::from_mode(0o600))?;
        fs::write(workspace.path("workspace/torture.toml"), configuration())?;
        Ok(workspace)
    }

    /// The certificate (PEM) of the authority that servers are known by.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("workspace/ca.pem")
    }

    /// A file of this name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program, with the ledger at `url`.
    pub(crate) fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RENEWAL_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.directory.path()).args(arguments);
        command.env("RENEWAL_CONFIG", "workspace/torture.toml").env("RENEWAL_STORE__URL", url);
        command
    }

    /// Makes the tables, where nobody has yet.
    pub(crate) fn migrate(&self, url: &str) -> Result<()> {
        self.run(&mut self.command(url, &["migrate"])).map(drop)
    }

    /// An operator's token for an organisation of the ledger at `url`.
    pub(crate) fn operator(&self, url: &str, org: Uuid) -> Result<Arc<str>> {
        let token = self.run(
            &mut self.command(url, &["api-tokens", "bootstrap", "--no-expiry", "--org", &org.to_string()]),
        )?;
        Ok(token.trim_end().into())
    }

    /// A certificate (DER) of the former authority, which has expired, with its key.
    pub(crate) fn expired(&self, name: &str, serial: &[u8]) -> Result<(Arc<[u8]>, KeyPair)> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.former)?;
        Ok((certificate.der().to_vec().into(), key))
    }

    /// Runs a command to its end; what it prints.
    fn run(&self, command: &mut Command) -> Result<String> {
        let output = command.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{} cannot be run", self.program.display()))?;
        if !output.status.success() {
            bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// An authority for many years.
fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2039, 1, 1);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// Two organisations; recoveries that a person decides about; deadlines as short as rounds need them; a
/// lifetime that is longer than any two clocks differ; and no limit of attempts.
fn configuration() -> String {
    format!(
        r#"
[store]
url = "sqlite://named-by-the-environment.db"
[issuer]
certificate = "issuer.pem"
key = "issuer.key"
[[issuer.trusted]]
certificate = "former.pem"
organisation = "any"
[api]
listen = "127.0.0.1:0"
[est]
listen = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
attempts_per_device = 1000000
attempts_per_address = 1000000
[organisations]
default = "{HERE}"
[organisations.labels]
east = "{EAST}"
[profile]
lifetime = "400d"
grace = "50y"
recovery = "manual"
approval_period = "3s"
signing_deadline = "1s"
abandon_after = "3s"
"#
    )
}
