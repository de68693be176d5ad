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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_twelve_digits_or_by_six() {
        let run: RunId = "0123456789ab".parse().unwrap();
        assert_eq!((run.as_str(), run.short(), run.to_string().as_str()), ("0123456789ab", "012345", "0123456789ab"));
        for bad in ["", "0123456789a", "0123456789abc", "0123456789AB", "0123456789ag"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?} was taken");
            let json = serde_json::to_string(bad).unwrap();
            assert!(serde_json::from_str::<RunId>(&json).is_err(), "{json} was taken");
        }
        assert_ne!(RunId::random().unwrap(), RunId::random().unwrap());
    }
}
