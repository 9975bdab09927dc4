//! `[retention]`: how old history is pruned.

use std::time::Duration;

use serde::Deserialize;

/// `[retention]`: for how long history is kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// For ever unless set.
    #[serde(deserialize_with = "super::span")]
    pub(crate) older_than: Option<Duration>,
    /// How many attempts of each device stay however old they are.
    pub(crate) keep_last: u32,
    /// How often the server removes the rest.
    #[serde(deserialize_with = "super::span")]
    pub(crate) interval: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { older_than: None, keep_last: 1, interval: None }
    }
}
