//! The calls behind the table of resources: how each kind is looked for, and the proof that all are gone.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use anyhow::anyhow;
use futures_util::future::join_all;

use crate::{
    aws::{
        buckets::{self, BucketState},
        clients::Clients,
        executions, faults,
        resources::{Place, Resource, ResourceNames},
        signed_calls,
        stacks::{self, StackResource},
    },
    project::names::{ArtifactBucketName, RunId},
    report::row::{Check, Proof, ResourceState},
    teardown::{
        inventory::Inventory,
        ours::{Ours, StackContents},
        ownership::{Ownership, StackOwnership},
    },
};

/// How long something may take to go that is being deleted: AWS removes a state machine after its stack is gone.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks for everything, again and again while something is being deleted.
pub(crate) async fn verify(expected: &ResourceNames, clients: &Clients) -> Proof {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    faults::until(faults::polling(), async || {
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
            let there = signed_calls::has_function(clients, name).await;
            ("lambda GetFunctionConfiguration", there.map(Found::present))
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
    match buckets::bucket_state(clients, name).await? {
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

// The names of all that must be gone. Pure.

/// The names of all resources that must be gone, except artifact buckets: those that were found and are ours, those in
/// `known` whose name has a run's id, and those that are derived from the stack's name and the run's id.
pub(crate) fn expected(
    place: Place<'_>,
    found: &Inventory,
    ownership: &Ownership,
    known: &ResourceNames,
) -> ResourceNames {
    let mut expected = found.names(&ownership.ours(found));
    if !matches!(ownership.stack, StackOwnership::Foreign(_)) {
        expected.add(Resource::Stack, [place.stack.to_string()]);
    }
    expected.add(Resource::Bucket, ownership.buckets(found));
    for run in &ownership.runs {
        for resource in Resource::ALL.into_iter().filter(|resource| *resource != Resource::Stack) {
            expected.add(resource, resource.names_for(place, run));
            // A name without a run's id may belong to someone else.
            let of_run = known.of(resource).filter(|name| name.contains(run.as_str())).cloned();
            expected.add(resource, of_run);
        }
    }
    for (resource, name) in found.unproved.iter() {
        expected.remove(resource, name);
    }
    expected
}

/// What the templates of these stacks retained, as far as CloudFormation listed it. No call looks for it again, so it
/// counts as left.
pub(crate) fn retained(ours: &Ours) -> Proof {
    let why = "the template retains it; delete it by hand, and close the journal with --forget";
    let check = |found: &StackResource| left(Cow::Owned(found.kind.clone()), &found.physical_id, why.to_owned());
    Proof::of(ours.stacks.iter().flat_map(StackContents::retained).map(check).collect())
}

/// Something that stays, and why.
fn left(kind: Cow<'static, str>, name: &str, evidence: String) -> Check {
    Check { kind, name: name.to_owned(), state: ResourceState::Present, evidence, is_being_deleted: false }
}

/// Objects that are named in a proof at most.
const MOST_OBJECTS: usize = 20;

/// The objects that S3 refuses to delete, and its reasons.
pub(crate) fn undeletable(objects: &BTreeMap<String, String>) -> Proof {
    let check = |(address, why): (&String, &String)| {
        left(UNDELETABLE.into(), address, format!("S3 refuses to delete it: {why}"))
    };
    Proof::of(objects.iter().take(MOST_OBJECTS).map(check).collect())
}

/// Whether all that is left are objects that S3 refuses to delete, and the buckets that they are in.
pub(crate) fn is_only_undeletable(proof: &Proof) -> bool {
    let is_left = |kind: &str| proof.leaks().any(|check| check.kind == kind);
    is_left(UNDELETABLE)
        && proof.leaks().all(|check| [UNDELETABLE, Resource::Bucket.kind()].contains(&check.kind.as_ref()))
}

/// The kind of such objects in a proof.
const UNDELETABLE: &str = "object";

/// The artifact buckets of these runs, apart from someone else's.
pub(crate) fn artifact_buckets(place: Place<'_>, found: &Inventory, runs: &[RunId]) -> ResourceNames {
    let mut expected = ResourceNames::default();
    let names = runs.iter().map(|run| ArtifactBucketName::new(place.stack, place.region, run).to_string());
    let is_unproved = |name: &String| found.unproved.of(Resource::Bucket).any(|unproved| unproved == name);
    expected.add(Resource::Bucket, names.filter(|name| !is_unproved(name)));
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::region::Region, project::names::StackName, teardown::inventory::FoundBucket};

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

    fn run(digit: &str) -> RunId {
        digit.repeat(12).parse().unwrap()
    }

    fn bucket(name: &str, run: &str) -> FoundBucket {
        let tags = vec![(RunId::TAG.to_owned(), run.repeat(12))];
        FoundBucket { name: name.to_owned(), tags }
    }

    /// The names that must be gone of stack `s` and run `a`, if a bucket of run `a` and one of another run were found.
    fn lines(stack: StackOwnership) -> String {
        let render_buckets = vec![bucket("of-a", "a"), bucket("of-b", "b")];
        let mut unproved = ResourceNames::default();
        unproved.add(Resource::Bucket, ["theirs-aaaaaaaaaaaa".to_owned()]);
        let found = Inventory { render_buckets, unproved, ..Inventory::default() };
        let ownership = Ownership { runs: vec![run("a")], stack, evidence: String::new() };
        let mut known = ResourceNames::default();
        known.add(Resource::Bucket, ["shared".to_owned(), "theirs-aaaaaaaaaaaa".to_owned()]);
        known.add(Resource::Function, ["shared".to_owned()]);
        known.add(Resource::LogGroup, ["/shared".to_owned(), format!("/x/{}", run("a"))]);
        let (stack, region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        let expected = expected(Place { stack: &stack, account: "1", region: &region }, &found, &ownership, &known);
        let lines: Vec<String> = expected.iter().map(|(kind, name)| format!("{} {name}", kind.kind())).collect();
        lines.join("\n")
    }

    #[test]
    fn what_is_ours_must_be_gone_and_what_a_journal_names_must_not() {
        insta::assert_snapshot!(lines(StackOwnership::Owned), @r"
        stack s
        bucket of-a
        bucket s-aaaaaaaaaaaa-1
        stateMachine arn:aws:states:eu-west-1:1:stateMachine:s-aaaaaaaaaaaa-render
        function s-aaaaaaaaaaaa-render
        logGroup /aws/lambda/s-aaaaaaaaaaaa-render
        logGroup /aws/vendedlogs/states/s-aaaaaaaaaaaa-render
        logGroup /x/aaaaaaaaaaaa
        ");
    }

    #[test]
    fn a_foreign_stack_must_not_be_gone() {
        let foreign = lines(StackOwnership::Foreign("it has no tag".to_owned()));
        assert_eq!(format!("stack s\n{foreign}"), lines(StackOwnership::Owned));
    }

    #[test]
    fn each_runs_artifact_bucket_must_be_gone() {
        let (stack, region): (StackName, Region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        let place = Place { stack: &stack, account: "1", region: &region };
        let of = |found: &Inventory| artifact_buckets(place, found, &[run("a"), run("b")]);
        let expected = of(&Inventory::default());
        let buckets: Vec<&String> = expected.of(Resource::Bucket).collect();
        assert!(buckets.len() == 2 && buckets.iter().any(|name| name.ends_with(run("b").as_str())), "{buckets:?}");
        let mut found = Inventory::default();
        found.unproved.add(Resource::Bucket, [buckets[0].clone()]);
        assert_eq!(of(&found).of(Resource::Bucket).collect::<Vec<_>>(), [buckets[1]]);
    }
}
