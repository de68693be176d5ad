//! Regions and profiles.

use std::{fmt, str::FromStr};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// An AWS region's name, such as `us-east-1` or `us-gov-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// The name as the SDK and sam take it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that it is in: what ARNs begin with, behind `arn:`.
    pub fn partition(&self) -> &'static str {
        match self.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl FromStr for Region {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        let ok = parts.len() >= 3
            && parts[0].len() == 2
            && parts[..parts.len() - 1].iter().all(word)
            && parts.last().is_some_and(|n| (1..=2).contains(&n.len()) && n.chars().all(|c| c.is_ascii_digit()));
        ensure!(ok, "{text:?} is not a region's name, which looks like us-east-1");
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a profile in the AWS configuration files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(String);

impl Profile {
    /// The name as AWS_PROFILE takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Profile {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        ensure!(!text.trim().is_empty(), "a profile's name can't be empty");
        ensure!(
            !text.chars().any(|c| c.is_control() || c == '[' || c == ']'),
            "{text:?} can't be a profile's name: it has brackets or control characters"
        );
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for good in ["us-east-1", "eu-central-2", "us-gov-west-1", "us-iso-east-1", "ap-southeast-10"] {
            assert!(good.parse::<Region>().is_ok(), "{good} was refused");
        }
        for bad in ["", "useast1", "us-east", "us-east-1a", "US-EAST-1", "us--1", "us-east-", "http://x"] {
            assert!(bad.parse::<Region>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn profiles() {
        assert!("team a/prod".parse::<Profile>().is_ok());
        for bad in ["", "  ", "a\nb", "[x]"] {
            assert!(bad.parse::<Profile>().is_err(), "{bad:?} was taken");
        }
    }
}
