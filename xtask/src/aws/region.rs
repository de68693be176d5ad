//! Regions and profiles.

use std::str::FromStr;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::{project::names::name_as_text, tools::env::Env};

/// How the regions of a partition begin, the partition, the suffixes of its hosts, and of those with IPv6 addresses (the
/// SDKs' partitions.json), and where its IAM is.
const PARTITIONS: [[&str; 5]; 8] = [
    ["cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1"],
    ["us-gov-", "aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"],
    ["eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"],
    ["us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"],
    ["us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"],
    ["eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"],
    ["us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"],
    // All others.
    ["", "aws", "amazonaws.com", "api.aws", "us-east-1"],
];

/// The regions of all partitions. One that is newer than this list is added here, and NEW_REGION names it until then.
const REGIONS: &str = "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 \
    ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 \
    ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 \
    eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 \
    us-west-2 cn-north-1 cn-northwest-1 eusc-de-east-1 us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 \
    us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1 us-isof-south-1";

/// The suffixes of AWS's own hosts.
pub(crate) fn dns_suffixes() -> impl Iterator<Item = &'static str> {
    PARTITIONS.iter().flat_map(|[_, _, suffix, dual_stack, _]| [*suffix, *dual_stack])
}

/// An AWS region's name, such as `us-east-1` or `us-gov-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(String);

name_as_text!(Region, Profile);

impl Region {
    /// The partition that it is in: what ARNs begin with, behind `arn:`.
    pub fn partition(&self) -> &'static str {
        self.place()[1]
    }

    /// Where IAM of its partition is.
    pub(crate) fn of_iam(&self) -> &'static str {
        self.place()[4]
    }

    /// What the names of its services' hosts end with.
    pub fn dns_suffix(&self) -> &'static str {
        self.place()[2]
    }

    /// What the names of those hosts end with that also have IPv6 addresses.
    pub(crate) fn dual_stack_suffix(&self) -> &'static str {
        self.place()[3]
    }

    /// Refuses a region that no account has, so that a typing error is found before anything is created. NEW_REGION in
    /// `env` names one that is newer than this tool.
    ///
    /// # Errors
    /// When neither the list nor `env` knows the region; the error has the nearest name.
    pub(crate) fn check_exists(&self, env: &Env) -> anyhow::Result<()> {
        let Self(name) = self;
        let is_known = REGIONS.split_whitespace().any(|known| known == name) || env.get("NEW_REGION") == Some(name);
        ensure!(
            is_known,
            "{name:?} is not an AWS region that this tool knows{}; if AWS has added it since, set NEW_REGION={name}",
            nearest(name)
        );
        Ok(())
    }

    fn place(&self) -> [&'static str; 5] {
        let of_prefix = PARTITIONS.into_iter().find(|[prefix, ..]| self.0.starts_with(prefix));
        of_prefix.expect("the last row is that of all others")
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
        ensure!(ok, "{text:?} is not a region's name, which looks like us-east-1{}", nearest(text));
        Ok(Self(text.to_owned()))
    }
}

/// The known region that was probably meant, as the end of a sentence.
fn nearest(text: &str) -> String {
    let distance = |known: &&str| strsim::damerau_levenshtein(&text.to_lowercase(), known);
    let nearest = REGIONS.split_whitespace().min_by_key(distance).filter(|known| distance(known) <= 3);
    nearest.map(|known| format!("; the nearest name is {known}")).unwrap_or_default()
}

/// The name of a profile in the AWS configuration files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(String);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for good in ["us-east-1", "eu-central-2", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"] {
            assert!(good.parse::<Region>().is_ok(), "{good} was refused");
        }
        for bad in ["", "useast1", "us-east", "us-east-1a", "US-EAST-1", "us--1", "us-east-", "http://x"] {
            assert!(bad.parse::<Region>().is_err(), "{bad:?} was taken");
        }
        let says = |bad: &str| bad.parse::<Region>().unwrap_err().to_string();
        assert!(says("EU-CENTRAL-1").ends_with("; the nearest name is eu-central-1"));
        assert!(says("useast1").ends_with("; the nearest name is us-east-1"));
        assert_eq!(says("somewhere"), "\"somewhere\" is not a region's name, which looks like us-east-1");
    }

    #[test]
    fn a_region_that_does_not_exist_is_refused_unless_it_is_called_new() {
        let checked = |name: &str, env: &Env| name.parse::<Region>().unwrap().check_exists(env);
        let env = Env::from([("NEW_REGION", "eu-west-4")]);
        for good in ["us-east-1", "cn-northwest-1", "eu-west-4"] {
            checked(good, &env).unwrap();
        }
        let error = checked("us-esat-1", &env).unwrap_err().to_string();
        assert!(
            error.contains("the nearest name is us-east-1; ") && error.ends_with("NEW_REGION=us-esat-1"),
            "{error}"
        );
        let error = checked("eu-west-4", &Env::default()).unwrap_err().to_string();
        assert!(error.contains("nearest name is eu-west-"), "{error}");
        let error = checked("xx-nowhere-99", &Env::default()).unwrap_err().to_string();
        assert!(!error.contains("nearest"), "{error}");
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
