//! Text from outside, made safe to store and to show.

/// The longest error message that is stored, in bytes of UTF-8.
pub const MAX_MESSAGE_BYTES: usize = 1024;

/// Whether a character must never reach a terminal, a log or a name: control
/// characters, line separators, and the marks that change the direction of text
/// (Unicode's `Bidi_Control`), with which one name can be made to look like another.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The text with every [unsafe](is_unsafe) character replaced by U+FFFD, cut to at
/// most `max_bytes` bytes between two characters.
#[must_use]
pub fn clean(text: &str, max_bytes: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars() {
        let c = if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c };
        if safe.len() + c.len_utf8() > max_bytes {
            break;
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_direction_characters_are_replaced() {
        assert_eq!(clean("a\0b\nc\u{202E}d\u{2028}", 100), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}");
    }

    #[test]
    fn text_is_cut_between_two_characters() {
        assert_eq!(clean("aé", 2), "a");
        assert_eq!(clean("aé", 3), "aé");
    }

    proptest! {
        #[test]
        fn clean_text_is_safe_short_and_stays_as_it_is(text in "\\PC*|.*", max in 0usize..64) {
            let once = clean(&text, max);
            prop_assert!(once.len() <= max);
            prop_assert!(!once.chars().any(is_unsafe));
            prop_assert_eq!(clean(&once, max), once);
        }

        #[test]
        fn safe_text_that_fits_is_not_changed(text in "[a-zA-Zé€ 0-9]{0,40}") {
            prop_assert_eq!(clean(&text, 200), text);
        }
    }
}
