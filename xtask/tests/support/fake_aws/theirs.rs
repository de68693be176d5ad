//! What someone else has in the account, and all that is in it with its content.

use std::collections::BTreeSet;

use super::{
    account::{Account, Bucket, Machine, machine_arn},
    executions::Execution,
};

/// A kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    /// With objects, versions, and an upload.
    Bucket,
    /// With an execution that runs.
    Machine,
    /// With a log group that is older than any stack.
    Function,
    /// Older than any stack.
    LogGroup,
}

impl Thing {
    pub(crate) const ALL: [Self; 4] = [Self::Bucket, Self::Machine, Self::Function, Self::LogGroup];

    /// CloudFormation's name of it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Bucket => "AWS::S3::Bucket",
            Self::Machine => "AWS::StepFunctions::StateMachine",
            Self::Function => "AWS::Lambda::Function",
            Self::LogGroup => "AWS::Logs::LogGroup",
        }
    }

    /// The id of the one in a stack whose ProjectName is this.
    pub(crate) fn id(self, project: &str) -> String {
        match self {
            Self::Bucket => format!("{project}-{}", super::ACCOUNT),
            Self::Machine => machine_arn(project),
            Self::Function => format!("{project}-render"),
            Self::LogGroup => format!("/aws/vendedlogs/states/{project}-render"),
        }
    }
}

impl Account {
    /// Puts someone's thing in the place of what has the id, if anything has.
    pub(crate) fn put_theirs(&mut self, thing: Thing, id: &str, tags: &[(&str, &str)]) {
        let tags: Vec<_> = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        match thing {
            Thing::Bucket => {
                let mut bucket = Bucket { tags, ..Bucket::default() };
                bucket.litter();
                self.buckets.insert(id.to_owned(), bucket);
            }
            Thing::Machine => {
                self.machines.insert(id.to_owned(), Machine { tags, log_group: "/theirs".to_owned() });
                let execution = Execution::of_someone(id, self.executions.len() + 1);
                self.executions.insert(execution.arn(), execution);
            }
            Thing::Function => {
                self.functions.insert(id.to_owned());
                self.log_groups.insert(format!("/aws/lambda/{id}"), 1);
            }
            Thing::LogGroup => _ = self.log_groups.insert(id.to_owned(), 1),
        }
    }

    /// A line for each thing with what is in it.
    pub(crate) fn contents(&self) -> BTreeSet<String> {
        let stacks = self.stacks.iter().map(|(name, stack)| format!("stack {name} {}", stack.id));
        let buckets = self.buckets.iter().map(|(name, bucket)| format!("bucket {name} {bucket:?}"));
        let machines = self.machines.iter().map(|(arn, machine)| format!("stateMachine {arn} {machine:?}"));
        let functions = self.functions.iter().map(|name| format!("function {name}"));
        let log_groups = self.log_groups.iter().map(|(name, created)| format!("logGroup {name} of {created}"));
        let executions = self.executions.values().filter(|execution| execution.is_running());
        let executions = executions.map(|execution| format!("running execution {}", execution.arn()));
        stacks.chain(buckets).chain(machines).chain(functions).chain(log_groups).chain(executions).collect()
    }
}
