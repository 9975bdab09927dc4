//! The commands that talk to a running server, over its HTTP API.

mod actions;
mod answer;
mod api_tokens;
mod attempts;
pub(crate) mod bootstrap;
mod certs;
mod client;
mod connection;
mod context;
mod contexts;
mod devices;
mod enrollment_tokens;
mod events;
mod filters;
mod history;
mod listing;
mod organisations;
mod requests;
mod revocations;
mod story;
mod summary;
mod timeline;

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use client::Client;
use connection::Options;
pub(crate) use connection::TOKEN_FILE;
pub(crate) use filters::span;

use crate::config;
use crate::printer::Format;

/// A command of the server's operators: plural, with the singular as an alias.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What happened: renewals and recoveries, and how they ended
    #[command(alias = "event")]
    Events(Of<events::Command>),
    /// Export the whole history
    History(Of<history::Command>),
    /// One device
    #[command(alias = "device")]
    Devices(Of<devices::Command>),
    /// Attempts that have not ended
    #[command(alias = "attempt")]
    Attempts(With<attempts::Arguments>),
    /// Requests that wait for a person: what they ask for, and the decision
    #[command(alias = "request")]
    Requests(Of<requests::Command>),
    /// Certificates that were issued
    #[command(alias = "cert")]
    Certs(Of<certs::Command>),
    /// Certificates that were revoked, of the own authority and of others
    #[command(alias = "revocation")]
    Revocations(Of<revocations::Command>),
    /// Who decided or did what
    #[command(alias = "action")]
    Actions(Of<actions::Command>),
    /// The organisation, and the emergency stop of its certificates
    #[command(alias = "organisation")]
    Organisations(Of<organisations::Command>),
    /// Tokens with which devices enroll, each once
    #[command(alias = "enrollment-token")]
    EnrollmentTokens(Of<enrollment_tokens::Command>),
    /// Tokens of operators and their programs
    #[command(alias = "api-token")]
    ApiTokens(Of<api_tokens::Command>),
    /// Fleet health
    Summary(With<summary::Arguments>),
    /// Saved servers, each with a token
    #[command(subcommand)]
    Context(context::Command),
}

/// A command with commands of its own, and the server that it is about.
#[derive(Debug, Args)]
pub(crate) struct Of<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    server: Options,
}

/// A command with arguments, and the server that it is about.
#[derive(Debug, Args)]
pub(crate) struct With<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    server: Options,
}

/// What every command is told: how to print, and the configuration if one is named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Globals<'a> {
    pub(crate) format: Format,
    pub(crate) config: Option<&'a Path>,
}

/// Runs a command.
pub(crate) async fn run(command: Command, globals: Globals<'_>) -> Result<()> {
    let connect = async |server: &Options| Client::connect(&server.endpoint(globals.config)?).await;
    let format = globals.format;
    match command {
        Command::Events(Of { command, server }) => {
            events::run(&connect(&server).await?, format, command).await
        }
        Command::History(Of { command, server }) => {
            history::run(&connect(&server).await?, format, &command).await
        }
        Command::Devices(Of { command, server }) => {
            devices::run(&connect(&server).await?, format, command).await
        }
        Command::Attempts(With { arguments, server }) => {
            attempts::run(&connect(&server).await?, format, &arguments).await
        }
        Command::Requests(Of { command, server }) => {
            requests::run(&connect(&server).await?, format, command).await
        }
        Command::Certs(Of { command, server }) => certs::run(&connect(&server).await?, format, command).await,
        Command::Revocations(Of { command, server }) => {
            revocations::run(&connect(&server).await?, format, command).await
        }
        Command::Actions(Of { command, server }) => {
            actions::run(&connect(&server).await?, format, command).await
        }
        Command::Organisations(Of { command, server }) => {
            organisations::run(&connect(&server).await?, format, command).await
        }
        Command::EnrollmentTokens(Of { command, server }) => {
            enrollment_tokens::run(&connect(&server).await?, format, command).await
        }
        Command::ApiTokens(Of { command: api_tokens::Command::Bootstrap(arguments), server }) => {
            server.refuse_with("api-tokens bootstrap")?;
            bootstrap::run(&config::file(globals.config), &arguments).await
        }
        Command::ApiTokens(Of { command: api_tokens::Command::Served(command), server }) => {
            api_tokens::run(&connect(&server).await?, format, command).await
        }
        Command::Summary(With { arguments, server }) => {
            summary::run(&connect(&server).await?, format, &arguments).await
        }
        Command::Context(command) => context::run(globals, command).await,
    }
}
