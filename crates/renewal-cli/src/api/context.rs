//! `context`: servers that are saved with a token, so that commands need not be told each time.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use comfy_table::Cell;
use renewal_server::api::model::Whoami;
use serde::Deserialize;
use serde_json::json;

use super::Globals;
use super::client::Client;
use super::connection::{Endpoint, address, read_token};
use super::contexts::{self, Context, Contexts};
use crate::output;
use crate::printer::{Listed, Printer, Record};

/// What to do with contexts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Save a server with a token, in the place of what had the name; the first one becomes current
    Add(Add),
    /// List the saved contexts; the tokens are not shown
    List,
    /// Make a context the one that is used where no other server is named
    Use {
        /// The context
        name: String,
    },
    /// Forget a context and its token
    Remove {
        /// The context
        name: String,
    },
}

/// What to save.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Name to give it
    name: String,
    /// URL of the server's API
    #[arg(long, value_name = "URL")]
    server: String,
    /// File with the token, - for standard input
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// CA certificate of the server, if it is a private one
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A context without its token.
#[derive(Debug, Deserialize)]
struct Saved {
    name: String,
    server: String,
    ca: Option<PathBuf>,
    current: bool,
}

/// Runs the command.
pub(crate) async fn run(globals: Globals<'_>, command: Command) -> Result<()> {
    let file = contexts::file()?;
    let mut contexts = Contexts::read(&file)?;
    match command {
        Command::Add(add) => {
            let (context, whoami) = tried(&add).await?;
            contexts.add(&add.name, context);
            contexts.write(&file)?;
            let name = &add.name;
            let current = if contexts.is_current(name) { "is the current context" } else { "is saved" };
            output::print(&format!(
                "{name} {current}: {} \"{}\" of organisation {}.",
                whoami.role.as_str(),
                whoami.name,
                whoami.org_id
            ))
        }
        Command::List => {
            let mut printer = Printer::<Saved>::new(globals.format)?;
            for (name, Context { server, ca, .. }) in contexts.iter() {
                let current = contexts.is_current(name);
                printer.push(json!({"name": name, "server": server, "ca": ca, "current": current}))?;
            }
            printer.finish()
        }
        Command::Use { name } => {
            contexts.set_current(&name)?;
            contexts.write(&file)?;
            output::print(&format!("{name} is the current context."))
        }
        Command::Remove { name } => {
            contexts.remove(&name)?;
            contexts.write(&file)?;
            output::print(&format!("{name} is forgotten. Its token is good until it is revoked."))
        }
    }
}

/// A context that works, and whose its token is.
async fn tried(add: &Add) -> Result<(Context, Whoami)> {
    let ca = add.ca.as_ref().map(std::path::absolute).transpose().context("--ca cannot be found")?;
    let (server, token) = (address(&add.server)?, read_token(&add.token_file)?);
    let endpoint = Endpoint { server: server.clone(), token: token.clone(), ca: ca.clone() };
    let whoami = Client::connect(&endpoint).await?.whoami().clone();
    if endpoint.is_in_the_clear() {
        eprintln!("Anybody between here and {server} can read the token: https would keep it secret.");
    }
    Ok((Context { server, token, ca }, whoami))
}

impl Record for Saved {
    const FIELDS: &'static [&'static str] = &["name", "server", "ca", "current"];
}

impl Listed for Saved {
    const NAME: &'static str = "saved contexts";
    const HEADINGS: &'static [&'static str] = &["", "Name", "Server", "CA certificate"];

    fn cells(&self) -> Vec<Cell> {
        let ca = self.ca.as_ref().map(|ca| ca.display().to_string());
        vec![
            Cell::new(if self.current { "*" } else { "" }),
            Cell::new(&self.name),
            Cell::new(&self.server),
            Cell::new(ca.unwrap_or_default()),
        ]
    }
}
