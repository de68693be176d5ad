//! The names of all that must be gone. Pure.

use super::{
    inventory::Inventory,
    ownership::{Ownership, StackOwnership},
};
use crate::{
    names::{ArtifactBucketName, RunId},
    policy::{Place, Resource, ResourceNames},
};

/// What was found and is ours, what is `known` by names that have a run's id, and what the names of the runs'
/// resources are derived from; artifact buckets aside.
pub(super) fn expected(
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
            // Other names may belong to anyone by now, or always did.
            let of_run = known.of(resource).filter(|name| name.contains(run.as_str())).cloned();
            expected.add(resource, of_run);
        }
    }
    for bucket in &found.unproved {
        expected.remove(Resource::Bucket, bucket);
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

    fn bucket(name: &str, run: &str) -> FoundBucket {
        let tags = vec![(RunId::TAG.to_owned(), run.repeat(12))];
        FoundBucket { name: name.to_owned(), tags }
    }

    /// What must be gone of stack `s` and run a, of which a bucket was found, and one of another run.
    fn lines(stack: StackOwnership) -> String {
        let render_buckets = vec![bucket("of-a", "a"), bucket("of-b", "b")];
        let unproved = vec!["theirs-aaaaaaaaaaaa".to_owned()];
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
        let expected = artifact_buckets(place, &[run("a"), run("b")]);
        let buckets: Vec<&String> = expected.of(Resource::Bucket).collect();
        assert!(buckets.len() == 2 && buckets.iter().any(|name| name.ends_with(run("b").as_str())), "{buckets:?}");
    }
}
