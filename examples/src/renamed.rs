//! Options that had other names before: each is refused, and the error says what it is called now.

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Old and new names of options.
const OPTIONS: [(&str, &str); 1] = [("--by-hand", "--manual")];

/// The error about an unknown option, or another that says the new name where it is an old one.
pub(crate) fn explained(error: Error, mut program: Command) -> Error {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return error };
    match OPTIONS.into_iter().find(|(old, _)| old == unknown) {
        Some((old, now)) => {
            program.error(ErrorKind::UnknownArgument, format!("the option `{old}` is called `{now}` now"))
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::Cli;

    fn said(option: &str) -> String {
        let error = Cli::try_parse_from(["csr-signing", "sign", "--csr", "a.csr", option]).unwrap_err();
        explained(error, Cli::command()).to_string()
    }

    #[test]
    fn every_old_option_is_refused_with_its_new_name() {
        for (old, now) in OPTIONS {
            let said = said(old);
            assert!(said.contains(&format!("the option `{old}` is called `{now}` now")), "{said}");
            Cli::try_parse_from(["csr-signing", "sign", "--csr", "a.csr", now]).unwrap();
        }
        assert!(said("--by-foot").contains("unexpected argument"));
    }
}
