//! The identity of one run.

use std::{fmt, str::FromStr};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::hash::hex;

/// 48 random bits as 12 hex digits: the value of the `HyperframesSmokeRun` tag
/// and the root of every name that the run gives away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The tag on the stack, and on everything that the run creates itself.
    pub const TAG: &'static str = "HyperframesSmokeRun";

    /// A fresh id from the system's random source.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0u8; 6];
        getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
        Ok(Self(hex(&bytes)))
    }

    /// All 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 6 digits, enough to tell the runs of one second apart.
    pub fn short(&self) -> &str {
        &self.0[..6]
    }
}

impl FromStr for RunId {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        ensure!(text.len() == 12 && text.chars().all(hex), "{text:?} is not a run id (12 lower-case hex digits)");
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
