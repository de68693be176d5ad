//! What belongs to a run: the one definition of what a run may use, stop, empty and delete.
//!
//! A resource is ours when it is a physical resource of a stack that carries a run's tag, or when it carries that tag
//! itself. A name, an output, a journal and a template prove nothing: they only say where to look.

use anyhow::Context;

use crate::{
    aws::{
        change_sets,
        clients::Clients,
        resources::{Resource, function_log_group},
        signed_calls::LogGroup,
        stacks::{self, Stack, StackResource},
    },
    project::names::RunId,
};

/// The tags of a resource, as keys and values.
pub(crate) type Tags = [(String, String)];

/// The tag that CloudFormation gives to what it creates: the ARN of the stack.
pub(crate) const STACK_ID_TAG: &str = "aws:cloudformation:stack-id";

/// The run whose tag is among these.
pub(crate) fn run_of(tags: &Tags) -> Option<RunId> {
    tags.iter().find(|(key, _)| key == RunId::TAG).and_then(|(_, value)| value.parse().ok())
}

/// A stack with its physical resources, as CloudFormation lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackContents {
    /// The stack; a deleted one too.
    pub stack: Stack,
    /// The run that is proved to have created it.
    pub run: Option<RunId>,
    resources: Vec<StackResource>,
}

impl StackContents {
    /// Lists what is in a stack, or was in it.
    ///
    /// # Errors
    /// When CloudFormation gives no clear answer.
    pub async fn read(clients: &Clients, stack: Stack) -> anyhow::Result<Self> {
        let run = if stack.in_review() { run_in_review(clients, &stack).await? } else { run_of(&stack.tags) };
        Ok(Self { run, resources: stacks::resources(clients, &stack).await?, stack })
    }

    /// The names of its resources of one kind. One whose creation failed is not among them: that its name was taken
    /// is a reason to fail.
    pub fn names(&self, resource: Resource) -> impl Iterator<Item = &str> {
        self.existing(resource).map(|found| found.physical_id.as_str())
    }

    fn existing(&self, resource: Resource) -> impl Iterator<Item = &StackResource> {
        let of_kind = move |found: &&StackResource| resource.has_type(&found.kind);
        self.resources.iter().filter(of_kind).filter(move |found| self.created(resource, found))
    }

    /// Whether the stack created it. What is deleted may have failed before, and the name be someone else's; only the
    /// log groups are of interest then, where the name has the run's random id, or is one that CloudFormation made up.
    fn created(&self, resource: Resource, found: &StackResource) -> bool {
        let names_the_run = || self.run.as_ref().is_some_and(|run| found.physical_id.contains(run.as_str()));
        EXISTING.contains(&found.status.as_str())
            || (found.status == "DELETE_COMPLETE"
                && matches!(resource, Resource::Function | Resource::LogGroup)
                && (names_the_run() || self.is_made_up(found)))
    }

    /// What its template retained when it was deleted, apart from what a teardown looks for by other calls.
    pub(crate) fn retained(&self) -> impl Iterator<Item = &StackResource> {
        let is_looked_for = |kind: &str| Resource::LOOKED_FOR.into_iter().any(|resource| resource.has_type(kind));
        self.resources.iter().filter(move |found| found.status == RETAINED && !is_looked_for(&found.kind))
    }

    /// Whether CloudFormation made up the name, with a random end: `STACK-LOGICALID-RANDOM`, where it shortens each part.
    fn is_made_up(&self, found: &StackResource) -> bool {
        let begins = |text: &str| text.chars().take(KEPT_OF_NAMES).collect::<String>();
        let rest = found.physical_id.strip_prefix(&begins(self.stack.name()));
        let ends = |rest: &str| rest.rsplit_once('-').is_some_and(|(_, end)| end.len() >= RANDOM_OF_NAMES);
        rest.is_some_and(|rest| rest.contains(&format!("-{}", begins(&found.logical_id))) && ends(rest))
    }

    /// Whether Lambda creates the log group of a function in it, because the template declares none: a line that comes
    /// late creates it again.
    pub(crate) fn logs_undeclared(&self) -> bool {
        self.names(Resource::Function).any(|name| !self.has(Resource::LogGroup, &function_log_group(name)))
    }

    /// Whether a resource of this name is in the stack.
    pub fn has(&self, resource: Resource, name: &str) -> bool {
        self.names(resource).any(|found| found == name)
    }

