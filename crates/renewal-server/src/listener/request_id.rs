//! A name for every HTTP request, by which an answer is found in the log.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;

/// The id of one HTTP request: in the header `x-request-id` of its answer, in every line that is
/// logged about it, and in the text of an answer that says the server failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpRequestId {
    process: u32,
    number: u64,
}

impl HttpRequestId {
    /// The id as a header's value.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_str(&self.to_string()).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

impl fmt::Display for HttpRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:08x}", self.process, self.number)
    }
}

/// Counts requests. Servers that log to one place have different random beginnings.
#[derive(Debug)]
pub(super) struct HttpRequestIds {
    process: u32,
    next: AtomicU64,
}

impl HttpRequestIds {
    pub(super) fn new() -> Self {
        // Without a random generator ids are still unique within the process.
        Self { process: getrandom::u32().unwrap_or_default(), next: AtomicU64::new(1) }
    }

    pub(super) fn next(&self) -> HttpRequestId {
        HttpRequestId { process: self.process, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_and_fit_into_a_header() {
        let ids = HttpRequestIds { process: 0xabc, next: AtomicU64::new(255) };
        assert_eq!(ids.next().header(), "00000abc-000000ff");
        assert_eq!(ids.next().to_string(), "00000abc-00000100");
    }
}
