//! Names of AWS resources, validated once.

use std::str::FromStr;

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::aws::region::Region;

/// What names have that are text: its form for others, and for people.
macro_rules! name_as_text {
    ($($name:ty),+) => {$(
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

/// The same for names that are checked wherever they are read, also in JSON.
macro_rules! name_as_checked_text {
    ($($name:ty),+) => {$(
        name_as_text!($name);

        impl TryFrom<String> for $name {
            type Error = anyhow::Error;

            fn try_from(text: String) -> anyhow::Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )+};
}

pub(crate) use name_as_text;

name_as_text!(ProjectName);
name_as_checked_text!(ArtifactBucketName, RunId, StackName);

// The identity of one run.

/// 48 random bits as 12 hex digits: the value of the `HyperframesSmokeRun` tag, and part of every name that
/// the run chooses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The tag on the stack and on everything else that the run creates.
    pub const TAG: &'static str = "HyperframesSmokeRun";

    /// A fresh id from the system's random source.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0u8; 6];
        getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system has no source of random numbers: {e}"))?;
        Ok(Self(hex::encode(bytes)))
    }

    /// The first 6 digits, which distinguish the runs of one second.
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

// CloudFormation stack names.

/// A stack name by CloudFormation's rule: a letter, then letters, digits and
/// hyphens, 128 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// The default name for a run of `command`: the epoch is for people, and the run id distinguishes two runs
    /// of one second.
    pub fn for_run(command: &str, epoch_s: u64, run: &RunId) -> Self {
        Self(format!("hyperframes-{command}-{epoch_s}-{}", run.short()))
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

// Names that are derived from a run's id and its stack's name.

/// The template's ProjectName: `<up to 36 characters of the stack>-<run id>`.
///
/// The function, the state machine, the bucket and the log groups are named after it, so two stacks never
/// share one. It has at most 49 characters, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectName(String);

impl ProjectName {
    const PREFIX_LEN: usize = 36;

    /// The project name of `run` in `stack`.
    pub fn new(stack: &StackName, run: &RunId) -> Self {
        let prefix: String = stack.as_str().to_ascii_lowercase().chars().take(Self::PREFIX_LEN).collect();
        Self(format!("{}-{run}", prefix.trim_end_matches('-')))
    }
}

/// The per-run bucket that `sam deploy` uploads to:
/// `hyperframes-smoke-<8 hex of the stack's name and region>-<run id>`.
///
/// It is created first and deleted last, so while it exists it locks the stack's name for its run, on any
/// machine and without a journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactBucketName(String);

impl ArtifactBucketName {
    /// The bucket of `run` for `stack` in `region`.
    pub fn new(stack: &StackName, region: &Region, run: &RunId) -> Self {
        Self(format!("{}{run}", Self::prefix_of(stack, region)))
    }

    /// The prefix of the names of all artifact buckets of `stack`. It depends on the region, because a listing
    /// contains the buckets of all regions, and each region has its own stacks.
    pub fn prefix_of(stack: &StackName, region: &Region) -> String {
        let digest = Sha256::digest(format!("{region}/{stack}"));
        let hash = hex::encode(&digest[..4]);
        format!("hyperframes-smoke-{hash}-")
    }

    /// The run id at the name's end.
    pub fn run(&self) -> RunId {
        let id = self.0.rsplit('-').next().expect("a split has a last part");
        id.parse().expect("checked when the name was parsed or created")
    }
}

impl FromStr for ArtifactBucketName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let rest = text.strip_prefix("hyperframes-smoke-").unwrap_or_default();
        let run_ok = rest.get(9..).is_some_and(|run| run.parse::<RunId>().is_ok());
        ensure!(run_ok && rest.as_bytes()[8] == b'-', "{text:?} is not a run's artifact bucket");
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_id_has_twelve_digits_and_a_short_form() {
        let run: RunId = "0123456789ab".parse().unwrap();
        assert_eq!((run.as_str(), run.short(), run.to_string().as_str()), ("0123456789ab", "012345", "0123456789ab"));
        for bad in ["", "0123456789a", "0123456789abc", "0123456789AB", "0123456789ag"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?} was accepted");
            let json = serde_json::to_string(bad).unwrap();
            assert!(serde_json::from_str::<RunId>(&json).is_err(), "{json} was accepted");
        }
        assert_ne!(RunId::random().unwrap(), RunId::random().unwrap());
    }

    #[test]
    fn follows_cloudformations_rule() {
        for good in ["a", "Stack-1", "hyperframes-lambda-smoke-1700000000-abc123"] {
            assert_eq!(good.parse::<StackName>().unwrap().as_str(), good);
        }
        for bad in ["", "1bad", "-a", "a_b", "a b", "ä", "a.b", &"a".repeat(129)] {
            assert!(bad.parse::<StackName>().is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn names_fit_and_differ_by_run(stack in "[a-zA-Z][-a-zA-Z0-9]{0,127}", a in "[0-9a-f]{12}", b in "[0-9a-f]{12}") {
            let stack: StackName = stack.parse().unwrap();
            let (a, b): (RunId, RunId) = (a.parse().unwrap(), b.parse().unwrap());
            let project = ProjectName::new(&stack, &a);
            prop_assert!(project.as_str().len() <= 49);
            prop_assert!(project.as_str().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            let region: Region = "eu-west-1".parse().unwrap();
            let bucket = ArtifactBucketName::new(&stack, &region, &a);
            prop_assert!(bucket.as_str().len() <= 63);
            prop_assert_eq!(bucket.as_str().parse::<ArtifactBucketName>().unwrap().run(), a.clone());
            prop_assert_eq!(a == b, project == ProjectName::new(&stack, &b));
            prop_assert!(bucket.as_str().starts_with(&ArtifactBucketName::prefix_of(&stack, &region)));
        }
    }

    #[test]
    fn names_contain_their_stack_and_their_run() {
        let (stack, run): (StackName, RunId) = ("Smoke-1".parse().unwrap(), "0123456789ab".parse().unwrap());
        let project = ProjectName::new(&stack, &run);
        assert_eq!((project.as_str(), project.to_string().as_str()), ("smoke-1-0123456789ab", "smoke-1-0123456789ab"));
        let bucket = ArtifactBucketName::new(&stack, &"eu-west-1".parse().unwrap(), &run);
        // The hash is the SHA-256 of eu-west-1/Smoke-1.
        assert_eq!(bucket.as_str(), "hyperframes-smoke-4d845c43-0123456789ab");
        assert_eq!((bucket.to_string().as_str(), bucket.run()), (bucket.as_str(), run));
        let json = serde_json::to_string(&bucket).unwrap();
        assert_eq!(json, format!("\"{bucket}\""));
        assert_eq!(serde_json::from_str::<ArtifactBucketName>(&json).unwrap(), bucket);
    }

    #[test]
    fn foreign_buckets_are_not_ours() {
        for foreign in [
            "",
            "hyperframes-smoke-",
            "hyperframes-smoke-00000000-xyz",
            "production",
            "hyperframes-smoke-0000000000123456789ab",
        ] {
            assert!(foreign.parse::<ArtifactBucketName>().is_err(), "{foreign:?} was accepted");
            // A journal must not contain a wrong name either, because the run is read from it.
            let json = serde_json::to_string(foreign).unwrap();
            assert!(serde_json::from_str::<ArtifactBucketName>(&json).is_err(), "{json} was accepted");
        }
    }
}
