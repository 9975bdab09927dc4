//! `migrate`: the tables of the ledger.

use std::path::Path;

use anyhow::Result;

use crate::config::Config;
use crate::setup::{self, Tables};

/// Makes the tables, or brings them up to date.
pub(crate) async fn run(file: &Path) -> Result<()> {
    let config = Config::read(file)?;
    let store = setup::open_store(&config, Tables::UpToDate).await?;
    store.close().await?;
    println!("The tables of the ledger are up to date.");
    Ok(())
}
