//! Proof that things are gone: each is looked for, and what can't be seen counts as there.

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};

use super::expected::Expected;
use crate::{
    artifacts::{Check, Proof, ResourceState},
    aws::{
        Clients, executions,
        objects::{self, BucketState},
        signed_calls::{self, Presence},
        stacks,
    },
    backoff,
    names::StackName,
};

/// AWS removes a state machine a while after its stack is gone; till then its status says so.
const ON_ITS_WAY_OUT: &str = "DELETING";

const PATIENCE: Duration = Duration::from_secs(90);

/// Looks for everything, again and again while something is on its way out.
pub(super) async fn verify(expected: &Expected, clients: &Clients) -> Proof {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    backoff::until(backoff::polling(), async || {
        let proof = Proof::of(look(expected, clients).await);
        let is_settled = !proof.leaks().any(|check| check.evidence.ends_with(ON_ITS_WAY_OUT));
        (is_settled || tokio::time::Instant::now() > deadline).then_some(proof)
    })
    .await
}

/// Looks for everything at once, and tells it in this order.
async fn look(expected: &Expected, clients: &Clients) -> Vec<Check> {
    let stacks = expected.stack.iter().map(|stack| look_for_stack(clients, stack).boxed_local());
    let buckets = expected.buckets.iter().map(|bucket| look_for_bucket(clients, bucket).boxed_local());
    let machines = expected.machines.iter().map(|arn| look_for_machine(clients, arn).boxed_local());
    let functions = expected.functions.iter().map(|name| look_for_function(clients, name).boxed_local());
    let log_groups = expected.log_groups.iter().map(|name| look_for_log_group(clients, name).boxed_local());
    join_all(stacks.chain(buckets).chain(machines).chain(functions).chain(log_groups)).await
}

async fn look_for_stack(clients: &Clients, stack: &StackName) -> Check {
    let found = stacks::describe(clients, stack.as_str()).await.map(|found| found.is_some());
    check("stack", stack.as_str(), "cloudformation DescribeStacks", found)
}

async fn look_for_bucket(clients: &Clients, bucket: &str) -> Check {
    let found = objects::bucket_state(clients, bucket).await.and_then(|state| match state {
        BucketState::Absent => Ok(false),
        BucketState::Ours => Ok(true),
        BucketState::Forbidden => Err(anyhow::anyhow!("HeadBucket is forbidden")),
    });
    check("bucket", bucket, "s3 HeadBucket", found)
}

async fn look_for_machine(clients: &Clients, arn: &str) -> Check {
    let machine = executions::machine(clients, arn).await;
    let deleting = machine.as_ref().is_ok_and(|m| m.as_ref().is_some_and(|m| m.deleting));
    let mut found = check("stateMachine", arn, "states DescribeStateMachine", machine.map(|m| m.is_some()));
    if deleting {
        found.evidence = format!("{}: {ON_ITS_WAY_OUT}", found.evidence);
    }
    found
}

async fn look_for_function(clients: &Clients, name: &str) -> Check {
    let found = signed_calls::function(clients, name).await.map(|p| p == Presence::Present);
    check("function", name, "lambda GetFunctionConfiguration", found)
}

async fn look_for_log_group(clients: &Clients, name: &str) -> Check {
    let found = signed_calls::log_group(clients, name).await.map(|p| p == Presence::Present);
    check("logGroup", name, "logs DescribeLogGroups", found)
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
