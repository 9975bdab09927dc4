//! The commands that talk to a running server, over its HTTP API.

mod answer;
mod attempts;
mod certs;
mod client;
mod connection;
mod context;
mod contexts;
mod device;
mod enroll_token;
mod events;
mod export;
mod filters;
mod listing;
mod requests;
mod story;
mod summary;
mod timeline;
mod tokens;

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use client::Client;
use connection::Options;
pub(crate) use connection::TOKEN_FILE;
pub(crate) use filters::span;

use crate::printer::Format;

/// A command of the server's operators.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What happened: renewals and recoveries, and how they ended
    Events(Of<events::Command>),
    /// One device
    Device(Of<device::Command>),
    /// Attempts that have not ended
    Attempts(With<attempts::Arguments>),
    /// Requests that wait for a person
    Requests(Of<requests::Command>),
    /// Certificates that were issued
    Certs(Of<certs::Command>),
    /// Tokens with which devices enroll, each once
    EnrollToken(Of<enroll_token::Command>),
    /// Tokens of operators and their programs
    Tokens(Of<tokens::Command>),
    /// How the fleet does
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
        Command::Device(Of { command, server }) => {
            device::run(&connect(&server).await?, format, command).await
        }
        Command::Attempts(With { arguments, server }) => {
            attempts::run(&connect(&server).await?, format, &arguments).await
        }
        Command::Requests(Of { command, server }) => {
            requests::run(&connect(&server).await?, format, command).await
        }
        Command::Certs(Of { command, server }) => certs::run(&connect(&server).await?, format, command).await,
        Command::EnrollToken(Of { command, server }) => {
            enroll_token::run(&connect(&server).await?, format, command).await
        }
        Command::Tokens(Of { command, server }) => {
            tokens::run(&connect(&server).await?, format, command).await
        }
        Command::Summary(With { arguments, server }) => {
            summary::run(&connect(&server).await?, format, &arguments).await
        }
        Command::Context(command) => context::run(globals, command).await,
    }
}
