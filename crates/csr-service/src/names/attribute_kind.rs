//! The types of attributes that a subject may have, with their string types and upper bounds.

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;
use rcgen::string::PrintableString;

use super::dns;

/// The most characters of an attribute for which RFC 5280 has no bound.
const MAX_OTHER: usize = 255;

/// The type of an attribute (`AttributeType`, RFC 5280, section 4.1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AttributeKind {
    oid: ObjectIdentifier,
    rule: Option<&'static Rule>,
}

/// What RFC 5280, appendix A.1, says of a type.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    number: &'static str,
    /// As OpenSSL or RFC 4519 writes it.
    name: &'static str,
    syntax: Syntax,
    /// In characters.
    max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// `DirectoryString`, of which RFC 5280, section 4.1.2.4, lets new certificates have two forms.
    Directory,
    Printable,
    Ia5,
    /// Two letters (ISO 3166).
    Country,
    /// A label of a DNS name (RFC 4519, section 2.4).
    DomainComponent,
}

#[rustfmt::skip]
const RULES: [Rule; 17] = [
    Rule { number: "2.5.4.3", name: "CN", syntax: Syntax::Directory, max: 64 },
    Rule { number: "2.5.4.4", name: "surname", syntax: Syntax::Directory, max: 32_768 },
    Rule { number: "2.5.4.5", name: "serialNumber", syntax: Syntax::Printable, max: 64 },
    Rule { number: "2.5.4.6", name: "C", syntax: Syntax::Country, max: 2 },
    Rule { number: "2.5.4.7", name: "L", syntax: Syntax::Directory, max: 128 },
    Rule { number: "2.5.4.8", name: "ST", syntax: Syntax::Directory, max: 128 },
    Rule { number: "2.5.4.10", name: "O", syntax: Syntax::Directory, max: 64 },
    Rule { number: "2.5.4.11", name: "OU", syntax: Syntax::Directory, max: 64 },
    Rule { number: "2.5.4.12", name: "title", syntax: Syntax::Directory, max: 64 },
    Rule { number: "2.5.4.41", name: "name", syntax: Syntax::Directory, max: 32_768 },
    Rule { number: "2.5.4.42", name: "givenName", syntax: Syntax::Directory, max: 32_768 },
    Rule { number: "2.5.4.43", name: "initials", syntax: Syntax::Directory, max: 32_768 },
    Rule { number: "2.5.4.44", name: "generationQualifier", syntax: Syntax::Directory, max: 32_768 },
    // The appendix has no bound for it.
    Rule { number: "2.5.4.46", name: "dnQualifier", syntax: Syntax::Printable, max: MAX_OTHER },
    Rule { number: "2.5.4.65", name: "pseudonym", syntax: Syntax::Directory, max: 128 },
    Rule { number: "0.9.2342.19200300.100.1.25", name: "DC", syntax: Syntax::DomainComponent, max: 63 },
    Rule { number: "1.2.840.113549.1.9.1", name: "emailAddress", syntax: Syntax::Ia5, max: 255 },
];

impl AttributeKind {
    pub(super) fn of(oid: ObjectIdentifier) -> Self {
        let number = oid.to_string();
        Self { oid, rule: RULES.iter().find(|rule| rule.number == number) }
    }

