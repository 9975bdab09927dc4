//! The configuration: a TOML file, environment variables that win over it, and flags that win over both.

mod est;
mod issuer;
mod names;
mod organisations;
mod profile;
mod renamed;
mod retention;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use renewal_files::AuthenticationKeyFile;
use serde::{Deserialize, Deserializer};

pub(crate) use self::est::{Bootstrap, Est};
pub(crate) use self::issuer::{Issuer, TrustedOrganisation};
pub(crate) use self::organisations::Organisations;
use self::profile::Profile;
use self::retention::Retention;

/// The file, where none is named.
pub(crate) const FILE: &str = "renewal.toml";

/// The environment variable that names another.
pub(crate) const VARIABLE: &str = "RENEWAL_CONFIG";

/// Everything that can be configured. Paths are relative to the file's directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) issuer: Issuer,
    pub(crate) est: Est,
    #[serde(default)]
    pub(crate) api: Api,
    #[serde(default)]
    pub(crate) organisations: Organisations,
    #[serde(default)]
    pub(crate) profile: Profile,
    #[serde(default)]
    pub(crate) retention: Retention,
    #[serde(default)]
    pub(crate) logging: Logging,
    /// Where the file is.
    #[serde(skip)]
    directory: PathBuf,
}

/// `[store]`: where the ledger is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// `sqlite://FILE`, `postgres://…` or `mysql://…`.
    url: String,
    /// The file with the keys that authenticate rows.
    #[serde(default)]
    authentication_key: Option<PathBuf>,
}

/// `[api]`: where operators connect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    pub(crate) listen: SocketAddr,
}

impl Default for Api {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) }
    }
}

/// `[logging]`: what the program prints on standard error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logging {
    pub(crate) format: LogFormat,
    /// As `RUST_LOG` has it; `info` unless set.
    pub(crate) level: Option<String>,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The file that is meant: the one named, that of the environment, or the usual one.
pub(crate) fn file(named: Option<&Path>) -> PathBuf {
    let set = || env::var_os(VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
    named.map(Path::to_owned).or_else(set).unwrap_or_else(|| FILE.into())
}

/// Settings that are given as flags, by their names in the file.
pub(crate) type Flags = Vec<(&'static str, String)>;

impl Config {
    /// Reads the file and the environment.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        Self::read_with(file, &Flags::new())
    }

    /// Reads the file and the environment, and heeds the flags.
    pub(crate) fn read_with(file: &Path, flags: &Flags) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| {
            format!("cannot read the configuration {}; make one with `renewal init DIR`", file.display())
        })?;
        Self::of_text(&text, file, flags)
    }

    /// What the file would mean with this text, in this environment, and with these flags.
    pub(crate) fn of_text(text: &str, file: &Path, flags: &Flags) -> Result<Self> {
        // A setting has a section. What has none is something else's: RENEWAL_CONFIG, say.
        let environment = Env::prefixed("RENEWAL_").filter(|name| name.as_str().contains("__")).split("__");
        renamed::refuse_in_file(text).with_context(|| format!("in {}", file.display()))?;
        renamed::refuse_in_environment(&environment)?;
        let read = Figment::new().merge(Toml::string(text)).merge(environment);
        let read = flags.iter().fold(read, |read, (name, value)| read.merge((*name, value)));
        let mut config: Self = read
            .extract()
            .map_err(|error| anyhow!("{}", explain(&error)))
            .with_context(|| format!("in {}", file.display()))?;
        config.directory = file.parent().map(Path::to_owned).unwrap_or_default();
        organisations::check(&config).with_context(|| format!("in {}", file.display()))?;
        Ok(config)
    }

    /// A path as the file means it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    /// The file with the keys that authenticate rows of the ledger.
    pub(crate) fn authentication_key(&self) -> PathBuf {
        let named = self.store.authentication_key.as_deref();
        self.path(named.unwrap_or(Path::new(AuthenticationKeyFile::NAME)))
    }

    /// The URL of the ledger, a SQLite file being relative to the configuration's directory.
    pub(crate) fn store_url(&self) -> String {
        match self.store.url.strip_prefix("sqlite://") {
            Some(file) if !file.starts_with('/') && !file.starts_with(':') => {
                format!("sqlite://{}", self.directory.join(file).display())
            }
            _ => self.store.url.clone(),
        }
    }
}

/// What is wrong, in words: where, and the known name nearest to an unknown one.
fn explain(error: &figment::Error) -> String {
    let place = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let nearest = known.iter().max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)));
            let hint = nearest.map(|nearest| format!(", did you mean {nearest}?")).unwrap_or_default();
            // The path of an unknown field ends with it, except at the top, where it is there twice.
            let place = if place == format!("{name}.{name}") { name } else { &place };
            format!("there is no setting {place}{hint}")
        }
        Kind::MissingField(name) => {
            let hint = issuer::hint(&place, name).unwrap_or_default();
            format!("the setting {}{name} is missing{hint}", prefix(&error.path))
        }
        kind => format!("{place}: {kind}"),
    }
}

fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(one, other)
}

fn prefix(path: &[String]) -> String {
    path.iter().flat_map(|part| [part, "."]).collect()
}

/// A time span such as `90d`, `12h` or `1y`.
fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    let hint =
        |_| serde::de::Error::custom(format!("{text:?} is no time span; write it like 90d, 12h or 30m"));
    humantime::parse_duration(&text).map(Some).map_err(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const GOOD: &str = r#"
        [store]
        url = "sqlite://ledger.db"
        [issuer]
        certificate = "ca.pem"
        key = "ca.key"
        [est]
        listen = "127.0.0.1:8443"
        certificate = "server.pem"
        key = "server.key"
    "#;

    pub(super) fn read(text: &str) -> Result<Config> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("renewal.toml");
        std::fs::write(&file, text)?;
        Config::read(&file)
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = read(GOOD).unwrap();
        assert!(config.store_url().ends_with("/ledger.db"));
        assert!(config.path(Path::new("ca.pem")).is_absolute());
        assert_eq!(config.path(Path::new("/etc/ca.pem")), Path::new("/etc/ca.pem"));
    }

    #[test]
    fn flags_win_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        std::fs::write(&file, GOOD).unwrap();
        let flags = vec![("api.listen", "[::1]:80".to_owned()), ("store.url", "mysql://ledger".to_owned())];
        let config = Config::read_with(&file, &flags).unwrap();
        assert_eq!(config.api.listen, "[::1]:80".parse().unwrap());
        assert_eq!(config.store_url(), "mysql://ledger");
        assert_eq!(config.est.listen, "127.0.0.1:8443".parse().unwrap());
        assert_eq!(Config::read(&file).unwrap().api.listen, "127.0.0.1:8080".parse().unwrap());
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
        let error = read(&format!("{GOOD}\n[profile]\nlifetme = \"90d\"")).unwrap_err();
        assert!(
            format!("{error:#}").contains("there is no setting profile.lifetme, did you mean lifetime?"),
            "{error:#}"
        );
        let error = read(&format!("{GOOD}\n[profle]")).unwrap_err();
        assert!(format!("{error:#}").contains("no setting profle, did you mean profile?"), "{error:#}");
    }

    #[test]
    fn a_time_span_that_cannot_be_read_is_explained() {
        let error = read(&format!("{GOOD}\n[profile]\ngrace = \"soon\"")).unwrap_err();
        assert!(format!("{error:#}").contains("90d"), "{error:#}");
    }

    #[test]
    fn the_configuration_that_init_writes_says_what_is_the_default() {
        let config = read(include_str!("renewal.toml")).unwrap();
        let usual = csr_service::Profile::builder().build().unwrap();
        let seconds = |span: Option<Duration>| i64::try_from(span.unwrap().as_secs()).unwrap();
        assert_eq!(seconds(config.profile.lifetime), usual.lifetime().num_seconds());
        assert_eq!(seconds(config.profile.grace), usual.grace().num_seconds());
        assert_eq!(seconds(config.profile.approval_period), usual.approval_period().num_seconds());
        assert_eq!(seconds(config.profile.abandon_after), usual.abandon_after().num_seconds());
        assert_eq!(config.profile.signing_deadline, Some(usual.signing_deadline()));
        assert_eq!(config.issuer.crl_validity, Some(Duration::from_hours(24)));
        let limits = renewal_server::AttemptLimits::default();
        assert_eq!(config.est.attempts_per_device, Some(limits.per_device));
        assert_eq!(config.est.attempts_per_address, Some(limits.per_address));
        assert_eq!(config.est.connections, Some(renewal_server::Limits::default().connections));
        assert_eq!(config.api.listen, Api::default().listen);
        assert_eq!(
            renewal_domain::SupersededCertificates::from(config.profile.superseded),
            usual.superseded()
        );
        assert_eq!(renewal_domain::KeyReuse::from(config.profile.key_reuse), usual.key_reuse());
        assert_eq!(config.profile.names.policy(), *usual.names());
        assert_eq!(config.authentication_key(), config.path(Path::new("authentication.key")));
        assert_eq!(config.issuer.adoption(), None);
        assert_eq!(config.retention.older_than, None);
        assert_eq!(config.retention.keep_last, Retention::default().keep_last);
        assert_eq!(config.retention.interval, Some(renewal_server::ScheduledRetention::INTERVAL));
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error = read("[store]\nurl = \"sqlite://x\"").unwrap_err();
        assert!(format!("{error:#}").contains("the setting issuer is missing"), "{error:#}");
    }
}