    /// Whether the stack lists it, and its tags do not say that something else took its place: CloudFormation tags
    /// what it creates with the stack's ARN. What has no tags at all is of an emulator that gives none.
    pub(crate) fn vouches_for(&self, resource: Resource, name: &str, tags: &Tags) -> bool {
        let stack = tags.iter().find(|(key, _)| key == STACK_ID_TAG);
        self.has(resource, name) && stack.map_or(tags.is_empty(), |(_, id)| *id == self.stack.id)
    }

    /// The name of the resource that has this logical ID in the template.
    ///
    /// # Errors
    /// When the stack has not created it.
    pub fn named(&self, logical_id: &str, resource: Resource) -> anyhow::Result<String> {
        let found = self.existing(resource).find(|found| found.logical_id == logical_id);
        let found = found.with_context(|| format!("the stack has no {} {logical_id}", resource.kind()))?;
        Ok(found.physical_id.clone())
    }
}

/// How many characters of a stack's name and of a logical ID CloudFormation keeps at least in a name that it makes up.
const KEPT_OF_NAMES: usize = 16;

/// How many random characters it puts behind them at least.
const RANDOM_OF_NAMES: usize = 12;

/// The run of a stack that is nothing but its change sets, which show the tags that it will have: each has to be of
/// this one run.
async fn run_in_review(clients: &Clients, stack: &Stack) -> anyhow::Result<Option<RunId>> {
    let change_sets = change_sets::of_stack(clients, &stack.id).await?;
    let mut runs: Vec<Option<RunId>> = change_sets.iter().map(|change_set| run_of(&change_set.tags)).collect();
    runs.dedup();
    Ok(if let [Some(run)] = runs.as_slice() { Some(run.clone()) } else { None })
}

/// The state of a retained resource of a deleted stack.
const RETAINED: &str = "DELETE_SKIPPED";

/// The states in which CloudFormation has created a resource.
const EXISTING: [&str; 8] = [
    "CREATE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    RETAINED,
];

/// What proves resources ours: the tags of these runs, and membership in these stacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ours {
    pub runs: Vec<RunId>,
    /// Their stacks, and one whose deletion is forced.
    pub stacks: Vec<StackContents>,
    /// The stack that has the name and is not theirs.
    pub foreign: Option<StackContents>,
}

impl Ours {
    /// Whether a bucket or a state machine with these tags is ours. The tag of another run speaks against it. So does
    /// membership in a foreign stack: if sam updated that one, its resources have the run's tag.
    pub(crate) fn is_tagged_or_listed(&self, resource: Resource, name: &str, tags: &Tags) -> bool {
        if self.foreign.as_ref().is_some_and(|stack| stack.has(resource, name)) {
            return false;
        }
        match run_of(tags) {
            Some(run) => self.runs.contains(&run),
            None => self.stacks.iter().any(|stack| stack.vouches_for(resource, name, tags)),
        }
    }

    /// The same by what CloudFormation lists now.
    pub(crate) async fn read_again(&self, clients: &Clients) -> anyhow::Result<Self> {
        let mut stacks = Vec::new();
        for before in &self.stacks {
            if let Some(stack) = stacks::describe_even_deleted(clients, &before.stack.id).await? {
                let now = StackContents::read(clients, stack).await?;
                stacks.extend((now.run == before.run).then_some(now));
            }
        }
        Ok(Self { stacks, ..self.clone() })
    }

    /// Whether a log group was there before one of the stacks: then none of them created it.
    pub(crate) fn is_older(&self, group: LogGroup) -> bool {
        let created = |contents: &StackContents| contents.stack.created_ms;
        self.stacks.iter().filter_map(created).any(|stack| group.created_ms.is_some_and(|group| group < stack))
    }

