//! `lambda-policy`: the least IAM policy that a run needs, scoped to its names. Pure.
//!
//! Run by run the names differ, their beginnings don't: a stack is called
//! `hyperframes-lambda-<command>-<epoch>-<run>` or as `--stack-name` says, everything in
//! it begins like it, and the run's own bucket with `hyperframes-smoke-`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    aws::{
        policy::{Permission, Scope, permissions},
        region::Region,
    },
    project::{names::StackName, template::roles::PermissionsBoundary},
};

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

/// Actions that give a role more permissions. Where a boundary is demanded, these are allowed on roles that have it. A
/// run never takes a boundary away.
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

#[cfg(test)]
#[path = "holder_tests.rs"]
mod tests;
