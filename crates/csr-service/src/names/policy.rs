//! The policy of names: which names a first certificate may have.

use std::fmt;
use std::str::FromStr;

use super::attribute_pattern::AttributePattern;
use super::pattern_error::InvalidPattern;
use super::san_pattern::SanPattern;

/// Which names a first certificate may have beside the CN, which the permission to enroll decides. A
/// [`NameGrant`](crate::NameGrant) adds to it. By default: none.
///
/// Renewals and recoveries are not asked: they repeat the names of the certificate that they present.
///
/// ```
/// # use csr_service::{NamePolicy, Profile, SanPolicy, SubjectPolicy};
/// let profile = Profile::builder()
///     .names(NamePolicy {
///         subject: SubjectPolicy::from_patterns(["O=Example Ltd"])?,
///         san: SanPolicy::from_patterns(["DNS:{cn}.devices.example", "URI:urn:uuid:{device_id}"])?,
///     })
///     .build()?;
/// assert_eq!(profile.names().subject.to_string(), "O=Example Ltd");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamePolicy {
    /// What the subject may have beside the CN.
    pub subject: SubjectPolicy,
    /// Which subject alternative names there may be.
    pub san: SanPolicy,
}

/// What a subject may have beside its CN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubjectPolicy {
    /// Nothing: the subject is the CN alone. Written `cn-only`.
    #[default]
    CnOnly,
    /// Any attribute that is valid. Written `any`.
    Any,
    /// Attributes that a pattern permits.
    Patterns(Vec<AttributePattern>),
}

/// Which subject alternative names there may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SanPolicy {
    /// None. Written `none`.
    #[default]
    None,
    /// Any name that is valid. Written `any`.
    Any,
    /// Names that a pattern permits.
    Patterns(Vec<SanPattern>),
}

impl SubjectPolicy {
    /// The policy of these patterns.
    ///
    /// # Errors
    /// [`InvalidPattern`] of the first text that is none.
    pub fn from_patterns<T: AsRef<str>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidPattern> {
        parse_all(patterns).map(Self::Patterns)
    }

    pub(super) fn patterns(&self) -> &[AttributePattern] {
        match self {
            Self::Patterns(patterns) => patterns,
            Self::CnOnly | Self::Any => &[],
        }
    }
}

impl SanPolicy {
    /// The policy of these patterns.
    ///
    /// # Errors
    /// [`InvalidPattern`] of the first text that is none.
    pub fn from_patterns<T: AsRef<str>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidPattern> {
        parse_all(patterns).map(Self::Patterns)
    }

    pub(super) fn patterns(&self) -> &[SanPattern] {
        match self {
            Self::Patterns(patterns) => patterns,
            Self::None | Self::Any => &[],
        }
    }
}

impl FromStr for SubjectPolicy {
    type Err = InvalidPattern;

    /// Reads `cn-only` or `any`; a list of patterns is not one text.
    fn from_str(word: &str) -> Result<Self, InvalidPattern> {
        match word {
            "cn-only" => Ok(Self::CnOnly),
            "any" => Ok(Self::Any),
            _ => Err(InvalidPattern::UnknownPolicy { word: word.into(), allowed: "cn-only or any" }),
        }
    }
}

impl FromStr for SanPolicy {
    type Err = InvalidPattern;

    /// Reads `none` or `any`; a list of patterns is not one text.
    fn from_str(word: &str) -> Result<Self, InvalidPattern> {
        match word {
            "none" => Ok(Self::None),
            "any" => Ok(Self::Any),
            _ => Err(InvalidPattern::UnknownPolicy { word: word.into(), allowed: "none or any" }),
        }
    }
}

impl fmt::Display for SubjectPolicy {
    /// The word, or the patterns with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CnOnly => f.write_str("cn-only"),
            Self::Any => f.write_str("any"),
            Self::Patterns(patterns) => f.write_str(&joined(patterns)),
        }
    }
}

impl fmt::Display for SanPolicy {
    /// The word, or the patterns with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Any => f.write_str("any"),
            Self::Patterns(patterns) => f.write_str(&joined(patterns)),
        }
    }
}

pub(super) fn parse_all<T: AsRef<str>, P: FromStr<Err = InvalidPattern>>(
    texts: impl IntoIterator<Item = T>,
) -> Result<Vec<P>, InvalidPattern> {
    texts.into_iter().map(|text| text.as_ref().parse()).collect()
}

fn joined<P: fmt::Display>(patterns: &[P]) -> String {
    patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
