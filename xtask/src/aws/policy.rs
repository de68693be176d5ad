//! `lambda-policy`: the least IAM policy that a run needs, scoped to its names. Pure.
//!
//! Run by run the names differ, their beginnings don't: a stack is called
//! `hyperframes-lambda-<command>-<epoch>-<run>` or as `--stack-name` says, everything in
//! it begins like it, and the run's own bucket with `hyperframes-smoke-`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::{
    NeededBy::{CloudFormation, Sam, Tool},
    Scope::{
        Alarms, Anything, ArtifactBuckets, ArtifactObjects, Executions, Functions, Images, LogGroups, Machines,
        RenderBuckets, RenderObjects, Roles, Stacks, Transform,
    },
};
use crate::{
    aws::{region::Region, resources::Resource},
    project::{names::StackName, template::roles::PermissionsBoundary},
};

/// On what a right is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Stacks of runs.
    Stacks,
    /// The transform of SAM templates.
    Transform,
    /// The buckets that sam uploads to.
    ArtifactBuckets,
    /// What is in them.
    ArtifactObjects,
    /// The buckets that executions read and write.
    RenderBuckets,
    /// What is in them.
    RenderObjects,
    /// State machines.
    Machines,
    /// Their executions.
    Executions,
    /// Functions.
    Functions,
    /// Roles of functions and state machines.
    Roles,
    /// Log groups of functions and state machines.
    LogGroups,
    /// Alarms.
    Alarms,
    /// Repositories of the container images that functions are created from.
    Images,
    /// What IAM gives no narrower resource for.
    Anything,
}

/// Whose policy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The account; any, where `None`.
    pub account: Option<String>,
    /// The region of the runs.
    pub region: Region,
    /// The one stack that runs use, where they name one.
    pub stack: Option<StackName>,
    /// The boundary that every role must have.
    pub boundary: Option<PermissionsBoundary>,
}

/// The policy document.
pub fn policy(holder: &Holder) -> Value {
    let mut statements: BTreeMap<(Scope, bool), BTreeSet<&str>> = BTreeMap::new();
    for Permission { action, scope, .. } in permissions() {
        let bounded = holder.boundary.is_some() && BOUNDED.contains(action);
        statements.entry((*scope, bounded)).or_default().insert(action);
    }
    let statement = |((scope, bounded), actions): ((Scope, bool), BTreeSet<&str>)| {
        let mut statement = json!({
            "Sid": format!("{scope:?}"),
            "Effect": "Allow",
            "Action": actions,
            "Resource": holder.resources(scope),
        });
        if let Some(boundary) = holder.boundary.as_ref().filter(|_| bounded) {
            statement["Sid"] = format!("Bounded{scope:?}").into();
            statement["Condition"] = json!({ "StringEquals": { "iam:PermissionsBoundary": boundary.as_str() } });
        }
        statement
    };
    json!({ "Version": "2012-10-17", "Statement": statements.into_iter().map(statement).collect::<Vec<_>>() })
}

/// What gives a role more rights. Where a boundary is demanded, these are allowed on roles that have it. No action of a
/// run takes a boundary away.
const BOUNDED: [&str; 3] = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy"];

/// How many characters of a stack's name the names in it begin with.
const IN_NAMES: usize = 36;

/// How many of them a name of 63 characters surely keeps that CloudFormation makes up.
const IN_MADE_UP_NAMES: usize = 24;

impl Holder {
    fn resources(&self, scope: Scope) -> Vec<String> {
        let of = |service: &str, resource: &str| self.arn(service, resource);
        let each = |make: &dyn Fn(&str) -> String| self.all_beginnings().iter().map(|name| make(name)).collect();
        match scope {
            Scope::Anything => vec!["*".to_owned()],
            Scope::Stacks => {
                self.stacks().iter().map(|name| of("cloudformation", &format!("stack/{name}/*"))).collect()
            }
            Scope::Transform => vec![format!(
                "arn:{}:cloudformation:{}:aws:transform/Serverless-2016-10-31",
                self.region.partition(),
                self.region
            )],
            Scope::ArtifactBuckets => vec![self.bucket("hyperframes-smoke-*")],
            Scope::ArtifactObjects => vec![self.bucket("hyperframes-smoke-*/*")],
            Scope::RenderBuckets => self.made_up().iter().map(|name| self.bucket(&format!("{name}*"))).collect(),
            Scope::RenderObjects => self.made_up().iter().map(|name| self.bucket(&format!("{name}*/*"))).collect(),
            Scope::Machines => each(&|name| of("states", &format!("stateMachine:{name}*"))),
            Scope::Executions => each(&|name| of("states", &format!("execution:{name}*:*"))),
            Scope::Functions => each(&|name| of("lambda", &format!("function:{name}*"))),
            Scope::Images => vec![of("ecr", "repository/*")],
            Scope::Alarms => each(&|name| of("cloudwatch", &format!("alarm:{name}*"))),
            // CloudFormation names roles after the stack, whose name it cuts off; they belong to no region.
            Scope::Roles => self
                .stacks()
                .iter()
                .map(|name| cut(name))
                .map(|name| format!("arn:{}:iam::{}:role/{name}*", self.region.partition(), self.account()))
                .collect(),
            Scope::LogGroups => {
                let groups = ["/aws/lambda/", "/aws/vendedlogs/states/", "/aws/states/"];
                let of_group = |name: &String| {
                    groups.map(|group| of("logs", &format!("log-group:{group}{name}*"))).into_iter().collect::<Vec<_>>()
                };
                self.all_beginnings().iter().flat_map(of_group).collect()
            }
        }
    }

