//! What is there of a stack's name: the stack, its machine, its buckets, their tags.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Serialize;

use super::ownership::{Evidence, StackEvidence};
use crate::{
    aws::{
        Clients, executions,
        executions::Machine,
        faults::{Fault, Refused},
        objects,
        stacks::{self, Stack},
    },
    names::{ArtifactBucketName, Region, RunId, StackName},
    policy::{Place, Resource, ResourceNames},
};

/// The tag on artifact buckets that names the stack they were made for.
pub const STACK_TAG: &str = "HyperframesSmokeStack";

/// Everything that was found of one stack's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The stack, `None` without one.
    pub stack: Option<Stack>,
    /// The state machine's ARN and what is known of it.
    pub machine: Option<(String, Machine)>,
    /// The artifact buckets of runs, tagged as such.
    pub artifact_buckets: Vec<ArtifactBucketName>,
    /// Render buckets and the run that is proved to have made each; `None` where nothing proves it.
    pub render_buckets: Vec<FoundBucket>,
}

/// A bucket that may be a stack's render bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundBucket {
    /// Its name.
    pub name: String,
    /// The run whose tag or whose name it carries.
    pub run: Option<RunId>,
}

/// Looks for everything of `stack`. `hints` are runs that may have used the
/// name; they only say where to look, and prove nothing.
///
/// # Errors
/// When something can't be seen: what is not known is not assumed.
pub async fn take(
    clients: &Clients,
    account: &str,
    region: &Region,
    stack: &StackName,
    hints: &[RunId],
) -> anyhow::Result<Inventory> {
    let prefixes = [ArtifactBucketName::prefix_of(stack, region), bucket_prefix(stack)];
    let (described, names) =
        tokio::join!(stacks::describe(clients, stack.as_str()), objects::buckets_starting(clients, &prefixes));
    let (described, names) = (described?, names?);
    let outputs = described.as_ref().map(|stack| &stack.outputs);
    let artifact_buckets = artifact_buckets(clients, stack, region, &names, hints).await?;
    let mut runs: Vec<RunId> =
        artifact_buckets.iter().map(ArtifactBucketName::run).chain(hints.iter().cloned()).collect();
    runs.sort();
    runs.dedup();
    let claimed: Vec<RunId> = artifact_buckets.iter().map(ArtifactBucketName::run).collect();
    let (machine, render_buckets) = tokio::try_join!(
        machine(clients, account, region, stack, outputs, &runs),
        render_buckets(clients, account, (stack, region), outputs, &names, &claimed),
    )?;
    Ok(Inventory { stack: described, machine, artifact_buckets, render_buckets })
}

/// CloudFormation names a bucket `<stack>-<logical id>-<random>`, in lower case.
fn bucket_prefix(stack: &StackName) -> String {
    let lower = stack.as_str().to_ascii_lowercase();
    format!("{}-", lower.chars().take(24).collect::<String>().trim_end_matches('-'))
}

/// The artifact buckets whose tags agree with their names. Those of `hints` are
/// looked for by name as well: a list of buckets may be a moment behind.
async fn artifact_buckets(
    clients: &Clients,
    stack: &StackName,
    region: &Region,
    names: &[String],
    hints: &[RunId],
) -> anyhow::Result<Vec<ArtifactBucketName>> {
    let prefix = ArtifactBucketName::prefix_of(stack, region);
    let listed = names.iter().filter(|name| name.starts_with(&prefix)).filter_map(|name| name.parse().ok());
    let hinted = hints.iter().map(|run| ArtifactBucketName::new(stack, region, run));
    let candidates: BTreeSet<ArtifactBucketName> = listed.chain(hinted).collect();
    let mut artifact_buckets = Vec::new();
    for bucket in candidates {
        let tags = match objects::bucket_tags(clients, bucket.as_str()).await {
            // Whose tags may not be read is not proved ours; a run's own bucket has to be.
            Err(error) if !hints.contains(&bucket.run()) && is_refused(&error) => continue,
            tags => tags?,
        };
        let Some(tags) = tags else { continue };
        let proved = has(&tags, RunId::TAG, bucket.run().as_str()) && has(&tags, STACK_TAG, stack.as_str());
        // A run that was killed between creating and tagging leaves an empty
        // bucket whose name alone, with 48 random bits and the stack's hash, is proof.
        if proved || tags.is_empty() {
            artifact_buckets.push(bucket);
        }
    }
    Ok(artifact_buckets)
}

/// Whether a bucket's owner or its region keeps its tags from being read, as of one that is someone
/// else's. Whatever may pass, or is wrong with the caller, tells nothing of whose it is.
fn is_refused(error: &anyhow::Error) -> bool {
    Refused::behind(error).is_some_and(|refused| matches!(refused.fault, Fault::Denied | Fault::Other))
}

fn has(tags: &[(String, String)], key: &str, value: &str) -> bool {
    tags.iter().any(|(k, v)| k == key && v == value)
}

pub(super) fn run_tag(tags: &[(String, String)]) -> Option<RunId> {
    tags.iter().find(|(key, _)| key == RunId::TAG).and_then(|(_, value)| value.parse().ok())
}

