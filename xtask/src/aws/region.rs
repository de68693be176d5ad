//! Regions and profiles.

use std::{fmt, str::FromStr};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// How regions of other partitions begin, the partition, and its hosts' suffix (the SDKs' partitions.json).
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
];

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
        self.place().0
    }

    /// What the names of its services' hosts end with.
    pub fn dns_suffix(&self) -> &'static str {
        self.place().1
    }

    fn place(&self) -> (&'static str, &'static str) {
        let other = PARTITIONS.iter().find(|(prefix, ..)| self.0.starts_with(prefix));
        other.map_or(("aws", "amazonaws.com"), |(_, partition, suffix)| (partition, suffix))
    }
}

impl FromStr for Region {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        let ok = parts.len() >= 3
            && (2..=4).contains(&parts[0].len())
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
        for good in ["us-east-1", "eu-central-2", "us-gov-west-1", "us-iso-east-1", "ap-southeast-10", "eusc-de-east-1"]
        {
            assert!(good.parse::<Region>().is_ok(), "{good} was refused");
        }
        for bad in ["", "useast1", "us-east", "us-east-1a", "US-EAST-1", "us--1", "us-east-", "http://x"] {
            assert!(bad.parse::<Region>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn every_partition_has_its_arns_and_hosts() {
        let place = |region: &str| {
            let region: Region = region.parse().unwrap();
            (region.partition(), region.dns_suffix())
        };
        assert_eq!(place("eu-west-1"), ("aws", "amazonaws.com"));
        assert_eq!(place("cn-north-1"), ("aws-cn", "amazonaws.com.cn"));
        assert_eq!(place("us-gov-west-1"), ("aws-us-gov", "amazonaws.com"));
        assert_eq!(place("us-isob-east-1"), ("aws-iso-b", "sc2s.sgov.gov"));
        assert_eq!(place("us-iso-west-1"), ("aws-iso", "c2s.ic.gov"));
        assert_eq!(place("eusc-de-east-1"), ("aws-eusc", "amazonaws.eu"));
        let region: Region = "eu-central-1".parse().unwrap();
        assert_eq!((region.as_str(), region.to_string().as_str()), ("eu-central-1", "eu-central-1"));
    }

    #[test]
    fn profiles() {
        let profile: Profile = "team a/prod".parse().unwrap();
        assert_eq!((profile.as_str(), profile.to_string().as_str()), ("team a/prod", "team a/prod"));
        for bad in ["", "  ", "a\nb", "[x]"] {
            assert!(bad.parse::<Profile>().is_err(), "{bad:?} was taken");
        }
    }
}
