//! Labels: which organisation a path is about (RFC 7030, section 3.2.2).

use std::collections::HashMap;

use renewal_domain::OrgId;

/// What follows `/.well-known/est/` when there is no label: every operation that RFC 7030 names,
/// whether it is offered here or not.
const OPERATIONS: [&str; 6] =
    ["cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"];

/// Why a text cannot be a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// It is the name of an operation, which RFC 7030 forbids.
    #[error("it is the name of an EST operation")]
    Operation,
    /// It is empty, too long, or has other characters than a path takes as they are.
    #[error("a label has 1 to 64 of the characters a-z A-Z 0-9 - . _ ~, and is not made of dots alone")]
    Characters,
    /// It stands for another organisation already.
    #[error("it stands for another organisation already")]
    Taken,
}

/// The organisations by their labels, and the one that a path without a label is about.
#[derive(Debug, Clone)]
pub(super) struct Labels {
    default: OrgId,
    by_label: HashMap<String, OrgId>,
}

impl Labels {
    pub(super) fn new(default: OrgId) -> Self {
        Self { default, by_label: HashMap::new() }
    }

    pub(super) fn add(&mut self, label: String, org: OrgId) -> Result<(), InvalidLabel> {
        check(&label)?;
        match self.by_label.insert(label, org) {
            Some(other) if other != org => Err(InvalidLabel::Taken),
            _ => Ok(()),
        }
    }

    /// Every organisation, each once.
    pub(super) fn organisations(&self) -> Vec<OrgId> {
        let mut all: Vec<_> = self.by_label.values().copied().chain([self.default]).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The organisation of a path with this label, or with none.
    pub(super) fn organisation(&self, label: Option<&str>) -> Option<OrgId> {
        label.map_or(Some(self.default), |label| self.by_label.get(label).copied())
    }
}

fn check(label: &str) -> Result<(), InvalidLabel> {
    if OPERATIONS.contains(&label) {
        return Err(InvalidLabel::Operation);
    }
    // The unreserved characters of RFC 3986, section 2.3; dot segments are removed by clients.
    let unreserved = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let fits = (1..=64).contains(&label.len()) && label.bytes().all(unreserved);
    if fits && label.bytes().any(|octet| octet != b'.') { Ok(()) } else { Err(InvalidLabel::Characters) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: OrgId = OrgId::new(uuid::Uuid::from_u128(1));
    const TWO: OrgId = OrgId::new(uuid::Uuid::from_u128(2));

    #[test]
    fn a_label_leads_to_its_organisation_and_none_to_the_default() {
        let mut labels = Labels::new(ONE);
        labels.add("factory-2".into(), TWO).unwrap();
        assert_eq!(labels.organisation(Some("factory-2")), Some(TWO));
        assert_eq!(labels.organisation(None), Some(ONE));
        assert_eq!(labels.organisation(Some("Factory-2")), None);
    }

    #[test]
    fn the_name_of_an_operation_is_no_label() {
        for operation in OPERATIONS {
            assert_eq!(Labels::new(ONE).add(operation.into(), TWO), Err(InvalidLabel::Operation));
        }
    }

    #[test]
    fn a_label_is_one_plain_path_segment() {
        for label in ["", ".", "..", "a/b", "a b", "ä", "%41", &"a".repeat(65)] {
            assert_eq!(Labels::new(ONE).add(label.into(), TWO), Err(InvalidLabel::Characters), "{label}");
        }
        assert_eq!(Labels::new(ONE).add("a".repeat(64), TWO), Ok(()));
    }

    #[test]
    fn a_label_stands_for_one_organisation() {
        let mut labels = Labels::new(ONE);
        labels.add("a".into(), TWO).unwrap();
        assert_eq!(labels.add("a".into(), TWO), Ok(()));
        assert_eq!(labels.add("a".into(), ONE), Err(InvalidLabel::Taken));
    }
}