async fn machine(
    clients: &Clients,
    account: &str,
    region: &Region,
    stack: &StackName,
    outputs: Option<&BTreeMap<String, String>>,
    runs: &[RunId],
) -> anyhow::Result<Option<(String, Machine)>> {
    let named = outputs.and_then(|o| o.get("RenderStateMachineArn")).cloned();
    let derived = runs.iter().flat_map(|run| Resource::StateMachine.names_for(Place { stack, account, region }, run));
    for arn in named.into_iter().chain(derived) {
        if let Some(machine) = executions::machine(clients, &arn).await? {
            return Ok(Some((arn, machine)));
        }
    }
    Ok(None)
}

async fn render_buckets(
    clients: &Clients,
    account: &str,
    (stack, region): (&StackName, &Region),
    outputs: Option<&BTreeMap<String, String>>,
    names: &[String],
    claimed: &[RunId],
) -> anyhow::Result<Vec<FoundBucket>> {
    let artifact_prefix = ArtifactBucketName::prefix_of(stack, region);
    let mut candidates: Vec<String> = names.iter().filter(|n| !n.starts_with(&artifact_prefix)).cloned().collect();
    candidates.extend(outputs.and_then(|o| o.get("RenderBucketName")).cloned());
    let derived = |run: &RunId| Resource::Bucket.names_for(Place { stack, account, region }, run);
    candidates.extend(claimed.iter().flat_map(derived));
    candidates.sort();
    candidates.dedup();
    let output = outputs.and_then(|o| o.get("RenderBucketName"));
    let mut found = Vec::new();
    for name in candidates {
        let tags = match objects::bucket_tags(clients, &name).await {
            // A bucket whose name only begins alike is someone else's, as long as nothing says otherwise.
            Err(error)
                if output != Some(&name)
                    && !claimed.iter().any(|run| derived(run).contains(&name))
                    && is_refused(&error) =>
            {
                continue;
            }
            tags => tags.with_context(|| format!("whose bucket is {name}?"))?,
        };
        let Some(tags) = tags else { continue };
        let of_stack = has(&tags, "aws:cloudformation:stack-name", stack.as_str()) || output == Some(&name);
        // An emulator may not tag the buckets of a stack: then the name tells,
        // for a run whose tagged artifact bucket is there.
        let by_name = claimed.iter().find(|run| derived(run).contains(&name)).cloned();
        let run = run_tag(&tags).filter(|run| of_stack || claimed.contains(run)).or(by_name);
        if run.is_some() || output == Some(&name) {
            found.push(FoundBucket { name, run });
        }
    }
    Ok(found)
}

impl Inventory {
    /// What the inventory says of ownership.
    pub fn evidence(&self) -> Evidence {
        let stack = match &self.stack {
            None => StackEvidence::Absent,
            Some(stack) => match self.run_of_stack() {
                Some(run) => StackEvidence::Tagged(run),
                None if stack.in_review() => StackEvidence::InReview,
                None => StackEvidence::Untagged,
            },
        };
        Evidence {
            stack,
            claims: self.artifact_buckets.iter().map(ArtifactBucketName::run).collect(),
            tagged_buckets: self.render_buckets.iter().filter_map(|b| b.run.clone()).collect(),
        }
    }

    /// The run that the stack is tagged with.
    pub fn run_of_stack(&self) -> Option<RunId> {
        let stack = self.stack.as_ref()?;
        run_tag(&stack.tags).or_else(|| self.tag_of_machine_in(stack))
    }

    /// The run tag of the state machine that a stack's outputs name: an emulator
    /// may keep a stack's tags to what is in it.
    fn tag_of_machine_in(&self, stack: &Stack) -> Option<RunId> {
        let (arn, machine) = self.machine.as_ref()?;
        (stack.outputs.get("RenderStateMachineArn") == Some(arn)).then(|| run_tag(&machine.tags))?
    }

    /// The names of what is in the stack, as far as they are known.
    pub fn names(&self) -> ResourceNames {
        let output = |key: &str| self.stack.as_ref().and_then(|s| s.outputs.get(key)).cloned();
        let mut names = ResourceNames::default();
        names.add(Resource::Bucket, output("RenderBucketName"));
        names.add(Resource::Function, output("RenderFunctionArn").and_then(|arn| function_name(&arn)));
        if let Some((arn, machine)) = &self.machine {
            names.add(Resource::StateMachine, [arn.clone()]);
            names.add(Resource::LogGroup, machine.log_groups.clone());
        }
        names
    }
}

/// The name in a function's ARN, `arn:aws:lambda:region:account:function:name[:version]`.
fn function_name(arn: &str) -> Option<String> {
    arn.split(":function:").nth(1)?.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_says_that_a_bucket_is_someone_elses() {
        let is_refused =
            |status, code| is_refused(&anyhow::Error::from(Refused::new(status, Some(code), None)).context("reading"));
        assert!(is_refused(403, "AccessDenied") && is_refused(301, "PermanentRedirect"));
        assert!(is_refused(400, "AuthorizationHeaderMalformed"));
        for (status, code) in [(503, "SlowDown"), (400, "ExpiredToken"), (403, "RequestTimeTooSkewed"), (500, "Odd")] {
            assert!(!is_refused(status, code), "{code}");
        }
        assert!(!super::is_refused(&anyhow::anyhow!("a defect")));
    }

    #[test]
    fn function_names() {
        assert_eq!(function_name("arn:aws:lambda:us-east-1:1:function:p-render").as_deref(), Some("p-render"));
        assert_eq!(function_name("arn:aws:lambda:us-east-1:1:function:p-render:live").as_deref(), Some("p-render"));
        assert_eq!(function_name("p-render"), None);
    }
}
