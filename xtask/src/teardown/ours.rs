//! What is ours: the one definition of what a run may use, stop, empty and delete.
//!
//! A resource is ours when it is a physical resource of a stack that carries a run's tag, or when it carries that tag
//! itself. A name, an output, a journal and a template prove nothing: they only say where to look.

use anyhow::{Context, ensure};

use crate::{
    aws::{
        Clients,
        signed_calls::LogGroup,
        stacks::{self, Stack, StackResource},
    },
    names::RunId,
    policy::{Resource, function_log_group},
};

/// The tags of a resource, as keys and values.
pub(super) type Tags = [(String, String)];

/// The run whose tag is among these.
pub(super) fn run_of(tags: &Tags) -> Option<RunId> {
    tags.iter().find(|(key, _)| key == RunId::TAG).and_then(|(_, value)| value.parse().ok())
}

/// A stack with its physical resources, as CloudFormation lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackContents {
    /// The stack; a deleted one too.
    pub stack: Stack,
    resources: Vec<StackResource>,
}

impl StackContents {
    /// Lists what is in a stack, or was in it.
    ///
    /// # Errors
    /// When CloudFormation gives no clear answer.
    pub async fn read(clients: &Clients, stack: Stack) -> anyhow::Result<Self> {
        Ok(Self { resources: stacks::resources(clients, &stack).await?, stack })
    }

    /// The names of its resources of one kind. One whose creation failed is not among them: that its name was taken
    /// is a reason to fail.
    pub fn names(&self, resource: Resource) -> impl Iterator<Item = &str> {
        let of_kind = move |found: &&StackResource| resource.types().contains(&found.kind.as_str());
        let found = self.resources.iter().filter(of_kind).filter(move |found| self.created(resource, found));
        found.map(|found| found.physical_id.as_str())
    }

    /// Whether the stack created it. What is deleted may have failed before, and the name be someone else's; only the
    /// log groups are of interest then, where the name has the run's random id.
    fn created(&self, resource: Resource, found: &StackResource) -> bool {
        let names_the_run = || run_of(&self.stack.tags).is_some_and(|run| found.physical_id.contains(run.as_str()));
        EXISTING.contains(&found.status.as_str())
            || (found.status == "DELETE_COMPLETE"
                && matches!(resource, Resource::Function | Resource::LogGroup)
                && names_the_run())
    }

    /// Whether a resource of this name is in the stack.
    pub fn has(&self, resource: Resource, name: &str) -> bool {
        self.names(resource).any(|found| found == name)
    }

    /// What an output names, which has to be in the stack.
    ///
    /// # Errors
    /// When there is no such output, or it names something outside of the stack.
    pub fn output(&self, output: &str, resource: Resource) -> anyhow::Result<String> {
        let value = self.stack.outputs.get(output).with_context(|| format!("the stack has no output {output}"))?;
        let name = match resource {
            Resource::Function => function_name(value),
            _ => value,
        };
        ensure!(
            self.has(resource, name),
            "the output {output} names {value}, which is not a resource of the stack; a run uses nothing that its own \
             stack did not create"
        );
        Ok(name.to_owned())
    }
}

/// The states in which CloudFormation has created a resource; a retained one of a deleted stack is skipped.
const EXISTING: [&str; 8] = [
    "CREATE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_SKIPPED",
];

/// The name in a function's ARN, `arn:aws:lambda:region:account:function:name[:version]`.
fn function_name(arn: &str) -> &str {
    arn.split(":function:").nth(1).and_then(|name| name.split(':').next()).unwrap_or(arn)
}

/// What proves resources ours: the tags of these runs, and membership in these stacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ours {
    /// The runs.
    pub runs: Vec<RunId>,
    /// Their stacks, and one whose deletion is forced.
    pub stacks: Vec<StackContents>,
}

impl Ours {
    fn has(&self, resource: Resource, name: &str) -> bool {
        self.stacks.iter().any(|stack| stack.has(resource, name))
    }

