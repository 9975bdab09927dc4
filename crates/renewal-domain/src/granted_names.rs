//! The names that a permission to enroll grants, as text.

use serde::{Deserialize, Serialize};

use crate::text::is_unsafe;

/// Names that somebody granted to a device beside its common name, such as `O=Example Ltd` and
/// `DNS:gw-1.example`.
///
/// Each is text that is safe to store and to show. What it means, and whether a certificate can have
/// such a name, is for the certificate service to say: this crate knows no X.509.
///
/// ```
/// # use renewal_domain::GrantedNames;
/// let names = GrantedNames::new(["O=Example Ltd"], ["DNS:gw-1.example", "IP:192.0.2.7"])?;
/// assert_eq!(names.subject(), ["O=Example Ltd"]);
/// assert_eq!(names.san().len(), 2);
/// # Ok::<(), renewal_domain::InvalidGrantedNames>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct GrantedNames {
    subject: Vec<String>,
    san: Vec<String>,
}

/// Why texts cannot be granted names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGrantedNames {
    /// There are too many of one kind.
    #[error("{count} names for the {of} are too many: grant at most {} of them", GrantedNames::MAX_NAMES)]
    TooMany {
        /// What they are for: `subject` or `subject alternative names`.
        of: &'static str,
        /// How many there are.
        count: usize,
    },
    /// One is empty or too long.
    #[error("a granted name has 1 to {max} octets, this one has {0}: shorten it", max = GrantedNames::MAX_NAME_BYTES)]
    Length(usize),
    /// One has a control character, or one that changes the direction of text.
    #[error("a granted name must not contain control or text-direction characters (U+{0:04X}): remove it")]
    Unsafe(u32),
}

impl GrantedNames {
    /// The most names for the subject, and the most alternative names.
    pub const MAX_NAMES: usize = 16;

    /// The longest name, in octets of UTF-8.
    pub const MAX_NAME_BYTES: usize = 255;

    /// Takes attributes for the subject and alternative names.
    ///
    /// # Errors
    /// [`InvalidGrantedNames`] says which bound they break.
    pub fn new<T: Into<String>>(
        subject: impl IntoIterator<Item = T>,
        san: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidGrantedNames> {
        Ok(Self {
            subject: checked(subject.into_iter().map(Into::into).collect(), "subject")?,
            san: checked(san.into_iter().map(Into::into).collect(), "subject alternative names")?,
        })
    }

    /// Attributes that the subject may have beside the common name.
    #[must_use]
    pub fn subject(&self) -> &[String] {
        &self.subject
    }

    /// Subject alternative names that the certificate may have.
    #[must_use]
    pub fn san(&self) -> &[String] {
        &self.san
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subject.is_empty() && self.san.is_empty()
    }
}

fn checked(texts: Vec<String>, of: &'static str) -> Result<Vec<String>, InvalidGrantedNames> {
    if texts.len() > GrantedNames::MAX_NAMES {
        return Err(InvalidGrantedNames::TooMany { of, count: texts.len() });
    }
    for text in &texts {
        if !(1..=GrantedNames::MAX_NAME_BYTES).contains(&text.len()) {
            return Err(InvalidGrantedNames::Length(text.len()));
        }
        if let Some(c) = text.chars().find(|c| is_unsafe(*c)) {
            return Err(InvalidGrantedNames::Unsafe(c.into()));
        }
    }
    Ok(texts)
}

/// The form in which they are stored, before it is checked. A missing list is an empty one.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Unchecked {
    subject: Vec<String>,
    san: Vec<String>,
}

impl TryFrom<Unchecked> for GrantedNames {
    type Error = InvalidGrantedNames;

    fn try_from(names: Unchecked) -> Result<Self, InvalidGrantedNames> {
        Self::new(names.subject, names.san)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_granted_comes_back_from_json_as_it_was() {
        let names = GrantedNames::new(["O=Example Ltd"], ["DNS:gw-1.example"]).unwrap();
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(json, r#"{"subject":["O=Example Ltd"],"san":["DNS:gw-1.example"]}"#);
        assert_eq!(serde_json::from_str::<GrantedNames>(&json).unwrap(), names);
        assert_eq!(serde_json::from_str::<GrantedNames>("{}").unwrap(), GrantedNames::default());
        assert!(GrantedNames::default().is_empty() && !names.is_empty());
    }

    #[test]
    fn too_many_too_long_and_deceptive_names_are_refused() {
        let new = |names: &[&str]| GrantedNames::new(names.iter().copied(), []).unwrap_err();
        assert_eq!(new(&["O=a"; 17]), InvalidGrantedNames::TooMany { of: "subject", count: 17 });
        assert_eq!(new(&[""]), InvalidGrantedNames::Length(0));
        assert_eq!(new(&[&"é".repeat(128)]), InvalidGrantedNames::Length(256));
        assert_eq!(new(&["O=a", "O=\u{202e}b"]), InvalidGrantedNames::Unsafe(0x202e));
        assert!(GrantedNames::new(vec!["a".repeat(255); 16], vec!["b".repeat(255); 16]).is_ok());
        let of_names = GrantedNames::new([], ["DNS:a"; 17]).unwrap_err();
        assert_eq!(
            of_names.to_string(),
            "17 names for the subject alternative names are too many: grant at most 16 of them"
        );
    }

    #[test]
    fn json_is_held_to_the_same_bounds() {
        for json in [r#"{"san":[""]}"#, r#"{"subject":["a\u0000"]}"#, r#"{"names":["DNS:a"]}"#] {
            assert!(serde_json::from_str::<GrantedNames>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_texts_are_kept_as_they_are_or_refused(texts in vec(".{0,80}", 0..18)) {
            if let Ok(names) = GrantedNames::new([], texts.clone()) {
                prop_assert_eq!(names.san(), texts);
            }
        }
    }
}
