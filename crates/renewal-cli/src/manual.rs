//! `completions` and `man`: what a shell and a reader want to know of the command line itself.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;
use crate::output;

/// `completions`: the completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "renewal", &mut script);
    output::print(String::from_utf8(script)?.trim_end())
}

/// `man`: the page of the command, or those of all commands in a directory.
pub(crate) fn man(dir: Option<&Path>) -> Result<()> {
    let command = Cli::command();
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return output::print(String::from_utf8(page)?.trim_end());
    };
    if !dir.is_dir() {
        bail!("there is no directory {}", dir.display());
    }
    clap_mangen::generate_to(command, dir)
        .with_context(|| format!("cannot write the pages into {}", dir.display()))
}
