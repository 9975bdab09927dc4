//! What a person says with a decision.

use super::model::Note;
use super::problem::Problem;

/// A note that is not too long; empty if there is none. `field` is what the body calls it.
pub(super) fn note(field: &str, text: Option<String>) -> Result<String, Problem> {
    let text = text.unwrap_or_default();
    let length = text.chars().count();
    if length > Note::LONGEST {
        let longest = Note::LONGEST;
        let why =
            format!("{field}: it has {length} characters, and at most {longest} are recorded; shorten it");
        return Err(Problem::InvalidBody(why));
    }
    Ok(text)
}
