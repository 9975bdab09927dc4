//! Saved contexts: servers, each with its token, in a file of the user's that nobody else can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::secret::Secret;

/// Every saved context, and which of them is used where none is named.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

/// A server, and the token for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    pub(crate) server: String,
    pub(crate) token: Secret,
    /// The CA certificate of the server, where that is a private one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

impl Contexts {
    /// Reads the file; there are none where there is no file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = String::from_utf8(files::read(file)?).ok();
        // What is wrong with it is not shown: the line may be that of a token.
        text.and_then(|text| toml::from_str(&text).ok()).with_context(|| {
            format!("{} is damaged: correct or remove it, and add its contexts again", file.display())
        })
    }

    /// Writes the file, 0600, in the place of the old one.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        if let Some(directory) = file.parent() {
            files::make_directory(directory)?;
        }
        Ok(files::write(
            file,
            toml::to_string(self)?.as_bytes(),
            files::Mode::Secret,
            files::Existing::Replace,
        )?)
    }

    /// Saves a context, in the place of one with the same name. The first one becomes current.
    pub(crate) fn add(&mut self, name: &str, context: Context) {
        self.contexts.insert(name.to_owned(), context);
        self.current.get_or_insert_with(|| name.to_owned());
    }

    /// Makes a context the current one.
    pub(crate) fn set_current(&mut self, name: &str) -> Result<()> {
        self.named(name)?;
        self.current = Some(name.to_owned());
        Ok(())
    }

    /// Forgets a context.
    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        self.named(name)?;
        self.contexts.remove(name);
        self.current.take_if(|current| current == name);
        Ok(())
    }

    /// The context with a name.
    pub(crate) fn named(&self, name: &str) -> Result<&Context> {
        self.contexts.get(name).ok_or_else(|| {
            anyhow!("there is no saved context {name}; `renewal context list` shows those that there are")
        })
    }

    /// The current one, if there is one.
    pub(crate) fn current(&self) -> Option<&Context> {
        self.contexts.get(self.current.as_ref()?)
    }

    /// Whether this is the name of the current one.
    pub(crate) fn is_current(&self, name: &str) -> bool {
        self.current.as_deref() == Some(name)
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.contexts.iter().map(|(name, context)| (name.as_str(), context))
    }
}

/// Where the file is: `renewal/contexts.toml` in the user's directory of configurations.
pub(crate) fn file() -> Result<PathBuf> {
    let base = etcetera::choose_base_strategy()
        .context("it is not known where your configurations are; set HOME or XDG_CONFIG_HOME")?;
    Ok(base.config_dir().join("renewal").join("contexts.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(server: &str) -> Context {
        Context { server: server.to_owned(), token: Secret::new("hush"), ca: None }
    }

    #[test]
    fn the_first_context_is_the_current_one_until_it_is_removed() {
        let mut contexts = Contexts::default();
        contexts.add("home", context("http://home"));
        contexts.add("work", context("http://work"));
        assert_eq!(contexts.current().unwrap().server, "http://home");
        contexts.set_current("work").unwrap();
        contexts.remove("work").unwrap();
        assert_eq!(contexts.current(), None);
        assert!(contexts.set_current("work").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn contexts_survive_in_a_file_that_only_the_owner_can_read() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("renewal/contexts.toml");
        assert_eq!(Contexts::read(&file).unwrap(), Contexts::default());
        let mut contexts = Contexts::default();
        contexts.add("home", context("http://home"));
        contexts.write(&file).unwrap();
        contexts.add("work", context("http://work"));
        contexts.write(&file).unwrap();
        assert_eq!(Contexts::read(&file).unwrap(), contexts);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{contexts:?}").contains("hush"));
    }
}
