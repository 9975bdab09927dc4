//! The configuration of the server, TOML.

use std::path::Path;

use renewal_cli::fuzzing::{Meaning, check, read, rolled_over};

use crate::sealed::AUTHORITY;

/// Reads the input as a configuration, puts together what it describes, and changes to another
/// authority. Says whether the configuration is good.
///
/// # Panics
/// When one of these does not hold:
///
/// - what is wrong is said, in some words;
/// - after the change of the authority the new one is the present one, the old one the last of the
///   previous ones, and nothing else has another meaning.
#[must_use]
pub fn config(input: &[u8]) -> bool {
    // A file that is not UTF-8 is not read.
    let Ok(text) = std::str::from_utf8(input) else { return false };
    match read(text) {
        Ok(meaning) => changed(text, meaning),
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
    check(text, &AUTHORITY).inspect_err(|error| assert!(!format!("{error:#}").is_empty())).is_ok()
}

fn changed(text: &str, before: Meaning) {
    // What cannot be edited is left as it is.
    let Ok(changed) = rolled_over(text, "new.pem", "new.key") else { return };
    let after = match read(&changed) {
        Ok(meaning) => meaning,
        Err(error) => panic!("{error:#}, after the change to\n{changed}"),
    };
    assert_eq!(after.present, (Path::new("new.pem").into(), Path::new("new.key").into()), "{changed}");
    let (certificate, key) = before.present;
    assert_eq!(after.previous, [before.previous, vec![(certificate, Some(key))]].concat(), "{changed}");
    assert_eq!(after.rest, before.rest, "{changed}");
}
