//! The names of all that must be gone. Pure.

use super::{
    inventory::Inventory,
    ownership::{Ownership, StackOwnership},
};
use crate::{
    names::{ArtifactBucketName, RunId},
    policy::{Place, Resource, ResourceNames, function_log_group},
};

/// What was found and is owned, what is `known` from the run or its journal, and what the owners' names are
/// derived from; artifact buckets aside.
pub(super) fn expected(
    place: Place<'_>,
    found: &Inventory,
    ownership: &Ownership,
    known: &ResourceNames,
) -> ResourceNames {
    let is_foreign = matches!(ownership.stack, StackOwnership::Foreign(_));
    let mut expected = ResourceNames::default();
    expected.add(Resource::Bucket, ownership.buckets(found));
    // A stack that is gone leaves what its run knew of it to be proved.
    if !is_foreign {
        add_known(&mut expected, &found.names(), ownership);
        add_known(&mut expected, known, ownership);
        expected.add(Resource::Stack, [place.stack.to_string()]);
    }
    for run in &ownership.runs {
        for resource in Resource::ALL.into_iter().filter(|resource| *resource != Resource::Stack) {
            expected.add(resource, resource.names_for(place, run));
        }
    }
    expected
}

/// The artifact buckets of these runs.
pub(super) fn artifact_buckets(place: Place<'_>, runs: &[RunId]) -> ResourceNames {
    let mut expected = ResourceNames::default();
    let name = |run| ArtifactBucketName::new(place.stack, place.region, run).to_string();
    expected.add(Resource::Bucket, runs.iter().map(name));
    expected
}

fn add_known(expected: &mut ResourceNames, known: &ResourceNames, ownership: &Ownership) {
    // A machine may log to a group that others share: only one named after a run is its stack's. The same goes
    // for a function's group once its stack is gone, as its name may belong to someone else by now.
    let names_a_run = |group: &String| ownership.runs.iter().any(|run| group.contains(run.as_str()));
    for (resource, name) in known.iter() {
        if resource != Resource::LogGroup || names_a_run(name) {
            expected.add(resource, [name.clone()]);
        }
    }
    let of_function = known.of(Resource::Function).map(|function| function_log_group(function));
    expected.add(Resource::LogGroup, of_function.filter(|group| ownership.stack.deletes() || names_a_run(group)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        names::{Region, StackName},
        teardown::inventory::FoundBucket,
    };

    fn run(digit: &str) -> RunId {
        digit.repeat(12).parse().unwrap()
    }

    fn bucket(name: &str, run: Option<RunId>) -> FoundBucket {
        FoundBucket { name: name.to_owned(), run }
    }

    /// What must be gone of stack `s`, beside which a bucket of nobody and one of each of two runs was found.
    fn expected_of(stack: StackOwnership) -> ResourceNames {
        let render_buckets =
            vec![bucket("of-a", Some(run("a"))), bucket("of-b", Some(run("b"))), bucket("of-none", None)];
        let found = Inventory { stack: None, machine: None, artifact_buckets: vec![], render_buckets };
        let ownership = Ownership { runs: vec![run("a")], stack, evidence: String::new() };
        let mut known = ResourceNames::default();
        known.add(Resource::Bucket, ["told".to_owned()]);
        known.add(Resource::StateMachine, ["arn:told".to_owned()]);
        known.add(Resource::Function, ["told".to_owned()]);
        known.add(Resource::LogGroup, ["/shared".to_owned(), format!("/x/{}", run("a"))]);
        let (stack, region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        expected(Place { stack: &stack, account: "1", region: &region }, &found, &ownership, &known)
    }

    fn names(expected: &ResourceNames, resource: Resource) -> Vec<&str> {
        expected.of(resource).map(String::as_str).collect()
    }

    #[test]
    fn everything_in_a_stack_of_ours_must_be_gone() {
        let expected = expected_of(StackOwnership::Owned);
        let lines: Vec<String> =
            expected.iter().map(|(resource, name)| format!("{} {name}", resource.kind())).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        stack s
        bucket of-a
        bucket of-none
        bucket s-aaaaaaaaaaaa-1
        bucket told
        stateMachine arn:aws:states:eu-west-1:1:stateMachine:s-aaaaaaaaaaaa-render
        stateMachine arn:told
        function s-aaaaaaaaaaaa-render
        function told
        logGroup /aws/lambda/s-aaaaaaaaaaaa-render
        logGroup /aws/lambda/told
        logGroup /aws/vendedlogs/states/s-aaaaaaaaaaaa-render
        logGroup /x/aaaaaaaaaaaa
        ");
    }

    #[test]
    fn each_runs_artifact_bucket_must_be_gone() {
        let (stack, region): (StackName, Region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        let place = Place { stack: &stack, account: "1", region: &region };
        let expected = artifact_buckets(place, &[run("a"), run("b")]);
        let buckets = names(&expected, Resource::Bucket);
        assert!(buckets.len() == 2 && buckets.iter().any(|name| name.ends_with(run("b").as_str())), "{buckets:?}");
    }

    #[test]
    fn of_a_foreign_stack_only_what_our_run_created_must_be_gone() {
        let foreign = expected_of(StackOwnership::Foreign("it has no tag".to_owned()));
        assert_eq!(names(&foreign, Resource::Stack), [""; 0]);
        let of_others = |name: &&str| name.contains("told") || name.contains("shared");
        for resource in [Resource::Bucket, Resource::StateMachine, Resource::Function, Resource::LogGroup] {
            let names = names(&foreign, resource);
            assert!(!names.iter().any(of_others), "{names:?}");
            assert!(names.iter().any(|name| name.contains(run("a").as_str()) || *name == "of-a"), "{names:?}");
        }
        // What the run knew of its own stack must be gone too once that is, but for what others may use.
        let absent = expected_of(StackOwnership::Absent);
        assert!(names(&absent, Resource::Bucket).contains(&"told"));
        assert!(names(&absent, Resource::StateMachine).contains(&"arn:told"));
        let groups = names(&absent, Resource::LogGroup);
        assert!(!groups.contains(&"/aws/lambda/told") && !groups.contains(&"/shared"));
        let buckets = names(&foreign, Resource::Bucket);
        assert_eq!(buckets.into_iter().filter(|name| name.starts_with("of-")).collect::<Vec<_>>(), ["of-a"]);
    }
}
