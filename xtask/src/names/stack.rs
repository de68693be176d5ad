//! CloudFormation stack names.

use std::{fmt, str::FromStr};

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};

use super::RunId;

/// A stack name by CloudFormation's rule: a letter, then letters, digits and
/// hyphens, 128 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// The name for a run of `command` that was given none: the epoch for people,
    /// the run id so that two runs of one second differ.
    pub fn for_run(command: &str, epoch_s: u64, run: &RunId) -> Self {
        Self(format!("hyperframes-{command}-{epoch_s}-{}", run.short()))
    }

    /// The name as CloudFormation takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        ensure!(!text.is_empty(), "a stack name can't be empty");
        ensure!(text.len() <= 128, "a stack name has at most 128 characters, this one has {}", text.len());
        ensure!(
            text.starts_with(|c: char| c.is_ascii_alphabetic()),
            "a stack name starts with a letter, {text:?} does not"
        );
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            bail!("a stack name has only letters, digits and hyphens, {text:?} has {bad:?}");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for StackName {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.parse()
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_cloudformations_rule() {
        for good in ["a", "Stack-1", "hyperframes-lambda-smoke-1700000000-abc123"] {
            assert_eq!(good.parse::<StackName>().unwrap().as_str(), good);
        }
        for bad in ["", "1bad", "-a", "a_b", "a b", "ä", "a.b", &"a".repeat(129)] {
            assert!(bad.parse::<StackName>().is_err(), "{bad:?} was taken");
        }
    }
}