    /// The type that is written so: a name, in any case (RFC 4514, section 4), or a number with dots.
    pub(super) fn named(text: &str) -> Option<Self> {
        let rule = RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(text));
        let number = rule.map_or(text, |rule| rule.number);
        ObjectIdentifier::new(number).ok().map(Self::of)
    }

    /// The names that [`named`](Self::named) knows, but for the CN.
    pub(super) fn names() -> String {
        let others: Vec<_> = RULES.iter().map(|rule| rule.name).filter(|name| *name != "CN").collect();
        others.join(", ")
    }

    pub(super) fn is_common_name(self) -> bool {
        self.rule.is_some_and(|rule| rule.name == "CN")
    }

    /// Whether the type is for two letters, of which there is no part.
    pub(super) fn is_country(self) -> bool {
        self.rule.is_some_and(|rule| rule.syntax == Syntax::Country)
    }

    pub(super) fn is_domain_component(self) -> bool {
        self.rule.is_some_and(|rule| rule.syntax == Syntax::DomainComponent)
    }

    /// Checks the string type of a value. The error names the string types that are allowed.
    pub(super) fn check_type(self, tag: Tag) -> Result<(), &'static str> {
        let (allowed, names): (&[Tag], _) = match self.rule.map(|rule| rule.syntax) {
            Some(Syntax::Directory) => {
                (&[Tag::Utf8String, Tag::PrintableString], "a UTF8String or PrintableString")
            }
            Some(Syntax::Printable | Syntax::Country) => (&[Tag::PrintableString], "a PrintableString"),
            Some(Syntax::Ia5 | Syntax::DomainComponent) => (&[Tag::Ia5String], "an IA5String"),
            None => (
                &[Tag::Utf8String, Tag::PrintableString, Tag::Ia5String],
                "a UTF8String, PrintableString or IA5String",
            ),
        };
        if allowed.contains(&tag) { Ok(()) } else { Err(names) }
    }

    /// Checks the text of a value, whatever its string type. The error says what is wrong with it.
    pub(super) fn check_text(self, text: &str) -> Result<(), String> {
        let max = self.rule.map_or(MAX_OTHER, |rule| rule.max);
        let length = text.chars().count();
        if length == 0 {
            return Err(format!("{self} must not be empty"));
        }
        if length > max {
            return Err(format!("{self} has at most {max} characters, this one has {length}"));
        }
        match self.rule.map(|rule| rule.syntax) {
            Some(Syntax::Country) if length != 2 || !text.bytes().all(|b| b.is_ascii_alphabetic()) => {
                Err(format!("{self} is a country code of 2 letters"))
            }
            Some(Syntax::DomainComponent) => {
                dns::check_label(text).map_err(|why| format!("{self} is one label of a DNS name, and {why}"))
            }
            Some(Syntax::Printable) if PrintableString::try_from(text).is_err() => {
                Err(format!("{self} is a PrintableString: letters, digits, spaces and '()+,-./:=? only"))
            }
            Some(Syntax::Ia5) if !text.is_ascii() => Err(format!("{self} is an IA5String: ASCII only")),
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Display for AttributeKind {
    /// As people write it (RFC 4514, section 3, and OpenSSL): `O`; a number when there is no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => f.write_str(rule.name),
            None => self.oid.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_by_its_name_in_any_case_and_by_its_number() {
        for rule in &RULES {
            let kind = AttributeKind::named(rule.name).unwrap();
            assert_eq!(kind.to_string(), rule.name);
            assert_eq!(AttributeKind::named(&rule.name.to_uppercase()), Some(kind));
            assert_eq!(AttributeKind::named(rule.number), Some(kind));
        }
        assert_eq!(AttributeKind::named("1.2.3.4").unwrap().to_string(), "1.2.3.4");
        for text in ["", "X", "O ", "1", "1.2.", "9.9"] {
            assert_eq!(AttributeKind::named(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_type_has_the_bound_of_the_appendix() {
        for (name, max) in [
            ("CN", 64),
            ("O", 64),
            ("OU", 64),
            ("title", 64),
            ("L", 128),
            ("ST", 128),
            ("pseudonym", 128),
            ("serialNumber", 64),
            ("dnQualifier", 255),
            ("DC", 63),
            ("emailAddress", 255),
            ("surname", 32_768),
            ("1.2.3.4", 255),
        ] {
            let kind = AttributeKind::named(name).unwrap();
            assert_eq!(kind.check_text(&"a".repeat(max)), Ok(()), "{name}");
            let said = kind.check_text(&"a".repeat(max + 1)).unwrap_err();
            assert!(said.contains(&format!("at most {max} characters")), "{said}");
            assert!(kind.check_text("").is_err());
        }
        // Characters, not octets.
        assert_eq!(AttributeKind::named("O").unwrap().check_text(&"é".repeat(64)), Ok(()));
    }

    #[test]
    fn each_type_has_the_string_types_of_the_appendix() {
        let (utf8, printable, ia5) = (Tag::Utf8String, Tag::PrintableString, Tag::Ia5String);
        for (name, allowed) in [
            ("CN", &[utf8, printable][..]),
            ("pseudonym", &[utf8, printable]),
            ("C", &[printable]),
            ("serialNumber", &[printable]),
            ("dnQualifier", &[printable]),
            ("DC", &[ia5]),
            ("emailAddress", &[ia5]),
            ("1.2.3.4", &[utf8, printable, ia5]),
        ] {
            let kind = AttributeKind::named(name).unwrap();
            for tag in [utf8, printable, ia5, Tag::BmpString] {
                assert_eq!(kind.check_type(tag).is_ok(), allowed.contains(&tag), "{name} as {tag}");
            }
        }
    }

    #[test]
    fn some_types_have_a_syntax_of_their_own() {
        for (name, text, right) in [
            ("C", "DE", true),
            ("C", "D", false),
            ("C", "D1", false),
            ("C", "Ä", false),
            ("DC", "example", true),
            ("DC", "example.org", false),
            ("DC", "-a", false),
            ("serialNumber", "SN 17/4", true),
            ("serialNumber", "17_4", false),
            ("emailAddress", "ä@example.org", false),
        ] {
            assert_eq!(AttributeKind::named(name).unwrap().check_text(text).is_ok(), right, "{name}={text}");
        }
    }
}
