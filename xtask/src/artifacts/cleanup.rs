//! What the clean-up did, and the proof that everything is gone: cleanup-verification.json.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{clock, names::RunId};

/// Whether a thing is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceState {
    /// Looked for, and not there.
    Absent,
    /// There.
    Present,
    /// Nobody could tell: counts as a leak.
    Unverifiable,
}

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Such as `stack` or `bucket`.
    pub kind: Cow<'static, str>,
    /// Its name or ARN.
    pub name: String,
    /// Whether it is there.
    pub state: ResourceState,
    /// The call that tells, or why it does not.
    pub evidence: String,
    /// Whether its deletion has begun, so that a later look may find it gone.
    #[serde(skip)]
    pub is_being_deleted: bool,
}

/// The content of `cleanup-verification.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The version of this shape.
    pub schema_version: u32,
    /// When it was looked, RFC 3339.
    pub checked_at: String,
    /// Whether everything is proved gone.
    pub clean: bool,
    /// Every thing that was looked for.
    pub resources: Vec<Check>,
}

impl Proof {
    /// What was looked for, now.
    pub fn of(resources: Vec<Check>) -> Self {
        let clean = resources.iter().all(|check| check.state == ResourceState::Absent);
        Self { schema_version: 1, checked_at: clock::now_rfc3339(), clean, resources }
    }

    /// This proof and another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(self.resources.into_iter().chain(other.resources).collect())
    }

    /// What is there, or may be.
    pub fn leaks(&self) -> impl Iterator<Item = &Check> {
        self.resources.iter().filter(|check| check.state != ResourceState::Absent)
    }
}

/// How a sweep ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// The runs whose things were deleted.
    pub runs: Vec<RunId>,
    /// What proved that they were theirs.
    pub evidence: String,
    /// Versions and delete markers that were deleted.
    pub objects_deleted: u64,
    /// Executions that were still running and were stopped.
    pub executions_stopped: usize,
    /// The proof that everything is gone; cleanup-verification.json has it.
    #[serde(skip)]
    pub proof: Proof,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_proofs_are_clean_when_both_are() {
        let of = |name: &str, state| {
            let (kind, evidence) = ("bucket".into(), "s3 HeadBucket".to_owned());
            Proof::of(vec![Check { kind, name: name.to_owned(), state, evidence, is_being_deleted: false }])
        };
        assert!(of("a", ResourceState::Absent).and(of("b", ResourceState::Absent)).clean);
        let both = of("a", ResourceState::Absent).and(of("b", ResourceState::Present));
        assert_eq!((both.clean, both.resources.len(), both.schema_version), (false, 2, 1));
        assert_eq!(
            both.leaks().map(|check| (check.name.as_str(), check.state)).collect::<Vec<_>>(),
            [("b", ResourceState::Present)]
        );
    }
}
