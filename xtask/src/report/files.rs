//! The files of an artifact folder in memory. Pure.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The files of an artifact folder in memory, by their relative paths: the names of all, and the
/// text of those that reports are made from.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Option<String>>);

impl Files {
    /// Adds a file; `text` is `None` when only its name matters.
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

    /// The text of a file; `None` when there is no such file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Parses a JSON file; `None` when there is none.
    ///
    /// # Errors
    /// When it is malformed: the error has the name of the file and the line of the problem. And when a figure in it
    /// is out of all proportion, because sums of such figures would be wrong.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some(figure) = serde_json::from_str(text).ok().and_then(|value: Value| monstrous(&value)) {
            bail!("{name} was not written by this tool: no run measures {figure}");
        }
        let read = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
            let shown: String = line.chars().take(MAX_SHOWN).collect();
            anyhow::Error::new(error).context(format!("at `{shown}`"))
        });
        read.map(Some).with_context(|| format!("{name} was not written by this tool"))
    }
}

/// Figures are below this: milliseconds of 30,000 years, and bytes of a petabyte.
const GREATEST: f64 = 1e15;

/// The first figure that no run measures.
fn monstrous(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            number.as_f64().is_none_or(|figure| figure.abs() > GREATEST).then(|| number.to_string())
        }
        Value::Array(values) => values.iter().find_map(monstrous),
        Value::Object(fields) => fields.values().find_map(monstrous),
        _ => None,
    }
}

/// A line of JSON is one field, unless someone removed the line breaks, characters.
const MAX_SHOWN: usize = 80;
