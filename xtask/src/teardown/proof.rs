//! Proof that things are gone: each is looked for, and what can't be seen counts as there.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    aws::{
        Clients, executions,
        objects::{self, BucketState},
        signed_calls::{self, Presence},
        stacks,
    },
    backoff::Backoff,
    clock,
    names::StackName,
};

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
    fn of(resources: Vec<Check>) -> Self {
        let clean = resources.iter().all(|check| check.state == ResourceState::Absent);
        Self { schema_version: 1, checked_at: clock::now_rfc3339(), clean, resources }
    }

    /// This proof and another one.
    pub(super) fn and(self, other: Self) -> Self {
        Self::of(self.resources.into_iter().chain(other.resources).collect())
    }

    /// What is there, or may be.
    pub fn leaks(&self) -> impl Iterator<Item = &Check> {
        self.resources.iter().filter(|check| check.state != ResourceState::Absent)
    }
}

/// The names of everything that must be gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Expected {
    /// The stack, unless it is someone else's.
    pub(super) stack: Option<StackName>,
    /// Buckets, artifact buckets aside.
    pub(super) buckets: BTreeSet<String>,
    /// State machines, by ARN.
    pub(super) machines: BTreeSet<String>,
    /// Functions, by name.
    pub(super) functions: BTreeSet<String>,
    /// Log groups, by name.
    pub(super) log_groups: BTreeSet<String>,
}

/// AWS removes a state machine a while after its stack is gone; till then its status says so.
const ON_ITS_WAY_OUT: &str = "DELETING";

const PATIENCE: Duration = Duration::from_secs(90);

/// Looks for everything, again and again while something is on its way out.
pub(super) async fn verify(expected: &Expected, clients: &Clients) -> Proof {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut backoff = Backoff::polling();
    loop {
        let proof = Proof::of(look(expected, clients).await);
        if !proof.leaks().any(|check| check.evidence.ends_with(ON_ITS_WAY_OUT))
            || tokio::time::Instant::now() > deadline
        {
            return proof;
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

async fn look(expected: &Expected, clients: &Clients) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(stack) = &expected.stack {
        let found = stacks::describe(clients, stack.as_str()).await.map(|found| found.is_some());
        checks.push(check("stack", stack.as_str(), "cloudformation DescribeStacks", found));
    }
    for bucket in &expected.buckets {
        let found = objects::bucket_state(clients, bucket).await.and_then(|state| match state {
            BucketState::Absent => Ok(false),
            BucketState::Ours => Ok(true),
            BucketState::Forbidden => Err(anyhow::anyhow!("HeadBucket is forbidden")),
        });
        checks.push(check("bucket", bucket, "s3 HeadBucket", found));
    }
    for arn in &expected.machines {
        let machine = executions::machine(clients, arn).await;
        let deleting = machine.as_ref().is_ok_and(|m| m.as_ref().is_some_and(|m| m.deleting));
        let mut found = check("stateMachine", arn, "states DescribeStateMachine", machine.map(|m| m.is_some()));
        if deleting {
            found.evidence = format!("{}: {ON_ITS_WAY_OUT}", found.evidence);
        }
        checks.push(found);
    }
    for name in &expected.functions {
        let found = signed_calls::function(clients, name).await.map(|p| p == Presence::Present);
        checks.push(check("function", name, "lambda GetFunctionConfiguration", found));
    }
    for name in &expected.log_groups {
        let found = signed_calls::log_group(clients, name).await.map(|p| p == Presence::Present);
        checks.push(check("logGroup", name, "logs DescribeLogGroups", found));
    }
    checks
}

fn check(kind: &'static str, name: &str, call: &str, found: anyhow::Result<bool>) -> Check {
    let (state, evidence) = match found {
        Ok(false) => (ResourceState::Absent, call.to_owned()),
        Ok(true) => (ResourceState::Present, call.to_owned()),
        Err(error) => (ResourceState::Unverifiable, format!("{call}: {error:#}")),
    };
    Check { kind: kind.into(), name: name.to_owned(), state, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cant_be_seen_is_a_leak() {
        let absent = check("bucket", "a", "HeadBucket", Ok(false));
        let unseen = check("function", "f", "GetFunction", Err(anyhow::anyhow!("AccessDenied")));
        assert!(Proof::of(vec![absent.clone()]).clean);
        let proof = Proof::of(vec![absent, unseen]);
        assert!(!proof.clean);
        assert_eq!(proof.leaks().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["f"]);
    }
}
