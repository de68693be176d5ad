//! The resources of a template that a run works with.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::{Values, cursor::At, expression, yaml::Node};
use crate::policy::Resource;

/// The function that renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// What its name is computed from; without it CloudFormation makes one up.
    pub(super) name: Option<Node>,
    /// The ZIP that is deployed as its code.
    pub code: PathBuf,
    /// What its memory is computed from.
    memory: Option<Node>,
    /// The log group that it is told to write to, by logical id or name.
    log_group: Option<Node>,
}

/// The bucket that everything travels through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name in the template.
    pub logical_id: String,
    /// What its name is computed from; without it CloudFormation makes one up.
    pub(super) name: Option<Node>,
    /// Whether it outlives its stack.
    pub is_retained: bool,
}

/// A declared log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogGroup {
    pub logical_id: String,
    pub name: Option<Node>,
}

/// What a template's outputs lead to.
pub(super) struct Found<'a> {
    pub function: (String, At<'a>),
    pub bucket: (String, At<'a>),
    pub machine: (String, At<'a>),
}

impl<'a> Found<'a> {
    /// Follows the outputs that a run reads to the resources that they name.
    pub(super) fn by_outputs(root: &At<'a>) -> anyhow::Result<Self> {
        let resources = root.get("Resources")?;
        let outputs = root.get("Outputs")?;
        let follow = |output: &str, resource: Resource| follow(&outputs, output, &resources, resource.types());
        Ok(Self {
            bucket: follow("RenderBucketName", Resource::Bucket)?,
            function: follow("RenderFunctionArn", Resource::Function)?,
            machine: follow("RenderStateMachineArn", Resource::StateMachine)?,
        })
    }
}

fn follow<'a>(outputs: &At<'a>, output: &str, resources: &At<'a>, types: &[&str]) -> anyhow::Result<(String, At<'a>)> {
    let value = outputs.get(output)?.get("Value")?;
    let of_type = |at: &At<'a>| at.node.get("Type").and_then(Node::literal).is_some_and(|kind| types.contains(&kind));
    if let Some(id) = expression::resource(value.node) {
        return match resources.find(id) {
            Some(at) if of_type(&at) => Ok((id.to_owned(), at)),
            // A parameter's, say, is not the stack's own, whatever else is in it.
            _ => Err(value.fault(&format!("leads to {id}, which is no {} of this template", types.join(" and no ")))),
        };
    }
    // Computed in another way: then it is the only one of its kind.
    let all = resources.entries()?;
    let mut candidates = all.into_iter().filter(|(_, at)| of_type(at));
    match (candidates.next(), candidates.next()) {
        (Some((id, at)), None) => Ok((id.to_owned(), at)),
        _ => Err(value.fault(&format!("leads to no {} of this template", types.join(" or ")))),
    }
}

impl Function {
    /// Reads a resource of the template in the folder `dir`.
    pub(super) fn read(logical_id: &str, resource: &At<'_>, root: &At<'_>, dir: &Path) -> anyhow::Result<Self> {
        let properties = resource.get("Properties")?;
        let globals = root.find("Globals").and_then(|at| at.find("Function"));
        let property = |key: &str| properties.find(key).or_else(|| globals.as_ref()?.find(key));
        let code = property("CodeUri").or_else(|| property("Code"));
        let code = code.ok_or_else(|| properties.fault("has no CodeUri"))?;
        let told = code.literal()?;
        if told.contains("://") {
            return Err(code.fault(&format!("is {told}; a run deploys a ZIP that lies here and was checked")));
        }
        if !told.ends_with(".zip") {
            return Err(code.fault(&format!("is {told}, which is no ZIP; a run deploys the handler's ZIP")));
        }
        Ok(Self {
            logical_id: logical_id.to_owned(),
            name: properties.find("FunctionName").map(|at| at.node.clone()),
            code: normal(&dir.join(told))?,
            memory: property("MemorySize").map(|at| at.node.clone()),
            log_group: property("LoggingConfig").and_then(|at| at.find("LogGroup")).map(|at| at.node.clone()),
        })
    }

    /// Its memory in MB, where that can be told before a deployment.
    pub(super) fn memory_mb(&self, values: &Values) -> Option<u64> {
        values.expand(self.memory.as_ref()?)?.parse().ok()
    }

    /// Whether its log group is one of these, which its stack deletes with itself.
    pub(super) fn logs_to(&self, declared: &[LogGroup], values: &Values) -> bool {
        if let Some(told) = &self.log_group {
            return expression::resource(told).is_some_and(|id| declared.iter().any(|group| group.logical_id == id));
        }
        let Some(own) = self.name.as_ref().and_then(|name| values.expand(name)) else { return false };
        let own = format!("/aws/lambda/{own}");
        let name = |group: &LogGroup| values.expand(group.name.as_ref()?);
        // Or computed from the function itself.
        let of_function = |group: &LogGroup| {
            let texts = group.name.as_ref().map(Node::texts).unwrap_or_default();
            texts.iter().any(|text| *text == format!("/aws/lambda/${{{}}}", self.logical_id))
        };
        declared.iter().any(|group| name(group).as_ref() == Some(&own) || of_function(group))
    }
}

impl Bucket {
    /// Reads a resource.
    pub(super) fn read(logical_id: &str, resource: &At<'_>) -> Self {
        let policy = resource.node.get("DeletionPolicy").and_then(Node::literal);
        let name = resource.find("Properties").and_then(|at| at.find("BucketName")).map(|at| at.node.clone());
        Self { logical_id: logical_id.to_owned(), name, is_retained: policy.is_some_and(|p| p.starts_with("Retain")) }
    }
}

/// All declared log groups.
pub(super) fn log_groups(root: &At<'_>) -> Vec<LogGroup> {
    let resources = root.node.get("Resources").map(Node::entries).unwrap_or_default();
    let of_type = |node: &Node| {
        node.get("Type").and_then(Node::literal).is_some_and(|kind| Resource::LogGroup.types().contains(&kind))
    };
    let name = |node: &Node| node.get("Properties")?.get("LogGroupName").cloned();
    let groups = resources.iter().filter(|(_, node)| of_type(node));
    groups.map(|(id, node)| LogGroup { logical_id: id.clone(), name: name(node) }).collect()
}

/// The path without `.` and `..`, which lead out of no link here.
fn normal(path: &Path) -> anyhow::Result<PathBuf> {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !normal.pop() {
                    bail!("{} leads out of the file system", path.display());
                }
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    match normal.as_os_str().is_empty() {
        true => Err(anyhow!("{} is no path", path.display())),
        false => Ok(normal),
    }
}
