//! `[profile.names]`: which names a first certificate may have, and patterns of names elsewhere.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use csr_service::{InvalidPattern, NamePolicy, SanPolicy, SubjectPolicy};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// `[profile.names]`: which names a first certificate may have beside its CN.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PermittedNames {
    /// `cn-only`, `any`, or patterns of attributes.
    #[serde(deserialize_with = "policy")]
    subject: SubjectPolicy,
    /// `none`, `any`, or patterns of alternative names.
    #[serde(deserialize_with = "policy")]
    san: SanPolicy,
}

impl PermittedNames {
    /// The policy of the profile.
    pub(crate) fn policy(&self) -> NamePolicy {
        NamePolicy { subject: self.subject.clone(), san: self.san.clone() }
    }
}

/// What is written as one word, or as a list of patterns.
trait Policy: FromStr<Err = InvalidPattern> {
    /// The words that there are.
    const WORDS: &'static str;

    fn of_patterns(patterns: &[String]) -> Result<Self, InvalidPattern>;
}

impl Policy for SubjectPolicy {
    const WORDS: &'static str = "\"cn-only\", \"any\", or a list of patterns such as [\"O=Example Ltd\"]";

    fn of_patterns(patterns: &[String]) -> Result<Self, InvalidPattern> {
        Self::from_patterns(patterns)
    }
}

impl Policy for SanPolicy {
    const WORDS: &'static str =
        "\"none\", \"any\", or a list of patterns such as [\"DNS:{cn}.devices.example\"]";

    fn of_patterns(patterns: &[String]) -> Result<Self, InvalidPattern> {
        Self::from_patterns(patterns)
    }
}

/// Reads a policy.
fn policy<'de, D: Deserializer<'de>, P: Policy>(from: D) -> Result<P, D::Error> {
    from.deserialize_any(PolicyVisitor(PhantomData))
}

struct PolicyVisitor<P>(PhantomData<P>);

impl<'de, P: Policy> Visitor<'de> for PolicyVisitor<P> {
    type Value = P;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(P::WORDS)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<P, E> {
        word.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<P, A::Error> {
        let mut patterns = Vec::<String>::new();
        while let Some(pattern) = list.next_element()? {
            patterns.push(pattern);
        }
        P::of_patterns(&patterns).map_err(A::Error::custom)
    }
}

/// Reads a list of patterns.
pub(super) fn patterns<'de, D: Deserializer<'de>, P: FromStr<Err: Display>>(
    from: D,
) -> Result<Vec<P>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{GOOD, read};

    /// What is wrong with these lines behind a good configuration.
    fn said(lines: &str) -> String {
        format!("{:#}", read(&format!("{GOOD}\n{lines}")).unwrap_err())
    }

    #[test]
    fn names_are_a_word_or_a_list_of_patterns() {
        let names = |lines: &str| {
            let policy = read(&format!("{GOOD}\n{lines}")).unwrap().profile.names.policy();
            (policy.subject.to_string(), policy.san.to_string())
        };
        let pair = |subject: &str, san: &str| (subject.to_owned(), san.to_owned());
        assert_eq!(names(""), pair("cn-only", "none"));
        assert_eq!(names("[profile.names]\nsubject = \"any\"\nsan = \"any\""), pair("any", "any"));
        let patterns = "[profile.names]\nsubject = [\"O=Example Ltd\", \"OU={cn}\"]\n\
                        san = [\"DNS:{cn}.devices.example\", \"URI:urn:uuid:{device_id}\"]";
        let expected = pair("O=Example Ltd, OU={cn}", "DNS:{cn}.devices.example, URI:urn:uuid:{device_id}");
        assert_eq!(names(patterns), expected);
    }

    #[test]
    fn a_wrong_policy_is_named_with_its_key_and_its_value() {
        for (lines, parts) in [
            ("profile.names.san = \"all\"", ["profile.names.san", "\"all\" is no policy: write none or any"]),
            ("profile.names.subject = \"cn\"", ["profile.names.subject", "write cn-only or any"]),
            ("profile.names.san = [\"DNS:{name}.x\"]", ["profile.names.san", "unknown variable {name}"]),
            ("profile.names.subject = [\"C=Germany\"]", ["profile.names.subject", "\"C=Germany\""]),
            ("profile.names.san = true", ["profile.names.san", "\"none\", \"any\", or a list of patterns"]),
            ("profile.names.sann = \"none\"", ["profile.names.sann", "did you mean san?"]),
        ] {
            // Before the tables, where dotted keys are those of the whole file.
            let said = format!("{:#}", read(&format!("{lines}\n{GOOD}")).unwrap_err());
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn a_wrong_pattern_of_a_bootstrap_authority_is_named() {
        let bootstrap = "[[est.bootstrap]]\ncertificate = \"a.pem\"\n";
        let wrong = said(&format!("{bootstrap}san = [\"DNS:ok.example\", \"gw.example\"]"));
        assert!(wrong.contains("est.bootstrap.0.san") && wrong.contains("\"gw.example\""), "{wrong}");
        let wrong = said(&format!("{bootstrap}subject = [\"CN=x\"]"));
        assert!(wrong.contains("est.bootstrap.0.subject") && wrong.contains("CN"), "{wrong}");
    }
}
