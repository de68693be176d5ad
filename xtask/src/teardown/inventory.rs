//! What is there of a stack's name: the stack with its contents, its machine, its buckets, their tags.

use std::collections::BTreeSet;

use anyhow::Context;

use crate::{
    aws::{
        buckets,
        clients::Clients,
        emptying,
        executions::{self, Machine},
        faults::{Fault, Refused},
        resources::{Place, Resource, ResourceNames, function_log_group},
        stacks::{self, Stack},
    },
    project::names::{ArtifactBucketName, RunId, StackName},
    teardown::{
        ours::{Ours, STACK_ID_TAG, StackContents, Tags, run_of},
        ownership::{Evidence, StackEvidence},
    },
};

/// The tag on artifact buckets that names the stack they were made for.
pub const STACK_TAG: &str = "HyperframesSmokeStack";

/// Where to look, apart from the stack's name; it proves nothing.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a> {
    /// Runs that may have used the name.
    pub runs: &'a [RunId],
    /// What the run or its journal knows; its stacks are named by their ARNs.
    pub known: &'a ResourceNames,
}

impl Hints<'_> {
    /// Whether this run created a stack, and not this one. Where someone replaced the run's stack while sam was at
    /// work, sam gave its tags to the other one.
    fn know_another(&self, run: &RunId, stack: &Stack) -> bool {
        let mut created = self.known.of(Resource::Stack).filter(|name| name.starts_with("arn:")).peekable();
        self.runs.contains(run) && created.peek().is_some() && !created.any(|id| *id == stack.id)
    }
}

/// Everything that was found of one stack's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The stack that has the name, `None` without one.
    pub contents: Option<StackContents>,
    /// Deleted stacks of the name with a run's tag, whose resources may have outlived them.
    pub deleted: Vec<StackContents>,
    /// The state machine's ARN and what is known of it.
    pub machine: Option<(String, Machine)>,
    /// The artifact buckets of runs: tagged as such, or without any tag and empty.
    pub artifact_buckets: Vec<FoundArtifacts>,
    /// Buckets that may be a stack's render buckets, with their tags.
    pub render_buckets: Vec<FoundBucket>,
    /// Buckets and a state machine with a name that a run's might have, and nothing that proves them a run's.
    pub unproved: ResourceNames,
}

/// A run's artifact bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundArtifacts {
    pub name: ArtifactBucketName,
    /// Whether its tags prove it the run's; if not it is empty, and goes only as long as it is.
    pub is_tagged: bool,
}

/// A bucket that may be a stack's render bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBucket {
    pub name: String,
    pub tags: Vec<(String, String)>,
}

/// Looks for everything of a stack's name.
///
/// # Errors
/// When something can't be seen: what is not known is not assumed.
pub async fn take(clients: &Clients, place: Place<'_>, hints: Hints<'_>) -> anyhow::Result<Inventory> {
    let prefixes = [ArtifactBucketName::prefix_of(place.stack, place.region), bucket_prefix(place.stack)];
    let (described, names) =
        tokio::join!(stacks::describe(clients, place.stack.as_str()), buckets::buckets_starting(clients, &prefixes));
    let (described, names) = (described?, names?);
    let mut found = Inventory::default();
    if let Some(stack) = described {
        let mut contents = StackContents::read(clients, stack).await?;
        contents.run = contents.run.filter(|run| !hints.know_another(run, &contents.stack));
        found.contents = Some(contents);
    }
    artifact_buckets(clients, place, &names, hints.runs, &mut found).await?;
    let mut runs: Vec<RunId> = found.artifact_buckets.iter().map(|bucket| bucket.name.run()).collect();
    runs.extend(hints.runs.iter().cloned());
    runs.sort();
    runs.dedup();
    render_buckets(clients, place, &names, &runs, &mut found).await?;
    found.deleted = deleted_stacks(clients, &found, hints.known).await?;
    machine(clients, place, runs, &mut found).await?;
    Ok(found)
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
    place: Place<'_>,
    names: &[String],
    hints: &[RunId],
    found: &mut Inventory,
) -> anyhow::Result<()> {
    let prefix = ArtifactBucketName::prefix_of(place.stack, place.region);
    let listed = names.iter().filter(|name| name.starts_with(&prefix)).filter_map(|name| name.parse().ok());
    let hinted = hints.iter().map(|run| ArtifactBucketName::new(place.stack, place.region, run));
    let candidates: BTreeSet<ArtifactBucketName> = listed.chain(hinted).collect();
    for name in candidates {
        let tags = match buckets::bucket_tags(clients, name.as_str()).await {
            // A bucket whose tags may not be read is not proved ours; a run's own bucket has to be.
            Err(error) if !hints.contains(&name.run()) && is_refused(&error) => continue,
            tags => tags?,
        };
        let Some(tags) = tags else { continue };
        let is_tagged = run_of(&tags) == Some(name.run()) && has(&tags, STACK_TAG, place.stack.as_str());
        // A run that was killed between creating and tagging its bucket leaves it empty.
        if is_tagged || (tags.is_empty() && emptying::is_empty(clients, name.as_str()).await?) {
            found.artifact_buckets.push(FoundArtifacts { name, is_tagged });
        } else {
            found.unproved.add(Resource::Bucket, [name.to_string()]);
        }
    }
    Ok(())
}

