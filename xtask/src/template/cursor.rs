//! A place in a template that knows how it was reached, for messages.

use anyhow::anyhow;

use super::yaml::{Node, Value};

/// A node and its path, such as `Resources.RenderFunction.Properties`.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    /// What is there.
    pub node: &'a Node,
    path: String,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    /// What lies at a key, where there is anything.
    pub(super) fn find(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        Some(Self { node, path: self.inner(key) })
    }

    /// What lies at a key.
    ///
    /// # Errors
    /// When nothing does.
    pub(super) fn get(&self, key: &str) -> anyhow::Result<Self> {
        self.find(key).ok_or_else(|| anyhow!("{} is missing{}", self.inner(key), self.place()))
    }

    /// The entries of a mapping.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn entries(&self) -> anyhow::Result<Vec<(&'a str, Self)>> {
        let Value::Map(entries) = &self.node.value else { return Err(self.fault("is no mapping")) };
        Ok(entries.iter().map(|(key, node)| (key.as_str(), Self { node, path: self.inner(key) })).collect())
    }

    /// The text that is written here.
    ///
    /// # Errors
    /// When it is computed, or no text.
    pub(super) fn literal(&self) -> anyhow::Result<&'a str> {
        self.node.literal().ok_or_else(|| self.fault("is no plain text"))
    }

    /// An error about what is here: path, what is wrong, and the line.
    pub(super) fn fault(&self, what: &str) -> anyhow::Error {
        anyhow!("{} {what}{}", self.path, self.place())
    }

    fn inner(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" (line {})", self.node.line) }
    }
}