    /// Whether a bucket or a state machine with these tags is ours. The tag of another run speaks against it.
    pub(super) fn is_tagged_or_listed(&self, resource: Resource, name: &str, tags: &Tags) -> bool {
        match run_of(tags) {
            Some(run) => self.runs.contains(&run),
            None => self.has(resource, name),
        }
    }

    /// Whether a log group was there before one of the stacks: then none of them created it.
    pub(super) fn is_older(&self, group: LogGroup) -> bool {
        let created = |contents: &StackContents| contents.stack.created_ms;
        self.stacks.iter().filter_map(created).any(|stack| group.created_ms.is_some_and(|group| group < stack))
    }

    /// Whether a log group is ours: it is declared by our stack, or is the one of a function in it, and is not older
    /// than the stack.
    pub(super) fn is_log_group(&self, name: &str, group: LogGroup) -> bool {
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

    /// A stack of 1970-01-01T00:00:01Z with a bucket, a function and what its outputs name.
    fn contents(status: &str, outputs: &[(&str, &str)]) -> StackContents {
        let resource = |kind: &str, id: &str| StackResource {
            kind: kind.to_owned(),
            physical_id: id.to_owned(),
            status: status.to_owned(),
        };
        let outputs = outputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        StackContents {
            stack: Stack {
                id: "arn:s/1".to_owned(),
                status: "CREATE_COMPLETE".to_owned(),
                created_ms: Some(1000),
                tags: Vec::new(),
                outputs: outputs.collect(),
                protected: false,
            },
            resources: vec![resource("AWS::S3::Bucket", "b"), resource("AWS::Lambda::Function", "f")],
        }
    }

    fn tagged(run: &RunId) -> Vec<(String, String)> {
        vec![(RunId::TAG.to_owned(), run.to_string())]
    }

    #[test]
    fn a_bucket_is_ours_by_its_tag_or_by_its_stack_and_never_by_its_name() {
        let ours = Ours { runs: vec![run("a")], stacks: vec![contents("CREATE_COMPLETE", &[])] };
        let is_ours = |name, tags: &Tags| ours.is_tagged_or_listed(Resource::Bucket, name, tags);
        assert!(is_ours("anything", &tagged(&run("a"))) && is_ours("b", &[]));
        assert!(!is_ours("anything", &[]) && !is_ours("b", &tagged(&run("b"))));
        let failed = Ours { runs: vec![run("a")], stacks: vec![contents("CREATE_FAILED", &[])] };
        assert!(!failed.is_tagged_or_listed(Resource::Bucket, "b", &[]), "its name was taken");
    }

    #[test]
    fn a_log_group_is_ours_by_the_function_and_not_older_than_the_stack() {
        let ours = Ours { runs: Vec::new(), stacks: vec![contents("CREATE_COMPLETE", &[])] };
        let is_ours = |name, created_ms| ours.is_log_group(name, LogGroup { created_ms });
        assert!(is_ours("/aws/lambda/f", Some(1000)));
        assert!(!is_ours("/aws/lambda/f", Some(999)) && !is_ours("/aws/lambda/f", None));
        assert!(!is_ours("/aws/lambda/other", Some(1000)));
    }

    #[test]
    fn an_output_names_a_resource_of_the_stack() {
        let function = "arn:aws:lambda:us-east-1:1:function:f:live";
        let contents = contents("CREATE_COMPLETE", &[("B", "b"), ("Other", "shared"), ("F", function)]);
        assert_eq!(contents.output("B", Resource::Bucket).unwrap(), "b");
        assert_eq!(contents.output("F", Resource::Function).unwrap(), "f");
        let error = |output| contents.output(output, Resource::Bucket).unwrap_err().to_string();
        assert!(error("Other").starts_with("the output Other names shared, which is not a resource of the stack"));
        assert_eq!(error("None"), "the stack has no output None");
    }
}
