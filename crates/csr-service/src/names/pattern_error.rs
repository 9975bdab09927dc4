//! Why text is no pattern of names.

/// The text is no pattern of names. Every message says what is wrong and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPattern {
    /// It does not begin with the kind of the name.
    #[error("{pattern:?} does not say what kind of name it is: begin it with {allowed}")]
    NoKind {
        /// The text.
        pattern: String,
        /// The kinds that there are.
        allowed: String,
    },
    /// There is no such kind of name.
    #[error("{pattern:?} has the unknown kind {kind:?}: the kinds are {allowed}")]
    UnknownKind {
        /// The text.
        pattern: String,
        /// What stands where the kind is due.
        kind: String,
        /// The kinds that there are.
        allowed: String,
    },
    /// There is no such variable.
    #[error("{pattern:?} has the unknown variable {{{name}}}: the variables are {{cn}} and {{device_id}}")]
    UnknownVariable {
        /// The text.
        pattern: String,
        /// The name of the variable.
        name: String,
    },
    /// A brace has no partner.
    #[error(
        "{0:?} has a brace without its partner: write a variable as {{cn}} or {{device_id}}; no name can have a brace of its own"
    )]
    Brace(String),
    /// No request that is accepted can have such a name.
    #[error("{pattern:?} can never permit a name: {why}")]
    NeverValid {
        /// The text.
        pattern: String,
        /// Which rule of the names it breaks.
        why: String,
    },
    /// The word is none that the policy knows.
    #[error("{word:?} is no policy: write {allowed}, or a list of patterns")]
    UnknownPolicy {
        /// The word.
        word: String,
        /// The words that there are.
        allowed: &'static str,
    },
}
