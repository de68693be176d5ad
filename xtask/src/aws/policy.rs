//! Every permission that a run needs, by resource: the source of the policy. Pure.

use self::{
    NeededBy::{CloudFormation, Sam, Tool},
    Scope::{
        Alarms, Anything, ArtifactBuckets, ArtifactObjects, Executions, Functions, Images, LogGroups, Machines,
        RenderBuckets, RenderObjects, Roles, Stacks, Transform,
    },
};
use crate::aws::resources::Resource;

/// What a permission applies to.
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

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// IAM's name.
    pub action: &'static str,
    /// What it applies to.
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

/// The calls that the permission to put an object allows.
const MULTIPART: &[&str] = &["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];

impl Permission {
    /// Whether it allows a call, by the API's name of it.
    pub fn allows(&self, call: &str) -> bool {
        let of_action = self.action.split_once(':').map_or("", |(_, name)| name);
        if self.calls.is_empty() { of_action == call } else { self.calls.contains(&call) }
    }
}
