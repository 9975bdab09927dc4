//! A listing, page by page until there is enough.

use anyhow::Result;

use super::client::Client;
use crate::printer::{Format, Listed, Printer};

/// How much of a listing to show.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Limit {
    /// Show so many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Limit {
    /// The limit, if there is one.
    fn most(self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

/// Prints a listing.
pub(crate) async fn print<T: Listed>(
    client: &Client,
    format: Format,
    path: &[&str],
    query: Vec<(&'static str, String)>,
    limit: Limit,
) -> Result<()> {
    let mut pages = client.pages(path, query, limit.most());
    let mut printer = Printer::<T>::new(format)?;
    while let Some(items) = pages.next().await? {
        items.into_iter().try_for_each(|item| printer.push(item))?;
    }
    printer.finish()?;
    if pages.has_more() {
        eprintln!("There are more: --limit N shows more of them, --all all.");
    }
    Ok(())
}