    /// The names of stacks.
    fn stacks(&self) -> Vec<String> {
        match &self.stack {
            Some(stack) => vec![stack.to_string()],
            None => ["smoke", "eval"].map(|command| format!("hyperframes-lambda-{command}-*")).to_vec(),
        }
    }

    /// What the names of everything in them begin with: lower case, cut off.
    fn beginnings(&self) -> Vec<String> {
        let begins = |name: String| {
            let name = name.trim_end_matches('*').to_ascii_lowercase();
            name.chars().take(IN_NAMES).collect::<String>().trim_end_matches('-').to_owned() + "-"
        };
        self.stacks().into_iter().map(begins).collect()
    }

    /// The same, and what names begin with that CloudFormation makes up for a template that does not name its functions.
    fn all_beginnings(&self) -> Vec<String> {
        let made_up = self.stack.iter().map(|stack| {
            let kept = cut(stack.as_str());
            if kept == stack.as_str() { kept + "-" } else { kept }
        });
        let named = self.beginnings();
        let new = made_up.filter(|name| !named.iter().any(|known| name.starts_with(known))).collect::<Vec<_>>();
        named.into_iter().chain(new).collect()
    }

    /// What the names of buckets begin with, also where CloudFormation makes them up: in lower case.
    fn made_up(&self) -> Vec<String> {
        self.stacks().iter().map(|name| cut(&name.to_ascii_lowercase())).collect()
    }

    /// One resource of a scope, as a run could have it.
    pub(crate) fn example(&self, scope: Scope) -> String {
        match self.resources(scope).into_iter().next() {
            Some(resource) if resource != "*" => resource.replace('*', "0"),
            _ => "*".to_owned(),
        }
    }

    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.region.partition(), self.region, self.account())
    }

    fn bucket(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.region.partition())
    }

    fn account(&self) -> &str {
        self.account.as_deref().unwrap_or("*")
    }
}

/// What CloudFormation keeps of a stack's name in a name that it makes up.
fn cut(name: &str) -> String {
    name.trim_end_matches('*').chars().take(IN_MADE_UP_NAMES).collect()
}

// Every right that a run needs, by the resource that it is for: the source of the policy. Pure.

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// IAM's name.
    pub action: &'static str,
    /// On what.
    pub scope: Scope,
    /// Who needs it.
    pub needed_by: NeededBy,
    /// The calls that it allows, where their names differ from the action's.
    pub calls: &'static [&'static str],
}

/// Who makes the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeededBy {
    /// This tool, by the SDK.
    Tool,
    /// `sam`, with the same credentials.
    Sam,
    /// CloudFormation, on behalf of the same credentials: its calls are not visible from outside.
    CloudFormation,
}

const fn right(needed_by: NeededBy, scope: Scope, action: &'static str) -> Permission {
    Permission { action, scope, needed_by, calls: &[] }
}

const fn for_calls(
    needed_by: NeededBy,
    scope: Scope,
    action: &'static str,
    calls: &'static [&'static str],
) -> Permission {
    Permission { action, scope, needed_by, calls }
}

/// Every permission that a run needs.
pub fn permissions() -> impl Iterator<Item = &'static Permission> {
    IDENTITY.iter().chain(Resource::ALL.into_iter().flat_map(Resource::permissions))
}

const IDENTITY: &[Permission] = &[right(Tool, Anything, "sts:GetCallerIdentity")];

impl Resource {
    /// What a run may have to do with a resource of this kind.
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Stack => STACK,
            Self::Bucket => BUCKET,
            Self::StateMachine => STATE_MACHINE,
            Self::Function => FUNCTION,
            Self::LogGroup => LOG_GROUP,
            Self::Role => ROLE,
            Self::Alarm => ALARM,
        }
    }
}

