//! The names that a permission to enroll grants.

use renewal_domain::GrantedNames;
use tracing::warn;

use super::attribute_pattern::AttributePattern;
use super::pattern_error::InvalidPattern;
use super::policy::parse_all;
use super::san_pattern::SanPattern;

/// Names that a token or a bootstrap rule grants to a device, in addition to what the
/// [`NamePolicy`](crate::NamePolicy) of the profile permits. Each is a pattern; one without variables
/// grants one name. The default grants nothing.
///
/// ```
/// # use csr_service::NameGrant;
/// # use renewal_domain::GrantedNames;
/// let names = GrantedNames::new(["O=Example Ltd"], ["DNS:gw.example", "URI:spiffe://corp/x"])?;
/// let grant = NameGrant::try_from(&names)?;
/// assert_eq!(grant.san().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameGrant {
    subject: Vec<AttributePattern>,
    san: Vec<SanPattern>,
}

impl NameGrant {
    /// Grants nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self::new(Vec::new(), Vec::new())
    }

    /// Grants what these patterns permit.
    #[must_use]
    pub const fn new(subject: Vec<AttributePattern>, san: Vec<SanPattern>) -> Self {
        Self { subject, san }
    }

    /// Grants what was recorded with a token. A text that this version cannot read grants nothing, and
    /// is logged; `try_from` finds it before it is recorded.
    #[must_use]
    pub fn recorded(names: &GrantedNames) -> Self {
        Self { subject: readable(names.subject()), san: readable(names.san()) }
    }

    /// What permits attributes of the subject.
    #[must_use]
    pub fn subject(&self) -> &[AttributePattern] {
        &self.subject
    }

    /// What permits subject alternative names.
    #[must_use]
    pub fn san(&self) -> &[SanPattern] {
        &self.san
    }
}

impl TryFrom<&GrantedNames> for NameGrant {
    type Error = InvalidPattern;

    fn try_from(names: &GrantedNames) -> Result<Self, InvalidPattern> {
        Ok(Self { subject: parse_all(names.subject())?, san: parse_all(names.san())? })
    }
}

fn readable<P: std::str::FromStr<Err = InvalidPattern>>(texts: &[String]) -> Vec<P> {
    let read =
        |text: &String| text.parse().inspect_err(|error| warn!(%error, "a granted name is ignored")).ok();
    texts.iter().filter_map(read).collect()
}