/// Whether a bucket's owner or its region keeps its tags from being read, as of one that is someone
/// else's. An error that may pass, or that is the caller's, says nothing about the owner.
fn is_refused(error: &anyhow::Error) -> bool {
    Refused::behind(error).is_some_and(|refused| matches!(refused.fault, Fault::Denied | Fault::Other))
}

fn has(tags: &Tags, key: &str, value: &str) -> bool {
    tags.iter().any(|(k, v)| k == key && v == value)
}

/// Finds the state machine in the stack, or one that has the name of a run's.
async fn machine(
    clients: &Clients,
    place: Place<'_>,
    mut runs: Vec<RunId>,
    found: &mut Inventory,
) -> anyhow::Result<()> {
    let listed = found.all_contents().flat_map(|contents| contents.names(Resource::StateMachine)).map(str::to_owned);
    let derived = runs.iter().flat_map(|run| Resource::StateMachine.names_for(place, run));
    let candidates: BTreeSet<String> = listed.chain(derived).collect();
    runs.extend(found.all_contents().filter_map(|contents| contents.run.clone()));
    for arn in candidates {
        let Some(machine) = executions::machine(clients, &arn).await? else { continue };
        let is_listed = |contents: &StackContents| contents.vouches_for(Resource::StateMachine, &arn, &machine.tags);
        let may_be_a_runs = match run_of(&machine.tags) {
            Some(run) => runs.contains(&run),
            None => machine.tags.is_empty() || found.all_contents().any(is_listed),
        };
        if !may_be_a_runs {
            found.unproved.add(Resource::StateMachine, [arn]);
        } else if found.machine.is_none() || run_of(&machine.tags).is_some() {
            found.machine = Some((arn, machine));
        }
    }
    Ok(())
}

/// Finds the buckets in the stack and those that have the names of a run's, with their tags.
async fn render_buckets(
    clients: &Clients,
    place: Place<'_>,
    names: &[String],
    runs: &[RunId],
    found: &mut Inventory,
) -> anyhow::Result<()> {
    let artifact_prefix = ArtifactBucketName::prefix_of(place.stack, place.region);
    let in_stack: BTreeSet<String> =
        found.contents.iter().flat_map(|contents| contents.names(Resource::Bucket)).map(str::to_owned).collect();
    let derived: BTreeSet<String> = runs.iter().flat_map(|run| Resource::Bucket.names_for(place, run)).collect();
    let listed = names.iter().filter(|name| !name.starts_with(&artifact_prefix)).cloned();
    let candidates: BTreeSet<String> = listed.chain(in_stack.iter().cloned()).chain(derived.iter().cloned()).collect();
    for name in candidates {
        let is_sought = in_stack.contains(&name) || derived.contains(&name);
        let tags = match buckets::bucket_tags(clients, &name).await {
            // A bucket whose name only begins alike is someone else's, as long as nothing says otherwise.
            Err(error) if !is_sought && is_refused(&error) => continue,
            tags => tags.with_context(|| format!("reading the tags and the owner of bucket {name}"))?,
        };
        let Some(tags) = tags else { continue };
        let is_listed = |contents: &StackContents| contents.vouches_for(Resource::Bucket, &name, &tags);
        let may_be_a_runs = match run_of(&tags) {
            Some(run) => runs.contains(&run) || has(&tags, "aws:cloudformation:stack-name", place.stack.as_str()),
            None => found.contents.as_ref().is_some_and(is_listed),
        };
        if may_be_a_runs {
            found.render_buckets.push(FoundBucket { name, tags });
        } else if is_sought && !tags.is_empty() {
            found.unproved.add(Resource::Bucket, [name]);
        }
    }
    Ok(())
}

