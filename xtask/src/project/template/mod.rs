//! The parts of a SAM template that a run needs: parameters, outputs, their resources, states and plan
//! protocols.

pub mod expression;
pub mod machine;
pub mod parameters;
pub mod yaml;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, anyhow, bail, ensure};

use crate::{
    aws::resources::Resource,
    project::template::{
        expression::Values,
        machine::Machine,
        parameters::Parameters,
        yaml::{At, Node},
    },
};

/// A template that a run can deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its file.
    pub path: PathBuf,
    /// Its parameters.
    pub parameters: Parameters,
    /// The function that renders.
    pub function: Function,
    /// The bucket that everything travels through.
    pub bucket: Bucket,
    /// The state machine. Each of its executions is a render.
    pub machine: Machine,
    log_groups: Vec<LogGroup>,
    types: BTreeMap<String, usize>,
}

/// The names of a stack's resources that are known before its deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StackNames {
    /// The name of the function.
    pub function: Option<String>,
    /// The name of the bucket.
    pub bucket: Option<String>,
    /// The name of the state machine.
    pub machine: Option<String>,
    /// The names of the log groups, including the one that Lambda creates for its function.
    pub log_groups: Vec<String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it can't be read, or lacks something that a run needs. The message contains the file, the field and
    /// its line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("the template {}", path.display());
        let text = fs::read_to_string(path).with_context(what)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        let file = |relative: &Path| {
            let path = dir.join(relative);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        Self::parse(&text, path, dir, &file).with_context(what)
    }

    /// Parses the text of the template at `path` in the folder `dir`. `file` reads the definition of a state
    /// machine, relative to that folder.
    ///
    /// # Errors
    /// As for [`Template::read`], without the file.
    pub fn parse(
        text: &str,
        path: &Path,
        dir: &Path,
        file: &dyn Fn(&Path) -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        let document = Node::parse(text)?;
        let root = At::root(&document);
        let found = Found::by_outputs(&root)?;
        let types = root
            .get("Resources")?
            .entries()?
            .into_iter()
            .filter_map(|(_, at)| at.node.get("Type").and_then(Node::literal).map(str::to_owned));
        Ok(Self {
            path: path.to_owned(),
            parameters: Parameters::read(&root)?,
            function: Function::read(&found.function.0, &found.function.1, &root, dir)?,
            bucket: Bucket::read(&found.bucket.0, &found.bucket.1),
            machine: Machine::read(&found.machine.0, &found.machine.1, file)?,
            log_groups: log_groups(&root),
            types: types.fold(BTreeMap::new(), |mut types, kind| {
                *types.entry(kind).or_default() += 1;
                types
            }),
        })
    }

    /// The function's memory in MB, given the requested one. Lambda's maximum of 10,240 is assumed if neither that
    /// nor the template's defaults say.
    pub fn memory_mb(&self, asked: Option<MemoryMb>) -> u64 {
        if let Some(asked) = asked {
            return asked.get().into();
        }
        let by_function = self.function.memory_mb(&self.parameters.defaults());
        by_function.or_else(|| self.parameters.memory_mb()).unwrap_or(10_240)
    }

    /// The names that its stack will have, if they do not depend on the deployment.
    pub fn names(&self, values: &Values) -> StackNames {
        let expand = |node: &Option<Node>| values.expand(node.as_ref()?);
        let function = expand(&self.function.name);
        let declared = self.log_groups.iter().filter_map(|group| expand(&group.name));
        let of_function = function.iter().map(|name| format!("/aws/lambda/{name}"));
        let mut log_groups: Vec<String> = declared.chain(of_function).collect();
        log_groups.sort();
        log_groups.dedup();
        StackNames { bucket: expand(&self.bucket.name), machine: expand(&self.machine.name), function, log_groups }
    }

    /// Whether Lambda creates the function's log group, so that deleting the stack does not delete it.
    pub fn leaves_a_log_group(&self, values: &Values) -> bool {
        !self.function.logs_to(&self.log_groups, values)
    }

    /// The number of resources of each type.
    pub fn resource_types(&self) -> &BTreeMap<String, usize> {
        &self.types
    }
}

// The resources that a run uses.

/// The function that renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// The expression of its name; without it CloudFormation chooses one.
    pub(crate) name: Option<Node>,
    /// The ZIP that is deployed as its code.
    pub code: PathBuf,
    /// The expression of its memory.
    memory: Option<Node>,
    /// The log group that it is configured to write to, by logical id or name.
    log_group: Option<Node>,
}

/// The bucket that everything travels through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name in the template.
    pub logical_id: String,
    /// The expression of its name; without it CloudFormation chooses one.
    pub(crate) name: Option<Node>,
    /// Whether it outlives its stack.
    pub is_retained: bool,
}

/// A declared log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogGroup {
    pub logical_id: String,
    pub name: Option<Node>,
}

