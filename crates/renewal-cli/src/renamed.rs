//! Commands that had other names before: each is refused, and the error says what it is called now.

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Old and new names of commands, with the commands that they belong to.
const COMMANDS: [(&str, &str); 4] = [
    ("enroll-token", "enrollment-tokens"),
    ("tokens", "api-tokens"),
    ("operator-token", "api-tokens bootstrap"),
    ("events export", "history export"),
];

/// The error about an unknown command, or another that says the new name where it is an old one.
pub(crate) fn explained(error: Error, mut program: Command) -> Error {
    let Some(old) = unknown(&error) else { return error };
    match COMMANDS.into_iter().find(|(name, _)| *name == old) {
        Some((_, now)) => {
            let said = format!("the command `{old}` is called `{now}` now");
            program.error(ErrorKind::InvalidSubcommand, said)
        }
        None => error,
    }
}

/// The unknown command, with those before it: `events export`.
fn unknown(error: &Error) -> Option<String> {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    // The usage line is that of the command before it: `Usage: renewal events [OPTIONS] <COMMAND>`.
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    let usage = usage.to_string();
    let words = usage.split_whitespace().skip_while(|word| *word != "renewal").skip(1);
    let before = words.take_while(|word| !word.starts_with(['[', '<']));
    Some(before.chain([name.as_str()]).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::Cli;

    fn said(line: &str) -> (i32, String) {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        let error = explained(error, Cli::command());
        (error.exit_code(), error.to_string())
    }

    #[test]
    fn every_old_command_is_refused_with_its_new_name() {
        for (old, now) in COMMANDS {
            for line in [format!("renewal {old}"), format!("renewal --config x {old} create y --org z")] {
                let (status, said) = said(&line);
                assert_eq!(status, 2, "{said}");
                assert!(said.contains(&format!("the command `{old}` is called `{now}` now")), "{said}");
            }
        }
    }

    #[test]
    fn every_new_name_is_a_command() {
        for (_, now) in COMMANDS {
            let (_, said) = said(&format!("renewal {now} --help"));
            assert!(said.contains(&format!("Usage: renewal {now}")), "{said}");
        }
    }

    #[test]
    fn another_unknown_command_is_refused_as_such() {
        for line in ["renewal evnts", "renewal certs export", "renewal events tokens"] {
            let (status, said) = said(line);
            assert_eq!(status, 2, "{said}");
            assert!(said.contains("unrecognized subcommand"), "{said}");
        }
    }

    #[test]
    fn a_plural_command_has_its_singular_as_an_alias() {
        let singulars = [
            "action",
            "api-token",
            "attempt",
            "cert",
            "device",
            "enrollment-token",
            "event",
            "organisation",
            "request",
            "revocation",
        ];
        for singular in singulars {
            let (_, said) = said(&format!("renewal {singular} --help"));
            assert!(said.contains(&format!("Usage: renewal {singular}s")), "{said}");
        }
    }
}
