//! Which server a command talks to, and with which token: one rule, in [`Options::endpoint`].

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::contexts::{self, Context, Contexts};
use crate::config::{self, Config};
use crate::files;
use crate::secret::Secret;

/// The file beside a configuration that has a token for its server.
pub(crate) const TOKEN_FILE: &str = "operator.token";

/// What a command is told about the server.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Options {
    /// URL of the server's API, else that of `RENEWAL_SERVER`
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File with the token, - for standard input
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The token itself, else that of `RENEWAL_TOKEN`, which others on this machine do not see
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<Secret>,
    /// CA certificate of the server, if it is a private one, else that of `RENEWAL_CA`
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Saved context to use: see `renewal context`
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "server")]
    context: Option<String>,
}

/// What the environment says about the server.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    server: Option<String>,
    token: Option<Secret>,
    ca: Option<PathBuf>,
    config: Option<PathBuf>,
}

/// A server, and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The URL, without a slash at its end.
    pub(crate) server: String,
    pub(crate) token: Secret,
    /// The CA certificate, where that is a private one.
    pub(crate) ca: Option<PathBuf>,
}

/// What one source says.
struct Found {
    server: String,
    token: Option<Secret>,
    ca: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment.
    pub(crate) fn read() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let text = |name| set(name).and_then(|value| value.into_string().ok());
        Self {
            server: text("RENEWAL_SERVER"),
            token: text("RENEWAL_TOKEN").map(|token| Secret::new(&token)),
            ca: set("RENEWAL_CA").map(PathBuf::from),
            config: set(config::VARIABLE).map(PathBuf::from),
        }
    }
}

impl Options {
    /// Refuses these options with a command that talks to no server.
    ///
    /// # Errors
    /// The first option that was given.
    pub(crate) fn refuse_with(&self, command: &str) -> Result<()> {
        let given = [
            ("--server", self.server.is_some()),
            ("--token-file", self.token_file.is_some()),
            ("--token", self.token.is_some()),
            ("--ca", self.ca.is_some()),
            ("--context", self.context.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => bail!(
                "`{command}` works on the ledger of the configuration and talks to no server: leave {option} out"
            ),
            None => Ok(()),
        }
    }

    /// The server and the token. The first of these that is there names the server:
    ///
    /// 1. `--server`, `--context`, `--config`
    /// 2. `RENEWAL_SERVER`, `RENEWAL_CONFIG`
    /// 3. the current saved context; the configuration `renewal.toml` in this directory
    ///
    /// A saved context has its token, a configuration that in `operator.token` beside it; neither
    /// is ever sent to another server. A token that is given in the same way or one further up
    /// wins.
    pub(crate) fn endpoint(&self, config: Option<&Path>) -> Result<Endpoint> {
        self.endpoint_in(config, &Environment::read(), Contexts::read(&contexts::file()?))
    }

    fn endpoint_in(
        &self,
        config: Option<&Path>,
        environment: &Environment,
        saved: Result<Contexts>,
    ) -> Result<Endpoint> {
        let (found, by_flag) = match self.flagged(config, &saved)? {
            Some(found) => (found, true),
            None => (elsewhere(environment, &saved?)?, false),
        };
        let given = self.given_token()?;
        let others = if by_flag && found.token.is_some() {
            found.token
        } else {
            environment.token.clone().or(found.token)
        };
        let token = given.or(others).with_context(|| {
            format!("no token for {}: give --token-file, or set RENEWAL_TOKEN", found.server)
        })?;
        let ca = self.ca.clone().or(found.ca).or_else(|| environment.ca.clone());
        Ok(Endpoint { server: address(&found.server)?, token, ca })
    }

    /// The server that a flag names.
    fn flagged(&self, config: Option<&Path>, saved: &Result<Contexts>) -> Result<Option<Found>> {
        if let Some(server) = &self.server {
            return Ok(Some(Found::unknown(server)));
        }
        if let Some(name) = &self.context {
            let saved = saved.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            return Ok(Some(saved.named(name)?.into()));
        }
        config.map(Found::by_config).transpose()
    }

    /// The token that a flag gives.
    fn given_token(&self) -> Result<Option<Secret>> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        read_token(file).map(Some)
    }
}

/// The server that no flag names.
fn elsewhere(environment: &Environment, saved: &Contexts) -> Result<Found> {
    if let Some(server) = &environment.server {
        return Ok(Found::unknown(server));
    }
    if let Some(file) = &environment.config {
        return Found::by_config(file);
    }
    if let Some(context) = saved.current() {
        return Ok(context.into());
    }
    let here = Path::new(config::FILE);
    if here.exists() {
        return Found::by_config(here);
    }
    bail!("which server? Name its configuration with --config, or its URL with --server, or save a context")
}

impl Endpoint {
    /// Whether the token can be read on its way.
    pub(super) fn is_in_the_clear(&self) -> bool {
        self.server.starts_with("http:") && !self.is_here()
    }