const STACK: &[Permission] = &[
    right(Tool, Stacks, "cloudformation:DescribeStacks"),
    right(Tool, Stacks, "cloudformation:DescribeStackResources"),
    right(Tool, Stacks, "cloudformation:DeleteStack"),
    right(Tool, Stacks, "cloudformation:CreateChangeSet"),
    right(Tool, Stacks, "cloudformation:DescribeChangeSet"),
    right(Tool, Stacks, "cloudformation:ListChangeSets"),
    right(Tool, Stacks, "cloudformation:DeleteChangeSet"),
    right(Sam, Stacks, "cloudformation:ExecuteChangeSet"),
    right(Sam, Stacks, "cloudformation:DescribeStackEvents"),
    right(Sam, Anything, "cloudformation:GetTemplateSummary"),
    right(Sam, Stacks, "cloudformation:ListStackResources"),
    right(Sam, Stacks, "cloudformation:TagResource"),
    for_calls(Sam, Transform, "cloudformation:CreateChangeSet", &["CreateChangeSet"]),
];

const BUCKET: &[Permission] = &[
    // The run's own bucket, which sam uploads to.
    for_calls(Tool, Anything, "s3:ListAllMyBuckets", &["ListBuckets"]),
    right(Tool, ArtifactBuckets, "s3:CreateBucket"),
    right(Tool, ArtifactBuckets, "s3:DeleteBucket"),
    right(Tool, ArtifactBuckets, "s3:PutBucketTagging"),
    right(Tool, ArtifactBuckets, "s3:GetBucketTagging"),
    for_calls(Tool, ArtifactBuckets, "s3:PutBucketPublicAccessBlock", &["PutPublicAccessBlock"]),
    for_calls(Tool, ArtifactBuckets, "s3:ListBucket", &["HeadBucket"]),
    for_calls(Tool, ArtifactBuckets, "s3:ListBucketVersions", &["ListObjectVersions"]),
    for_calls(Tool, ArtifactBuckets, "s3:ListBucketMultipartUploads", &["ListMultipartUploads"]),
    right(Sam, ArtifactBuckets, "s3:GetBucketLocation"),
    for_calls(Sam, ArtifactObjects, "s3:PutObject", MULTIPART),
    for_calls(Sam, ArtifactObjects, "s3:GetObject", &["GetObject", "HeadObject"]),
    for_calls(Tool, ArtifactObjects, "s3:DeleteObject", &["DeleteObjects", "DeleteObject"]),
    right(Tool, ArtifactObjects, "s3:DeleteObjectVersion"),
    right(Tool, ArtifactObjects, "s3:AbortMultipartUpload"),
    // The render bucket: the template's, used and emptied by the tool.
    right(CloudFormation, RenderBuckets, "s3:CreateBucket"),
    right(CloudFormation, RenderBuckets, "s3:PutEncryptionConfiguration"),
    right(CloudFormation, RenderBuckets, "s3:PutBucketOwnershipControls"),
    right(CloudFormation, RenderBuckets, "s3:PutBucketPublicAccessBlock"),
    right(CloudFormation, RenderBuckets, "s3:PutBucketVersioning"),
    right(CloudFormation, RenderBuckets, "s3:PutLifecycleConfiguration"),
    right(CloudFormation, RenderBuckets, "s3:PutBucketTagging"),
    right(Tool, RenderBuckets, "s3:GetBucketTagging"),
    for_calls(Tool, RenderBuckets, "s3:ListBucket", &["HeadBucket"]),
    for_calls(Tool, RenderBuckets, "s3:ListBucketVersions", &["ListObjectVersions"]),
    for_calls(Tool, RenderBuckets, "s3:ListBucketMultipartUploads", &["ListMultipartUploads"]),
    right(Tool, RenderBuckets, "s3:DeleteBucket"),
    for_calls(Tool, RenderObjects, "s3:PutObject", MULTIPART),
    for_calls(Tool, RenderObjects, "s3:GetObject", &["GetObject", "HeadObject"]),
    for_calls(Tool, RenderObjects, "s3:DeleteObject", &["DeleteObjects", "DeleteObject"]),
    right(Tool, RenderObjects, "s3:DeleteObjectVersion"),
    right(Tool, RenderObjects, "s3:AbortMultipartUpload"),
];

const STATE_MACHINE: &[Permission] = &[
    right(Tool, Machines, "states:StartExecution"),
    right(Tool, Machines, "states:ListExecutions"),
    right(Tool, Executions, "states:DescribeExecution"),
    right(Tool, Executions, "states:GetExecutionHistory"),
    right(Tool, Executions, "states:StopExecution"),
    right(Tool, Machines, "states:DescribeStateMachine"),
    right(Tool, Machines, "states:ListTagsForResource"),
    right(CloudFormation, Machines, "states:CreateStateMachine"),
    right(CloudFormation, Machines, "states:DeleteStateMachine"),
    right(CloudFormation, Machines, "states:TagResource"),
];