/// Deleted stacks that carry a run's tag, by the ARNs that a journal or a bucket names.
async fn deleted_stacks(
    clients: &Clients,
    found: &Inventory,
    known: &ResourceNames,
) -> anyhow::Result<Vec<StackContents>> {
    let by_tag = found.render_buckets.iter().flat_map(|bucket| &bucket.tags);
    let by_tag = by_tag.filter(|(key, _)| key == STACK_ID_TAG).map(|(_, id)| id);
    let ids: BTreeSet<&String> =
        known.of(Resource::Stack).filter(|name| name.starts_with("arn:")).chain(by_tag).collect();
    let mut deleted = Vec::new();
    for id in ids {
        if found.contents.as_ref().is_some_and(|contents| contents.stack.id == *id) {
            continue;
        }
        if let Some(stack) = stacks::describe_even_deleted(clients, id).await?
            && run_of(&stack.tags).is_some()
        {
            deleted.push(StackContents::read(clients, stack).await?);
        }
    }
    Ok(deleted)
}

impl Inventory {
    pub fn evidence(&self) -> Evidence {
        let stack = match self.stack() {
            None => StackEvidence::Absent,
            Some(stack) => match self.run_of_stack() {
                Some(run) => StackEvidence::Tagged(run),
                None => StackEvidence::Unproved(match run_of(&stack.tags) {
                    Some(_) => "it is not the stack that the run created, although it has the run's tag".to_owned(),
                    None => format!("it has no tag {}", RunId::TAG),
                }),
            },
        };
        Evidence {
            stack,
            name_locks: self.artifact_buckets.iter().map(|bucket| bucket.name.run()).collect(),
            tagged_buckets: self.render_buckets.iter().filter_map(|bucket| run_of(&bucket.tags)).collect(),
        }
    }

    pub fn stack(&self) -> Option<&Stack> {
        self.contents.as_ref().map(|contents| &contents.stack)
    }

    /// The run that is proved to have created the stack.
    pub fn run_of_stack(&self) -> Option<RunId> {
        self.contents.as_ref()?.run.clone()
    }

    fn all_contents(&self) -> impl Iterator<Item = &StackContents> {
        self.contents.iter().chain(&self.deleted)
    }

    /// What proves resources to be these runs', and those of the stack itself where it `is_deleted` too.
    pub(crate) fn ours(&self, runs: &[RunId], is_deleted: bool) -> Ours {
        let of_runs = |contents: &&StackContents| contents.run.as_ref().is_some_and(|run| runs.contains(run));
        let standing = self.contents.iter().filter(|contents| is_deleted || of_runs(contents));
        let stacks: Vec<StackContents> = standing.chain(self.deleted.iter().filter(of_runs)).cloned().collect();
        let is_ours = |there: &StackContents| stacks.iter().any(|ours| ours.stack.id == there.stack.id);
        let foreign = self.contents.clone().filter(|there| !is_ours(there));
        Ours { runs: runs.to_vec(), foreign, stacks }
    }

    /// The names of what is in the stacks that are ours, with the log groups that their machine and functions use.
    pub(crate) fn names(&self, ours: &Ours) -> ResourceNames {
        let mut names = ResourceNames::default();
        for contents in &ours.stacks {
            for resource in Resource::LOOKED_FOR {
                names.add(resource, contents.names(resource).map(str::to_owned));
            }
            names.add(Resource::LogGroup, contents.names(Resource::Function).map(function_log_group));
        }
        names
    }
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
}