    /// Whether the server is on this machine.
    pub(super) fn is_here(&self) -> bool {
        let host =
            reqwest::Url::parse(&self.server).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
        let Some(host) = host else { return false };
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl Found {
    fn unknown(server: &str) -> Self {
        Self { server: server.to_owned(), token: None, ca: None }
    }

    /// The server that a configuration is of, on this machine.
    fn by_config(file: &Path) -> Result<Self> {
        let config = Config::read(file)?;
        let token = file.with_file_name(TOKEN_FILE);
        let token = if token.exists() { Some(read_token(&token)?) } else { None };
        Ok(Self { server: local(config.api.listen)?, token, ca: None })
    }
}

impl From<&Context> for Found {
    fn from(context: &Context) -> Self {
        Self { server: context.server.clone(), token: Some(context.token.clone()), ca: context.ca.clone() }
    }
}

/// The URL at which a listener of this machine is reached from it.
fn local(listen: SocketAddr) -> Result<String> {
    if listen.port() == 0 {
        bail!("api.listen names no port: give the server's URL with --server");
    }
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Ok(format!("http://{}", SocketAddr::new(address, listen.port())))
}

/// A URL as it is used: http or https, without a slash at its end.
pub(super) fn address(server: &str) -> Result<String> {
    let url = reqwest::Url::parse(server).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let Some(url) = url.filter(|url| url.has_host() && url.query().is_none() && url.username().is_empty())
    else {
        bail!("{server:?} is no URL of a server; write it like https://renewal.example:8080");
    };
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// A token from a file, or from standard input.
pub(super) fn read_token(file: &Path) -> Result<Secret> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        String::from_utf8(files::read(file)?)
            .ok()
            .with_context(|| format!("{} is no text", file.display()))?
    };
    let token = Secret::new(&text);
    if token.reveal().is_empty() || token.reveal().contains(char::is_whitespace) {
        bail!("{} has no token: one word, and nothing else", file.display());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Contexts {
        let mut contexts = Contexts::default();
        for name in ["current", "named"] {
            let server = format!("https://{name}.example/");
            contexts.add(name, Context { server, token: Secret::new(name), ca: Some(name.into()) });
        }
        contexts
    }

    fn environment() -> Environment {
        Environment {
            server: Some("http://environment:8080".into()),
            token: Some(Secret::new("environment")),
            ca: Some("environment".into()),
            config: None,
        }
    }

    fn flags(server: Option<&str>, token: Option<&str>, context: Option<&str>) -> Options {
        Options {
            server: server.map(ToOwned::to_owned),
            token: token.map(Secret::new),
            context: context.map(ToOwned::to_owned),
            ..Options::default()
        }
    }

    /// Server and token.
    fn chosen(options: &Options, environment: &Environment) -> (String, String) {
        let endpoint = options.endpoint_in(None, environment, Ok(saved())).unwrap();
        (endpoint.server, endpoint.token.reveal().to_owned())
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_current_context() {
        let pair = |server: &str, token: &str| (server.to_owned(), token.to_owned());
        let (nothing, set) = (Environment::default(), environment());
        let current = pair("https://current.example", "current");
        assert_eq!(chosen(&flags(None, None, None), &nothing), current);
        assert_eq!(chosen(&flags(None, None, None), &set), pair("http://environment:8080", "environment"));
        assert_eq!(chosen(&flags(None, None, Some("named")), &set), pair("https://named.example", "named"));
        assert_eq!(
            chosen(&flags(Some("http://flag"), Some("flag"), None), &set),
            pair("http://flag", "flag")
        );
        assert_eq!(
            chosen(&flags(None, Some("flag"), None), &nothing),
            pair("https://current.example", "flag")
        );
        let only_token = Environment { server: None, ..environment() };
        assert_eq!(
            chosen(&flags(None, None, None), &only_token),
            pair("https://current.example", "environment")
        );
    }

    #[test]
    fn a_saved_token_goes_to_no_other_server() {
        let options = flags(Some("http://other"), None, None);
        let error = options.endpoint_in(None, &Environment::default(), Ok(saved())).unwrap_err();
        assert!(error.to_string().contains("--token-file"), "{error}");
    }

    #[test]
    fn options_about_a_server_are_refused_where_none_is_asked() {
        flags(None, None, None).refuse_with("api-tokens bootstrap").unwrap();
        for (options, name) in [
            (flags(Some("http://other"), None, None), "leave --server out"),
            (flags(None, Some("flag"), None), "leave --token out"),
            (flags(None, None, Some("named")), "leave --context out"),
        ] {
            let error = options.refuse_with("api-tokens bootstrap").unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for wrong in ["renewal.example", "ftp://renewal.example", "http://", "http://user@host", "x y"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert_eq!(address("https://renewal.example/below/").unwrap(), "https://renewal.example/below");
    }

    #[test]
    fn only_this_machine_is_reached_in_the_clear_without_a_word() {
        let clear = |server: &str| {
            let server = server.to_owned();
            Endpoint { server, token: Secret::new("hush"), ca: None }.is_in_the_clear()
        };
        for good in
            ["http://localhost:8080", "http://127.0.0.2", "http://[::1]:80", "https://renewal.example"]
        {
            assert!(!clear(good), "{good}");
        }
        assert!(clear("http://renewal.example") && clear("http://192.0.2.1:8080"));
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        assert_eq!(local("0.0.0.0:80".parse().unwrap()).unwrap(), "http://127.0.0.1:80");
        assert_eq!(local("[::]:80".parse().unwrap()).unwrap(), "http://[::1]:80");
        assert!(local("127.0.0.1:0".parse().unwrap()).is_err());
    }
}
