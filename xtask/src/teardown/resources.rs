//! The calls behind the table of resources: how each kind is looked for, and the proof that all are gone.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::join_all;

use crate::{
    artifacts::{Check, Proof, ResourceState},
    aws::{
        Clients, executions,
        objects::{self, BucketState},
        signed_calls::{self, Presence},
        stacks,
    },
    backoff,
    policy::{Resource, ResourceNames},
};

/// How long something may take to go that is being deleted: AWS removes a state machine after its stack is gone.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks for everything, again and again while something is being deleted.
pub(super) async fn verify(expected: &ResourceNames, clients: &Clients) -> Proof {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    backoff::until(backoff::polling(), async || {
        let looks = expected.iter().map(|(resource, name)| look(resource, name, clients));
        let proof = Proof::of(join_all(looks).await);
        let is_settled = !proof.leaks().any(|check| check.is_being_deleted);
        (is_settled || tokio::time::Instant::now() > deadline).then_some(proof)
    })
    .await
}

enum Found {
    Absent,
    Present,
    BeingDeleted,
}

impl Found {
    fn present(there: bool) -> Self {
        if there { Self::Present } else { Self::Absent }
    }
}

/// Looks for one resource. What can't be seen counts as a leak.
async fn look(resource: Resource, name: &str, clients: &Clients) -> Check {
    let (call, found) = match resource {
        Resource::Stack => {
            let stack = stacks::describe(clients, name).await;
            ("cloudformation DescribeStacks", stack.map(|stack| Found::present(stack.is_some())))
        }
        Resource::Bucket => ("s3 HeadBucket", look_for_bucket(name, clients).await),
        Resource::StateMachine => {
            let machine = executions::machine(clients, name).await;
            let found = machine.map(|machine| match machine {
                Some(machine) if machine.deleting => Found::BeingDeleted,
                machine => Found::present(machine.is_some()),
            });
            ("states DescribeStateMachine", found)
        }
        Resource::Function => {
            let function = signed_calls::function(clients, name).await;
            ("lambda GetFunctionConfiguration", function.map(|presence| Found::present(presence == Presence::Present)))
        }
        Resource::LogGroup => {
            let group = signed_calls::log_group(clients, name).await;
            ("logs DescribeLogGroups", group.map(|group| Found::present(group.is_some())))
        }
        Resource::Role | Resource::Alarm => ("no call", Err(anyhow!("it is proved gone by the end of its stack"))),
    };
    check(resource, name, call, found)
}

async fn look_for_bucket(name: &str, clients: &Clients) -> anyhow::Result<Found> {
    match objects::bucket_state(clients, name).await? {
        BucketState::Absent => Ok(Found::Absent),
        BucketState::Ours => Ok(Found::Present),
        BucketState::Forbidden => Err(anyhow!("HeadBucket is forbidden")),
    }
}

fn check(resource: Resource, name: &str, call: &str, found: anyhow::Result<Found>) -> Check {
    let is_being_deleted = matches!(found, Ok(Found::BeingDeleted));
    let (state, evidence) = match found {
        Ok(Found::Absent) => (ResourceState::Absent, call.to_owned()),
        Ok(Found::Present) => (ResourceState::Present, call.to_owned()),
        Ok(Found::BeingDeleted) => (ResourceState::Present, format!("{call}: DELETING")),
        Err(error) => (ResourceState::Unverifiable, format!("{call}: {error:#}")),
    };
    Check { kind: resource.kind().into(), name: name.to_owned(), state, evidence, is_being_deleted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cant_be_seen_is_a_leak() {
        let absent = check(Resource::Bucket, "a", "HeadBucket", Ok(Found::Absent));
        let unseen = check(Resource::Function, "f", "GetFunction", Err(anyhow!("AccessDenied")));
        assert!(Proof::of(vec![absent.clone()]).clean);
        let proof = Proof::of(vec![absent, unseen]);
        assert!(!proof.clean);
        assert_eq!(proof.leaks().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["f"]);
    }

    #[test]
    fn only_what_is_being_deleted_is_waited_for() {
        let deleting = check(Resource::StateMachine, "m", "Describe", Ok(Found::BeingDeleted));
        assert!(deleting.is_being_deleted && deleting.state == ResourceState::Present);
        assert_eq!(deleting.evidence, "Describe: DELETING");
        assert!(!check(Resource::Stack, "DELETING", "Describe", Ok(Found::Present)).is_being_deleted);
    }
}
