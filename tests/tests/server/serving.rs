//! A running `renewal serve`, on a site.

use std::ops::{Deref, DerefMut};

use rustix::process::Signal;

use crate::site::Site;

/// A server, killed with this value.
pub(crate) struct Serving(tests::Serving);

impl Serving {
    /// `renewal serve --migrate`, when it has said that it listens.
    #[track_caller]
    pub(crate) fn start(site: &Site) -> Self {
        Self::start_with(site, &["serve", "--migrate"])
    }

    /// The program with these arguments.
    #[track_caller]
    pub(crate) fn start_with(site: &Site, arguments: &[&str]) -> Self {
        match tests::Serving::start(&site.command(arguments)) {
            Ok(serving) => Self(serving),
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Waits until it logs a line with this text; the line.
    #[track_caller]
    pub(crate) fn logged(&mut self, text: &str) -> String {
        self.0.logs(text).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Waits for its end; the exit status, and everything that it logged.
    #[track_caller]
    pub(crate) fn ended(self) -> (Option<i32>, String) {
        self.0.ended().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Stops it with SIGTERM; everything that it logged.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, log) = self.ended();
        assert_eq!(status, Some(0), "{log}");
        log
    }

    /// Ends it at once, without a word to its clients, as a crash does.
    pub(crate) fn kill(self) {
        self.0.kill();
    }
}

impl Deref for Serving {
    type Target = tests::Serving;

    fn deref(&self) -> &tests::Serving {
        &self.0
    }
}

impl DerefMut for Serving {
    fn deref_mut(&mut self) -> &mut tests::Serving {
        &mut self.0
    }
}
