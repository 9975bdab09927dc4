//! How a requested subject differs from the presented one, so that a person can see it.

use super::attribute::Attribute;
use super::subject::Subject;

/// In what the subjects differ; for those that are not equal.
///
/// Two subjects that read the same can differ in their string types, or in characters that look alike. Then
/// that is what is said, for the sentence "requested A, presented A" would help nobody.
pub(crate) fn difference(requested: &Subject, presented: &Subject) -> String {
    let (ours, theirs) = (requested.attributes(), presented.attributes());
    let same_kinds = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.kind() == b.kind());
    if !same_kinds {
        return format!("requested {requested}, presented {presented}");
    }
    let differing = ours.iter().zip(theirs).filter(|(a, b)| a != b);
    differing.map(|(a, b)| of_attribute(a, b)).collect::<Vec<_>>().join("; ")
}

fn of_attribute(requested: &Attribute, presented: &Attribute) -> String {
    let shown = requested.in_a_name();
    if requested.text() == presented.text() {
        let (ours, theirs) = (requested.string_type(), presented.string_type());
        return format!("requested {shown} as {ours}, presented as {theirs}");
    }
    let differ = format!("requested {shown}, presented {}", presented.in_a_name());
    match look_alikes(requested.text(), presented.text()) {
        Some(characters) => format!("{differ}: {characters}"),
        None => differ,
    }
}

/// The first characters that differ, by number, when one of them is beyond ASCII: `é` can be one
/// character or two, and the Cyrillic `О` looks like the Latin one.
fn look_alikes(requested: &str, presented: &str) -> Option<String> {
    let mut ours = requested.chars();
    let mut theirs = presented.chars();
    let (one, other) = loop {
        match (ours.next(), theirs.next()) {
            (Some(a), Some(b)) if a == b => {}
            pair => break pair,
        }
    };
    if [one, other].into_iter().flatten().all(|c| c.is_ascii()) {
        return None;
    }
    let number = |c: Option<char>| c.map_or_else(|| "the end".into(), |c| format!("U+{:04X}", u32::from(c)));
    Some(format!("{} in place of {}", number(one), number(other)))
}