    /// Whether a log group is ours: it is declared by our stack, or is the one of a function in it, and is not older
    /// than the stack.
    pub(crate) fn is_log_group(&self, name: &str, group: LogGroup) -> bool {
        self.stacks.iter().any(|contents| {
            let of_function = |function| function_log_group(function) == name;
            let is_listed = contents.has(Resource::LogGroup, name);
            let is_newer = group.created_ms.zip(contents.stack.created_ms).is_some_and(|(group, stack)| group >= stack);
            is_newer && (is_listed || contents.names(Resource::Function).any(of_function))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(digit: &str) -> RunId {
        digit.repeat(12).parse().unwrap()
    }

    /// A stack of 1970-01-01T00:00:01Z with a bucket and a function.
    fn contents(status: &str) -> StackContents {
        let resource = |kind: &str, id: &str| StackResource {
            logical_id: id.to_uppercase(),
            kind: kind.to_owned(),
            physical_id: id.to_owned(),
            status: status.to_owned(),
        };
        StackContents {
            stack: Stack {
                id: "arn:s/1".to_owned(),
                status: "CREATE_COMPLETE".to_owned(),
                created_ms: Some(1000),
                tags: Vec::new(),
                protected: false,
            },
            run: None,
            resources: vec![resource("AWS::S3::Bucket", "b"), resource("AWS::Lambda::Function", "f")],
        }
    }

    fn tagged(run: &RunId) -> Vec<(String, String)> {
        vec![(RunId::TAG.to_owned(), run.to_string())]
    }

    #[test]
    fn a_bucket_is_ours_by_its_tag_or_by_its_stack_and_never_by_its_name() {
        let ours = Ours { runs: vec![run("a")], stacks: vec![contents("CREATE_COMPLETE")], ..Ours::default() };
        let is_ours = |name, tags: &Tags| ours.is_tagged_or_listed(Resource::Bucket, name, tags);
        assert!(is_ours("anything", &tagged(&run("a"))) && is_ours("b", &[]));
        assert!(!is_ours("anything", &[]) && !is_ours("b", &tagged(&run("b"))));
        let of_stack =
            |id: &str| vec![("Owner".to_owned(), "team".to_owned()), (STACK_ID_TAG.to_owned(), id.to_owned())];
        assert!(is_ours("b", &of_stack("arn:s/1")) && !is_ours("b", &of_stack("arn:s/2")));
        assert!(!is_ours("b", &of_stack("arn:s/1")[..1]), "another bucket took its place");
        let failed = Ours { runs: vec![run("a")], stacks: vec![contents("CREATE_FAILED")], ..Ours::default() };
        assert!(!failed.is_tagged_or_listed(Resource::Bucket, "b", &[]), "its name was taken");
        let foreign = Some(contents("CREATE_COMPLETE"));
        let replaced = Ours { runs: vec![run("a")], foreign, ..Ours::default() };
        let is_ours = |name| replaced.is_tagged_or_listed(Resource::Bucket, name, &tagged(&run("a")));
        assert!(is_ours("a") && !is_ours("b"), "sam gave the run's tag to someone else's stack");
    }

    #[test]
    fn a_log_group_is_ours_by_the_function_and_not_older_than_the_stack() {
        let ours = Ours { stacks: vec![contents("CREATE_COMPLETE")], ..Ours::default() };
        let is_ours = |name, created_ms| ours.is_log_group(name, LogGroup { created_ms });
        assert!(is_ours("/aws/lambda/f", Some(1000)));
        assert!(!is_ours("/aws/lambda/f", Some(999)) && !is_ours("/aws/lambda/f", None));
        assert!(!is_ours("/aws/lambda/other", Some(1000)));
    }

    #[test]
    fn of_a_deleted_stack_only_names_that_nobody_else_can_have_are_known() {
        let named = |name: &str| {
            let mut deleted = contents("DELETE_COMPLETE");
            deleted.stack.id = "arn:aws:cloudformation:us-east-1:1:stack/hyperframes-lambda-smoke-1/2".to_owned();
            deleted.run = Some(run("a"));
            for resource in &mut deleted.resources {
                (resource.logical_id, resource.physical_id) = ("ChunkFunction".to_owned(), name.to_owned());
            }
            deleted.names(Resource::Function).count() == 1
        };
        assert!(named("p-aaaaaaaaaaaa-chunk") && named("hyperframes-lambda-smoke-ChunkFunction-A1b2C3d4E5f6"));
        assert!(!named("chunk") && !named("hyperframes-lambda-smoke-ChunkFunction-live"));
        assert!(!named("another-lambda-smoke-ChunkFunction-A1b2C3d4E5f6"));
        assert!(!named("hyperframes-lambda-smoke-Other-A1b2C3d4E5f6"));
    }

    #[test]
    fn a_resource_is_found_by_its_logical_id_and_its_kind() {
        let named = |status, id, kind| contents(status).named(id, kind).map_err(|error| error.to_string());
        assert_eq!(named("CREATE_COMPLETE", "B", Resource::Bucket), Ok("b".to_owned()));
        assert_eq!(named("CREATE_COMPLETE", "F", Resource::Function), Ok("f".to_owned()));
        let missing = Err("the stack has no bucket F".to_owned());
        assert_eq!(named("CREATE_COMPLETE", "F", Resource::Bucket), missing);
        assert!(named("CREATE_FAILED", "B", Resource::Bucket).is_err(), "its name was taken");
    }
}
