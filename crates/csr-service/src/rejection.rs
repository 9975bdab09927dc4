//! A refusal: a reason and a detail that is safe to show, log and store.

use renewal_domain::text::clean;

use crate::reason::Reason;

/// A request that is refused. The requester's fault, never the service's.
///
/// Shown as `code: sentence (detail)`. The detail may quote what the requester sent; control
/// characters and those that change the direction of writing are replaced, and it is cut, so it
/// can go into a log line, a terminal or a ledger as it is. It never holds key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    reason: Reason,
    detail: String,
}

impl Rejection {
    /// A rejection with a detail; the detail is made safe and cut at 200 bytes.
    #[must_use]
    pub fn new(reason: Reason, detail: impl AsRef<str>) -> Self {
        Self { reason, detail: clean(detail.as_ref(), 200) }
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What exactly, in this request; may be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The reason's sentence, with the detail in it when there is one.
    #[must_use]
    pub fn message(&self) -> String {
        let sentence = self.reason.sentence();
        match self.detail.as_str() {
            "" => sentence.into(),
            detail => format!("{} ({detail}).", sentence.trim_end_matches('.')),
        }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason.code(), self.message())
    }
}

impl std::error::Error for Rejection {}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Self::new(reason, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_shows_code_sentence_and_detail() {
        let rejection = Rejection::new(Reason::CsrVersion, "version 2");
        assert_eq!(
            rejection.to_string(),
            "csr_version: The certificate request has a version other than v1 (version 2)."
        );
        assert_eq!(
            Rejection::from(Reason::Denied).to_string(),
            "denied: A person looked at the request and denied it."
        );
    }

    #[test]
    fn a_hostile_detail_is_made_harmless() {
        let rejection = Rejection::new(Reason::SubjectCnLength, "a\u{1b}[2J\n\u{202e}b".repeat(99));
        assert!(!rejection.detail().contains(['\u{1b}', '\n', '\u{202e}']));
        assert!(rejection.detail().len() <= 200);
    }
}