const FUNCTION: &[Permission] = &[
    right(Tool, Functions, "lambda:GetFunctionConfiguration"),
    // Between the rounds of an eval that measures several sizes of memory.
    right(Tool, Functions, "lambda:UpdateFunctionConfiguration"),
    right(CloudFormation, Functions, "lambda:CreateFunction"),
    right(CloudFormation, Functions, "lambda:GetFunction"),
    right(CloudFormation, Functions, "lambda:GetFunctionCodeSigningConfig"),
    right(CloudFormation, Functions, "lambda:GetFunctionRecursionConfig"),
    right(CloudFormation, Functions, "lambda:GetRuntimeManagementConfig"),
    // Of a kept stack that another ZIP is deployed to.
    right(CloudFormation, Functions, "lambda:UpdateFunctionCode"),
    right(CloudFormation, Functions, "lambda:PutFunctionConcurrency"),
    right(CloudFormation, Functions, "lambda:DeleteFunctionConcurrency"),
    right(CloudFormation, Functions, "lambda:DeleteFunction"),
    right(CloudFormation, Functions, "lambda:ListTags"),
    right(CloudFormation, Functions, "lambda:TagResource"),
    right(Tool, Anything, "lambda:GetAccountSettings"),
    // Of functions that are container images: Lambda reads the image with these credentials.
    right(CloudFormation, Images, "ecr:BatchGetImage"),
    right(CloudFormation, Images, "ecr:GetDownloadUrlForLayer"),
    right(CloudFormation, Images, "ecr:GetRepositoryPolicy"),
    right(CloudFormation, Images, "ecr:SetRepositoryPolicy"),
];

/// Roles of the function and of the state machine.
const ROLE: &[Permission] = &[
    right(CloudFormation, Roles, "iam:CreateRole"),
    right(CloudFormation, Roles, "iam:GetRole"),
    right(CloudFormation, Roles, "iam:TagRole"),
    right(CloudFormation, Roles, "iam:PutRolePolicy"),
    right(CloudFormation, Roles, "iam:GetRolePolicy"),
    right(CloudFormation, Roles, "iam:ListRolePolicies"),
    right(CloudFormation, Roles, "iam:ListAttachedRolePolicies"),
    right(CloudFormation, Roles, "iam:DeleteRolePolicy"),
    // Of roles that SAM makes up where a checkout's template declares none.
    right(CloudFormation, Roles, "iam:AttachRolePolicy"),
    right(CloudFormation, Roles, "iam:DetachRolePolicy"),
    right(CloudFormation, Roles, "iam:DeleteRole"),
    right(CloudFormation, Roles, "iam:PassRole"),
];

/// Describing log groups and delivering to them have no narrower scope.
const LOG_GROUP: &[Permission] = &[
    right(Tool, Anything, "logs:DescribeLogGroups"),
    right(Tool, LogGroups, "logs:DeleteLogGroup"),
    right(Tool, LogGroups, "logs:FilterLogEvents"),
    right(CloudFormation, LogGroups, "logs:CreateLogGroup"),
    right(CloudFormation, LogGroups, "logs:PutRetentionPolicy"),
    right(CloudFormation, LogGroups, "logs:TagResource"),
    right(CloudFormation, LogGroups, "logs:ListTagsForResource"),
    right(CloudFormation, LogGroups, "logs:GetDataProtectionPolicy"),
    right(CloudFormation, Anything, "logs:CreateLogDelivery"),
    right(CloudFormation, Anything, "logs:GetLogDelivery"),
    right(CloudFormation, Anything, "logs:UpdateLogDelivery"),
    right(CloudFormation, Anything, "logs:DeleteLogDelivery"),
    right(CloudFormation, Anything, "logs:ListLogDeliveries"),
    right(CloudFormation, Anything, "logs:PutResourcePolicy"),
    right(CloudFormation, Anything, "logs:DescribeResourcePolicies"),
];

const ALARM: &[Permission] = &[
    right(CloudFormation, Alarms, "cloudwatch:PutMetricAlarm"),
    right(CloudFormation, Alarms, "cloudwatch:DeleteAlarms"),
    right(CloudFormation, Alarms, "cloudwatch:TagResource"),
    right(CloudFormation, Alarms, "cloudwatch:ListTagsForResource"),
    right(CloudFormation, Anything, "cloudwatch:DescribeAlarms"),
];

/// What one right to put an object allows.
const MULTIPART: &[&str] = &["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];

impl Permission {
    /// Whether it allows a call, by the API's name of it.
    pub fn allows(&self, call: &str) -> bool {
        let of_action = self.action.split_once(':').map_or("", |(_, name)| name);
        if self.calls.is_empty() { of_action == call } else { self.calls.contains(&call) }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
