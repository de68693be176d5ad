//! The names of all that must be gone. Pure.

use std::collections::BTreeSet;

use super::{
    inventory::{self, Inventory},
    ownership::{Ownership, StackOwnership},
};
use crate::{
    journal::StackFacts,
    names::{ArtifactBucketName, ProjectName, Region, RunId, StackName},
};

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

/// A stack's name and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// The name.
    pub(super) stack: &'a StackName,
    /// The account.
    pub(super) account: &'a str,
    /// Its region.
    pub(super) region: &'a Region,
}

impl Expected {
    /// What was found and is owned, what `known` tells of the stack, and what the owners' names are
    /// derived from, artifact buckets aside.
    pub(super) fn of(named: Named<'_>, found: &Inventory, ownership: &Ownership, known: &StackFacts) -> Self {
        let theirs = matches!(ownership.stack, StackOwnership::Foreign(_));
        let mut expected = Self { stack: (!theirs).then(|| named.stack.clone()), ..Self::default() };
        expected.buckets.extend(ownership.buckets(found));
        let in_stack = found.facts();
        // A stack that is gone leaves what its run knew of it to be proved.
        for facts in [&in_stack, known].into_iter().filter(|_| !theirs) {
            expected.add_facts(facts, ownership);
        }
        for run in &ownership.runs {
            expected.add_run(named, run);
        }
        expected
    }

    /// The artifact buckets of these runs.
    pub(super) fn artifact_buckets(named: Named<'_>, runs: &[RunId]) -> Self {
        let names = runs.iter().map(|run| ArtifactBucketName::new(named.stack, named.region, run).to_string());
        Self { buckets: names.collect(), ..Self::default() }
    }

    fn add_facts(&mut self, facts: &StackFacts, ownership: &Ownership) {
        let (runs, deletes) = (&ownership.runs, ownership.stack.deletes());
        self.buckets.extend(facts.render_bucket.clone());
        self.machines.extend(facts.state_machine.clone());
        self.functions.extend(facts.function.clone());
        // A machine may log to a group that others share: only one named after a run is its stack's. So
        // with a function's, once its stack is gone: its name may be another's by now.
        let of_a_run = |group: &String| runs.iter().any(|run| group.contains(run.as_str()));
        self.log_groups.extend(facts.log_groups.iter().filter(|group| of_a_run(group)).cloned());
        let of_function = facts.function.iter().map(|function| format!("/aws/lambda/{function}"));
        self.log_groups.extend(of_function.filter(|group| deletes || of_a_run(group)));
    }

    fn add_run(&mut self, Named { stack, account, region }: Named<'_>, run: &RunId) {
        let project = ProjectName::new(stack, run);
        self.buckets.insert(format!("{project}-{account}"));
        self.machines.insert(inventory::machine_arn(region, account, &project));
        self.functions.insert(format!("{project}-render"));
        self.log_groups.insert(format!("/aws/vendedlogs/states/{project}-render"));
        self.log_groups.insert(format!("/aws/lambda/{project}-render"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teardown::inventory::FoundBucket;

    fn run(digit: &str) -> RunId {
        digit.repeat(12).parse().unwrap()
    }

    fn bucket(name: &str, run: Option<RunId>) -> FoundBucket {
        FoundBucket { name: name.to_owned(), run }
    }

    /// What must be gone of stack `s`, beside which a bucket of nobody and one of each of two runs was found.
    fn expected(stack: StackOwnership) -> Expected {
        let render_buckets =
            vec![bucket("of-a", Some(run("a"))), bucket("of-b", Some(run("b"))), bucket("of-none", None)];
        let found = Inventory { stack: None, machine: None, artifact_buckets: vec![], render_buckets };
        let ownership = Ownership { runs: vec![run("a")], stack, evidence: String::new() };
        let known = StackFacts {
            render_bucket: Some("told".to_owned()),
            state_machine: Some("arn:told".to_owned()),
            function: Some("told".to_owned()),
            log_groups: vec!["/shared".to_owned(), format!("/x/{}", run("a"))],
        };
        let (stack, region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        Expected::of(Named { stack: &stack, account: "1", region: &region }, &found, &ownership, &known)
    }

    #[test]
    fn all_that_a_stack_of_ours_has_must_go() {
        insta::assert_debug_snapshot!(expected(StackOwnership::Owned));
    }

    #[test]
    fn each_runs_artifact_bucket_must_go() {
        let (stack, region): (StackName, Region) = ("s".parse().unwrap(), "eu-west-1".parse().unwrap());
        let named = Named { stack: &stack, account: "1", region: &region };
        let names = Expected::artifact_buckets(named, &[run("a"), run("b")]).buckets;
        assert!(names.len() == 2 && names.iter().any(|name| name.ends_with(run("b").as_str())), "{names:?}");
    }

    #[test]
    fn of_a_foreign_stack_only_what_our_run_made_must_go() {
        let foreign = expected(StackOwnership::Foreign("it has no tag".to_owned()));
        assert_eq!(foreign.stack, None);
        let told = |names: &BTreeSet<String>| names.iter().any(|name| name.contains("told") || name.contains("shared"));
        for names in [&foreign.buckets, &foreign.machines, &foreign.functions, &foreign.log_groups] {
            assert!(!told(names) && names.iter().any(|name| name.contains(run("a").as_str()) || name == "of-a"));
        }
        // What the run knew of its own stack must be gone too once that is, but for what others may use.
        let absent = expected(StackOwnership::Absent);
        assert!(absent.buckets.contains("told") && absent.machines.contains("arn:told"), "{absent:#?}");
        assert!(!absent.log_groups.contains("/aws/lambda/told") && !absent.log_groups.contains("/shared"));
        assert_eq!(foreign.buckets.iter().filter(|name| name.starts_with("of-")).collect::<Vec<_>>(), ["of-a"]);
    }
}
