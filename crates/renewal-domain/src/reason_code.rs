//! Why an attempt failed, as a code that can be counted.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why an attempt failed, as a code that can be counted: `[a-z0-9_]`, 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReasonCode(Cow<'static, str>);

/// The text can't be a reason code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason code has 1 to 64 characters out of a-z, 0-9 and _")]
pub struct InvalidReasonCode;

impl ReasonCode {
    /// Takes a code that keeps the rule.
    ///
    /// # Errors
    /// [`InvalidReasonCode`] when it does not.
    pub fn new(code: impl Into<String>) -> Result<Self, InvalidReasonCode> {
        let code = code.into();
        if is_code(&code) { Ok(Self(code.into())) } else { Err(InvalidReasonCode) }
    }

    /// Takes a code that is part of the program.
    ///
    /// # Panics
    /// When it breaks the rule; in a constant, at compile time.
    #[must_use]
    pub const fn from_static(code: &'static str) -> Self {
        assert!(is_code(code), "a reason code has 1 to 64 characters out of a-z, 0-9 and _");
        Self(Cow::Borrowed(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= 64
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ReasonCode {
    type Err = InvalidReasonCode;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::new(code)
    }
}

impl TryFrom<String> for ReasonCode {
    type Error = InvalidReasonCode;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::new(code)
    }
}

impl From<ReasonCode> for String {
    fn from(code: ReasonCode) -> Self {
        code.0.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_plain() {
        assert!(ReasonCode::new("key_too_weak_2").is_ok());
        for wrong in ["", "Key", "a-b", "a b", "é", &"a".repeat(65)] {
            assert_eq!(ReasonCode::new(wrong), Err(InvalidReasonCode), "{wrong:?}");
        }
    }
}
