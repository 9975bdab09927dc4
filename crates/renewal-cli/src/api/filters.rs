//! What a filter is told on the command line: instants, spans of time, names.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use renewal_domain::{Clock, SystemClock};

/// A span of time such as `90d`, `12h` or `30m`.
pub(crate) fn span(text: &str) -> Result<Duration> {
    humantime::parse_duration(text).ok().context("write a time like 90d, 12h or 30m")
}

/// A span as the API takes it: in whole seconds, at least one.
pub(crate) fn told(span: Duration) -> String {
    format!("{}s", span.as_secs().max(1))
}

/// An instant: a time of RFC 3339, a date, or how long ago.
pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>> {
    instant_at(SystemClock.now(), text)
}

/// An instant as the API takes it.
pub(crate) fn told_instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn instant_at(now: DateTime<Utc>, text: &str) -> Result<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
    let Some(time) = ago.and_then(|ago| now.checked_sub_signed(ago)) else {
        bail!("write a time like 2026-01-31, 2026-01-31T12:00:00Z, or 24h for so long ago")
    };
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_time_a_date_or_so_long_ago() {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let read = |text| instant_at(now, text).map(told_instant).ok();
        assert_eq!(read("2026-01-30T13:00:00+01:00").as_deref(), Some("2026-01-30T12:00:00Z"));
        assert_eq!(read("2026-01-30").as_deref(), Some("2026-01-30T00:00:00Z"));
        assert_eq!(read("36h").as_deref(), Some("2026-01-30T00:00:00Z"));
        assert_eq!(read("yesterday"), None);
        assert_eq!(read("999999999999y"), None);
    }

    #[test]
    fn a_span_is_at_least_a_second() {
        assert_eq!(told(span("90d").unwrap()), "7776000s");
        assert_eq!(told(span("1ms").unwrap()), "1s");
    }
}
