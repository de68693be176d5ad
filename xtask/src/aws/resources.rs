//! The table of AWS resources that a run creates. Pure.
//!
//! Inventory, teardown, journal, proof and policy iterate over [`Resource::ALL`]. A new kind of resource is a
//! variant here, its permissions in `policy.rs`, and the calls that look for it in `teardown/proof.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    aws::region::Region,
    project::names::{ProjectName, RunId, StackName},
};

/// A kind of AWS resource that a run creates, or that AWS creates for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    Stack,
    /// A bucket: the one that renders use, or the one that `sam` uploads to.
    #[serde(alias = "renderBucket")]
    Bucket,
    /// The state machine, by its ARN.
    StateMachine,
    Function,
    /// A log group of the function or the state machine.
    #[serde(alias = "logGroups")]
    LogGroup,
    /// A role; it is created and deleted with its stack.
    Role,
    /// An alarm; it is created and deleted with its stack.
    Alarm,
}

/// The account and the region of a stack.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub stack: &'a StackName,
    pub account: &'a str,
    pub region: &'a Region,
}

impl Resource {
    /// Every kind, in the order in which a teardown proves that they are gone.
    pub const ALL: [Self; 7] =
        [Self::Stack, Self::Bucket, Self::StateMachine, Self::Function, Self::LogGroup, Self::Role, Self::Alarm];

    /// The kinds in a stack that a teardown looks for by calls of their own.
    pub const LOOKED_FOR: [Self; 4] = [Self::Bucket, Self::StateMachine, Self::Function, Self::LogGroup];

    /// The name of the kind in JSON.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Bucket => "bucket",
            Self::StateMachine => "stateMachine",
            Self::Function => "function",
            Self::LogGroup => "logGroup",
            Self::Role => "role",
            Self::Alarm => "alarm",
        }
    }

    /// The types that it has in a template; the last one is CloudFormation's own.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Self::Stack => &["AWS::CloudFormation::Stack"],
            Self::Bucket => &["AWS::S3::Bucket"],
            Self::StateMachine => &["AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine"],
            Self::Function => &["AWS::Serverless::Function", "AWS::Lambda::Function"],
            Self::LogGroup => &["AWS::Logs::LogGroup"],
            Self::Role => &["AWS::IAM::Role"],
            Self::Alarm => &["AWS::CloudWatch::Alarm"],
        }
    }

    /// Whether a resource of this type in a template or a stack is one of the kind.
    pub fn has_type(self, kind: &str) -> bool {
        self.types().contains(&kind)
    }

    /// The names that the resources of `run` have where a template names them after its project.
    pub fn names_for(self, place: Place<'_>, run: &RunId) -> Vec<String> {
        let Place { stack, account, region } = place;
        let project = ProjectName::new(stack, run);
        match self {
            Self::Stack => vec![stack.to_string()],
            Self::Bucket => vec![format!("{project}-{account}")],
            Self::StateMachine => {
                vec![format!("arn:{}:states:{region}:{account}:stateMachine:{project}-render", region.partition())]
            }
            Self::Function => vec![format!("{project}-render")],
            Self::LogGroup => vec![
                format!("/aws/vendedlogs/states/{project}-render"),
                function_log_group(&format!("{project}-render")),
            ],
            Self::Role | Self::Alarm => Vec::new(),
        }
    }
}

/// The log group that Lambda creates for a function of this name.
pub fn function_log_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// Names of resources, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceNames(BTreeMap<Resource, Names>);

/// The names of one kind. Earlier versions wrote a single name, or null, where there can be only one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "BTreeSet<String>")]
struct Names(BTreeSet<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Many(BTreeSet<String>),
    AtMostOne(Option<String>),
}

impl From<Names> for BTreeSet<String> {
    fn from(names: Names) -> Self {
        names.0
    }
}

impl From<Stored> for Names {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Many(names) => Self(names),
            Stored::AtMostOne(name) => Self(name.into_iter().collect()),
        }
    }
}

impl ResourceNames {
    pub fn add(&mut self, resource: Resource, names: impl IntoIterator<Item = String>) {
        self.0.entry(resource).or_default().0.extend(names);
    }

    pub fn remove(&mut self, resource: Resource, name: &str) {
        self.0.entry(resource).or_default().0.remove(name);
    }

    /// The names of one kind, sorted.
    pub fn of(&self, resource: Resource) -> impl Iterator<Item = &String> {
        self.0.get(&resource).into_iter().flat_map(|names| &names.0)
    }

    /// All names with their kinds, in the order of [`Resource::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Resource, &String)> {
        self.0.iter().flat_map(|(resource, names)| names.0.iter().map(|name| (*resource, name)))
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_earlier_versions_are_read() {
        let earlier = r#"{"renderBucket":"b","stateMachine":null,"function":"f","logGroups":["/x","/y"]}"#;
        let names: ResourceNames = serde_json::from_str(earlier).unwrap();
        let read: Vec<(&str, &str)> = names.iter().map(|(resource, name)| (resource.kind(), name.as_str())).collect();
        assert_eq!(read, [("bucket", "b"), ("function", "f"), ("logGroup", "/x"), ("logGroup", "/y")]);
        let again: ResourceNames = serde_json::from_str(&serde_json::to_string(&names).unwrap()).unwrap();
        assert_eq!(again, names);
    }

    #[test]
    fn the_documentation_lists_every_resource_with_its_permissions() {
        let document = include_str!("../../../docs/aws-contract.md");
        for resource in Resource::ALL {
            let needed: BTreeSet<&str> = resource
                .permissions()
                .iter()
                .filter(|permission| permission.needed_by == crate::aws::policy::NeededBy::CloudFormation)
                .map(|permission| permission.action)
                .collect();
            let cloudformation_type = resource.types().last().unwrap();
            let row = document.lines().find(|line| line.starts_with(&format!("| {cloudformation_type}")));
            let listed: BTreeSet<&str> = row
                .and_then(|row| row.split('|').nth(2))
                .map(|actions| actions.split('`').skip(1).step_by(2).collect())
                .unwrap_or_default();
            assert_eq!(listed, needed, "docs/aws-contract.md, {cloudformation_type}");
        }
    }
}