/// The resources that a template's outputs refer to.
pub(crate) struct Found<'a> {
    pub function: (String, At<'a>),
    pub bucket: (String, At<'a>),
    pub machine: (String, At<'a>),
}

impl<'a> Found<'a> {
    /// Finds the resources of the outputs that a run reads.
    pub(crate) fn by_outputs(root: &At<'a>) -> anyhow::Result<Self> {
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
            // A parameter, for example, may name a bucket that is not the stack's own.
            _ => Err(value.fault(&format!("leads to {id}, which is not an {} of this template", types.join(" or ")))),
        };
    }
    // Computed in another way: then it must be the only resource of its type.
    let all = resources.entries()?;
    let mut candidates = all.into_iter().filter(|(_, at)| of_type(at));
    match (candidates.next(), candidates.next()) {
        (Some((id, at)), None) => Ok((id.to_owned(), at)),
        _ => Err(value.fault(&format!("leads to no {} of this template", types.join(" or ")))),
    }
}

impl Function {
    /// Parses a resource of the template in the folder `dir`.
    pub(crate) fn read(logical_id: &str, resource: &At<'_>, root: &At<'_>, dir: &Path) -> anyhow::Result<Self> {
        let properties = resource.get("Properties")?;
        let globals = root.find("Globals").and_then(|at| at.find("Function"));
        let property = |key: &str| properties.find(key).or_else(|| globals.as_ref()?.find(key));
        let code = property("CodeUri").or_else(|| property("Code"));
        let code = code.ok_or_else(|| properties.fault("has no CodeUri"))?;
        let path = code.literal()?;
        if path.contains("://") {
            return Err(code.fault(&format!("is {path}; a run deploys only a local ZIP that was checked")));
        }
        if !path.ends_with(".zip") {
            return Err(code.fault(&format!("is {path}, which is not a ZIP; a run deploys the handler's ZIP")));
        }
        Ok(Self {
            logical_id: logical_id.to_owned(),
            name: properties.find("FunctionName").map(|at| at.node.clone()),
            code: normal(&dir.join(path))?,
            memory: property("MemorySize").map(|at| at.node.clone()),
            log_group: property("LoggingConfig").and_then(|at| at.find("LogGroup")).map(|at| at.node.clone()),
        })
    }

    /// Its memory in MB, if it is known before a deployment.
    pub(crate) fn memory_mb(&self, values: &Values) -> Option<u64> {
        values.expand(self.memory.as_ref()?)?.parse().ok()
    }

    /// Whether its log group is one of these, which are deleted with the stack.
    pub(crate) fn logs_to(&self, declared: &[LogGroup], values: &Values) -> bool {
        if let Some(configured) = &self.log_group {
            return expression::resource(configured)
                .is_some_and(|id| declared.iter().any(|group| group.logical_id == id));
        }
        let Some(own) = self.name.as_ref().and_then(|name| values.expand(name)) else { return false };
        let own = format!("/aws/lambda/{own}");
        let name = |group: &LogGroup| values.expand(group.name.as_ref()?);
        // Its name may also be computed from the function itself.
        let of_function = |group: &LogGroup| {
            let texts = group.name.as_ref().map(Node::texts).unwrap_or_default();
            texts.iter().any(|text| *text == format!("/aws/lambda/${{{}}}", self.logical_id))
        };
        declared.iter().any(|group| name(group).as_ref() == Some(&own) || of_function(group))
    }
}

impl Bucket {
    /// Parses a resource.
    pub(crate) fn read(logical_id: &str, resource: &At<'_>) -> Self {
        let policy = resource.node.get("DeletionPolicy").and_then(Node::literal);
        let name = resource.find("Properties").and_then(|at| at.find("BucketName")).map(|at| at.node.clone());
        Self { logical_id: logical_id.to_owned(), name, is_retained: policy.is_some_and(|p| p.starts_with("Retain")) }
    }
}

/// All declared log groups.
pub(crate) fn log_groups(root: &At<'_>) -> Vec<LogGroup> {
    let resources = root.node.get("Resources").map(Node::entries).unwrap_or_default();
    let of_type = |node: &Node| {
        node.get("Type").and_then(Node::literal).is_some_and(|kind| Resource::LogGroup.types().contains(&kind))
    };
    let name = |node: &Node| node.get("Properties")?.get("LogGroupName").cloned();
    let groups = resources.iter().filter(|(_, node)| of_type(node));
    groups.map(|(id, node)| LogGroup { logical_id: id.clone(), name: name(node) }).collect()
}

/// The path without `.` and `..`; symbolic links are not resolved.
fn normal(path: &Path) -> anyhow::Result<PathBuf> {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !normal.pop() {
                    bail!("{} leads outside of the file system", path.display());
                }
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    match normal.as_os_str().is_empty() {
        true => Err(anyhow!("{} is not a path", path.display())),
        false => Ok(normal),
    }
}

/// What a run requests for its function, in place of the template's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// Concurrent executions that are reserved for it; `None` reserves nothing.
    pub reserved_concurrency: Option<u32>,
    /// Its memory; `None` keeps the template's.
    pub memory: Option<MemoryMb>,
}

/// A function's memory in MB: 128 to 10,240, as in Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryMb(u32);

impl MemoryMb {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for MemoryMb {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mb: u32 =
            text.trim().parse().ok().with_context(|| format!("{text:?} is not a memory in MB (a whole number)"))?;
        ensure!((128..=10_240).contains(&mb), "a function's memory is 128 to 10240 MB, not {mb}");
        Ok(Self(mb))
    }
}

impl fmt::Display for MemoryMb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod template_tests;

#[cfg(test)]
mod capacity_tests {
    use super::*;

    #[test]
    fn memory_is_within_lambdas_limits() {
        let mb = |text: &str| text.parse::<MemoryMb>().map(MemoryMb::get).map_err(|error| error.to_string());
        assert_eq!((mb("128"), mb(" 3008 "), mb("10240")), (Ok(128), Ok(3008), Ok(10_240)));
        for wrong in ["127", "10241", "-1", "3 GB", "3008MB", "", "1e3"] {
            assert!(mb(wrong).is_err(), "{wrong:?} was accepted");
        }
    }
}
