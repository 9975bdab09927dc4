//! Settings that were written differently before: each is refused, and the error says what to write now.

use anyhow::{Result, bail};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::Value;

/// How a setting changed.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// It has another name.
    Renamed(&'static str),
    /// One of its values, the first, has another name.
    Value(&'static str, &'static str),
    /// Its list of file names became a list of tables, of this form.
    Tables(&'static str),
    /// It is gone, for this reason.
    Removed(&'static str),
}

/// Every setting that changed, by its old name.
const CHANGES: [(&str, Change); 9] = [
    ("log", Change::Renamed("logging")),
    ("issuer.earlier", Change::Renamed("issuer.previous")),
    (
        "issuer.trusted",
        Change::Tables("[[issuer.trusted]] with certificate = PATH and organisation = UUID or \"any\""),
    ),
    (
        "issuer.recorded_only",
        Change::Removed("certificates of our own authority must always be recorded now"),
    ),
    ("profile.window", Change::Renamed("profile.earliest_renewal")),
    ("profile.enrollment", Change::Value("by-hand", "manual")),
    ("profile.renewal", Change::Value("by-hand", "manual")),
    ("profile.recovery", Change::Value("by-hand", "manual")),
    ("retention.every", Change::Renamed("retention.interval")),
];

/// Refuses the text of a file that has an old setting.
///
/// # Errors
/// The old setting, and what to write now.
pub(super) fn refuse_in_file(text: &str) -> Result<()> {
    match found(&Figment::from(Toml::string(text))) {
        Some((old, change)) => bail!(change.explain(old, &new_name(change, old, ""))),
        None => Ok(()),
    }
}

/// Refuses environment variables that set an old setting.
///
/// # Errors
/// The old variable, and what to set now.
pub(super) fn refuse_in_environment(variables: &Env) -> Result<()> {
    let names = variables.iter().map(|(name, _)| name.as_str().to_lowercase());
    refuse_variables(&Figment::from(variables.clone()), &names.collect::<Vec<_>>())
}

/// Refuses old settings of the environment, where the variables have these names as settings.
fn refuse_variables(read: &Figment, names: &[String]) -> Result<()> {
    let Some((old, change)) = found(read) else { return Ok(()) };
    // A section is set by the variables of its settings.
    let below = |name: &String| name.strip_prefix(old).map(str::to_owned).filter(|rest| is_below(rest));
    let rest = names.iter().find_map(below).unwrap_or_default();
    let now = variable(&new_name(change, old, &rest));
    bail!("the environment: {}", change.explain(&variable(&format!("{old}{rest}")), &now))
}

fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('.')
}

/// The first old setting that is there.
fn found(read: &Figment) -> Option<(&'static str, Change)> {
    let there = |(name, change): &(&str, Change)| {
        read.find_value(name).is_ok_and(|value| match change {
            Change::Renamed(_) | Change::Removed(_) => true,
            Change::Value(old, _) => value.as_str() == Some(old),
            Change::Tables(_) => value.as_array().is_some_and(|list| list.iter().any(is_text)),
        })
    };
    CHANGES.into_iter().find(there)
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some()
}

/// The name that a setting, or one below it, has now.
fn new_name(change: Change, old: &str, rest: &str) -> String {
    match change {
        Change::Renamed(now) => format!("{now}{rest}"),
        Change::Value(..) | Change::Tables(_) | Change::Removed(_) => format!("{old}{rest}"),
    }
}

/// The environment variable of a setting.
fn variable(setting: &str) -> String {
    format!("RENEWAL_{}", setting.to_uppercase().replace('.', "__"))
}

impl Change {
    /// What is wrong with a setting, and what to write now.
    fn explain(self, old: &str, now: &str) -> String {
        match self {
            Self::Renamed(_) => format!("the setting {old} is called {now} now: rename it"),
            Self::Value(was, is) => format!("{old}: the value {was} is called {is} now: write {is:?}"),
            Self::Tables(form) => format!("{old} is a list of tables now: write {form}"),
            Self::Removed(why) => format!("the setting {old} was removed: {why}; take it out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags};

    /// Every old setting as a line of a file, as a variable, and what is said of it in both.
    const OLD: [(&str, &str, &str, &str); 9] = [
        (
            "log.level = \"info\"",
            "log.level",
            "setting log is called logging now",
            "RENEWAL_LOGGING__LEVEL now",
        ),
        (
            "issuer.earlier = [{ certificate = \"0\" }]",
            "issuer.earlier",
            "setting issuer.earlier is called issuer.previous now",
            "RENEWAL_ISSUER__PREVIOUS now",
        ),
        (
            "issuer.trusted = [\"0\"]",
            "issuer.trusted",
            "issuer.trusted is a list of tables now: write [[issuer.trusted]] with certificate",
            "RENEWAL_ISSUER__TRUSTED is a list of tables now",
        ),
        (
            "issuer.recorded_only = false",
            "issuer.recorded_only",
            "issuer.recorded_only was removed: certificates of our own authority must always be recorded now",
            "RENEWAL_ISSUER__RECORDED_ONLY was removed",
        ),
        (
            "profile.window = \"30d\"",
            "profile.window",
            "setting profile.window is called profile.earliest_renewal now",
            "RENEWAL_PROFILE__EARLIEST_RENEWAL now",
        ),
        (
            "profile.enrollment = \"by-hand\"",
            "profile.enrollment",
            "profile.enrollment: the value by-hand is called manual now",
            "RENEWAL_PROFILE__ENROLLMENT: the value by-hand is called manual",
        ),
        (
            "profile.renewal = \"by-hand\"",
            "profile.renewal",
            "profile.renewal: the value by-hand is called manual now",
            "RENEWAL_PROFILE__RENEWAL: the value by-hand is called manual",
        ),
        (
            "profile.recovery = \"by-hand\"",
            "profile.recovery",
            "profile.recovery: the value by-hand is called manual now",
            "RENEWAL_PROFILE__RECOVERY: the value by-hand is called manual",
        ),
        (
            "retention.every = \"24h\"",
            "retention.every",
            "setting retention.every is called retention.interval now",
            "RENEWAL_RETENTION__INTERVAL now",
        ),
    ];

    #[test]
    fn every_old_setting_of_a_file_is_refused_with_what_to_write_now() {
        for (&(line, ..), (changed, _)) in OLD.iter().zip(CHANGES) {
            assert!(line.starts_with(changed), "{line}: the test is of {changed}");
        }
        for (line, _, expected, _) in OLD {
            let said = Config::of_text(line, Path::new("site/renewal.toml"), &Flags::new()).unwrap_err();
            let said = format!("{said:#}");
            assert!(said.starts_with("in site/renewal.toml: ") && said.contains(expected), "{said}");
        }
    }

    #[test]
    fn every_old_setting_of_the_environment_is_refused_with_what_to_set_now() {
        for (line, name, _, expected) in OLD {
            let names = ["store.url".to_owned(), name.to_owned()];
            let said = refuse_variables(&Figment::from(Toml::string(line)), &names).unwrap_err().to_string();
            assert!(said.starts_with("the environment: ") && said.contains(expected), "{said}");
            assert!(said.contains(&variable(name)), "{said}");
        }
    }

    #[test]
    fn what_is_written_as_it_should_be_is_not_refused() {
        let text = "logging.level = \"info\"\nprofile.renewal = \"manual\"\nretention.interval = \"1h\"\n\
                    [[issuer.trusted]]\ncertificate = \"0\"\n";
        refuse_in_file(text).unwrap();
    }
}
