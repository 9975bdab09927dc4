//! A length of time as people write it: `10m`, `24h`, `30d`.

use std::str::FromStr;
use std::time::Duration;

/// A length of time: a number from 1 to 999,999,999, and a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Period(pub(super) Duration);

/// The text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is a number and a unit out of s, m, h, d, as 10m, 24h or 30d")]
pub(super) struct InvalidPeriod;

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let (at, unit) = text.char_indices().last().ok_or(InvalidPeriod)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(InvalidPeriod),
        };
        let number = &text[..at];
        let plain = number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
        let number: u64 = number.parse().map_err(|_| InvalidPeriod)?;
        if !plain || number > 999_999_999 {
            return Err(InvalidPeriod);
        }
        Ok(Self(Duration::from_secs(number * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_a_unit() {
        let seconds = |text: &str| text.parse::<Period>().map(|period| period.0.as_secs());
        assert_eq!(seconds("10m"), Ok(600));
        assert_eq!(seconds("30d"), Ok(2_592_000));
        assert_eq!(seconds("999999999d"), Ok(999_999_999 * 86_400));
        for wrong in ["", "m", "10", "0m", "010m", "+1m", "-1m", "1w", "1 m", "1.5h", "1000000000s", "1é"] {
            assert_eq!(seconds(wrong), Err(InvalidPeriod), "{wrong}");
        }
    }
}
