//! How two subjects differ.

use crate::names::{RawName, Subject, difference};
use crate::test_support::{cn, part, seq};

const UTF8: u8 = 12;
const PRINTABLE: u8 = 19;

fn subject(parts: &[Vec<u8>]) -> Subject {
    Subject::judge(&RawName::from_der(&seq(parts)).unwrap()).unwrap()
}

fn organisation(tag: u8, name: &str) -> Vec<u8> {
    part("2.5.4.10", tag, name)
}

#[test]
fn other_text_is_shown_on_both_sides() {
    let works = subject(&[organisation(UTF8, "Works"), cn("a")]);
    let other = subject(&[organisation(UTF8, "works"), cn("a")]);
    assert_eq!(difference(&other, &works), "requested O=works, presented O=Works");
    assert_eq!(difference(&subject(&[cn("a")]), &works), "requested CN=a, presented O=Works, CN=a");
    let turned = subject(&[cn("a"), organisation(UTF8, "Works")]);
    assert_eq!(difference(&turned, &works), "requested CN=a, O=Works, presented O=Works, CN=a");
}

#[test]
fn names_that_read_the_same_are_told_apart_by_their_string_types() {
    let presented = subject(&[organisation(UTF8, "Works"), cn("a")]);
    let requested = subject(&[organisation(PRINTABLE, "Works"), cn("a")]);
    assert_eq!(
        difference(&requested, &presented),
        "requested O=Works as PrintableString, presented as UTF8String"
    );
    let both = subject(&[organisation(PRINTABLE, "Works"), cn("b")]);
    assert_eq!(
        difference(&both, &presented),
        "requested O=Works as PrintableString, presented as UTF8String; requested CN=b, presented CN=a"
    );
}

#[test]
fn names_that_look_the_same_are_told_apart_by_their_characters() {
    for (requested, presented, characters) in [
        ("Zähler", "Za\u{308}hler", "U+00E4 in place of U+0061"),
        ("\u{41e}ffice", "Office", "U+041E in place of U+004F"),
        ("a\u{301}", "a", "U+0301 in place of the end"),
        ("a", "a\u{200b}", "the end in place of U+200B"),
    ] {
        let said = difference(&subject(&[cn(requested)]), &subject(&[cn(presented)]));
        assert!(said.ends_with(&format!(": {characters}")), "{said}");
    }
    let said = difference(&subject(&[cn("a ")]), &subject(&[cn("a")]));
    assert_eq!(said, "requested CN=a\\ , presented CN=a");
}
