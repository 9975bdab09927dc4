//! When to try again (RFC 9110, section 10.2.3).

use std::time::Duration;

use axum::http::HeaderValue;

/// When to try again while the store cannot be reached.
pub(crate) const RETRY_STORE: Duration = Duration::from_secs(30);

/// When to try again after somebody else decided at the same moment.
pub(crate) const RETRY_SOON: Duration = Duration::from_secs(2);

/// A time to wait, in whole seconds and never none (RFC 9110, section 10.2.3).
pub(crate) fn seconds(duration: Duration) -> HeaderValue {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_is_rounded_up() {
        assert_eq!(seconds(Duration::ZERO), "1");
        assert_eq!(seconds(Duration::from_millis(1_001)), "2");
        assert_eq!(seconds(Duration::from_mins(1)), "60");
    }
}
