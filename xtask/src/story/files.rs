//! The files of an artifact folder, once they are read. Pure.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::de::DeserializeOwned;

/// The folder's files by their paths relative to it: the text of those that
/// reports are made of, the names of all.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Option<String>>);

impl Files {
    /// Adds a file; `text` is `None` where only its being there matters.
    pub fn add(&mut self, name: impl Into<String>, text: Option<String>) {
        self.0.insert(name.into(), text);
    }

    /// Every file's name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A file's text; `None` where there is no such file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Reads a JSON file; `None` where there is none.
    ///
    /// # Errors
    /// When it is not what it should be: the error has the file's name, and the
    /// line that the trouble is in.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
            let shown: String = line.chars().take(SHOWN_OF_A_LINE).collect();
            anyhow::Error::new(error).context(format!("at `{shown}`"))
        });
        read.map(Some).with_context(|| format!("{name} is not what this tool writes"))
    }
}

/// A line of JSON is a field, unless someone took the line breaks out.
const SHOWN_OF_A_LINE: usize = 80;
