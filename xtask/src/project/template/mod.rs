//! The parts of a SAM template that a run needs: parameters, outputs, their resources, states and plan
//! protocols.

pub(crate) mod expression;
pub(crate) mod functions;
pub(crate) mod machine;
pub(crate) mod parameters;
pub(crate) mod roles;
pub(crate) mod yaml;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, ensure};

use crate::{
    aws::resources::{Resource, function_log_group},
    project::{
        names::StackName,
        template::{
            expression::Values,
            functions::Function,
            machine::Machine,
            parameters::{PROJECT_NAME, Parameters},
            roles::Role,
            yaml::{At, Node},
        },
    },
};

/// A template that a run can deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its file.
    pub path: PathBuf,
    /// Its parameters.
    pub parameters: Parameters,
    /// All functions, in its order.
    pub functions: Vec<Function>,
    /// The function that plans, by its logical id.
    pub planner: String,
    /// The ZIP that is deployed as the code of its functions.
    pub code: PathBuf,
    /// The bucket that everything travels through.
    pub bucket: Bucket,
    /// The state machine. Each of its executions is a render.
    pub machine: Machine,
    /// The logical ids of what outlives its stack, and what no teardown deletes itself.
    pub left_behind: Vec<String>,
    conditions: Vec<(String, Node)>,
    log_groups: Vec<LogGroup>,
    roles: Vec<Role>,
    types: BTreeMap<String, usize>,
}

/// The names of a stack's resources that are known before its deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StackNames {
    /// The names of the functions, as far as they are known.
    pub functions: Vec<String>,
    /// The name of the bucket.
    pub bucket: Option<String>,
    /// The name of the state machine.
    pub machine: Option<String>,
    /// The names of the log groups, including those that Lambda creates for its functions.
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
        let resources = root.get("Resources")?;
        let bucket = by_output(&root, "RenderBucketName", Resource::Bucket)?;
        let machine = by_output(&root, "RenderStateMachineArn", Resource::StateMachine)?;
        let functions = resources_of(&resources, Resource::Function)?;
        let functions: anyhow::Result<Vec<Function>> =
            functions.iter().map(|(id, at)| Function::read(id, at, &root, dir)).collect();
        let kinds = resources.entries()?.into_iter();
        let kinds = kinds.filter_map(|(_, at)| at.node.get("Type").and_then(Node::literal).map(str::to_owned));
        let mut template = Self {
            path: path.to_owned(),
            parameters: Parameters::read(&root)?,
            functions: functions?,
            planner: String::new(),
            code: PathBuf::new(),
            bucket: Bucket::read(&bucket.0, &bucket.1),
            machine: Machine::read(&machine.0, &machine.1, file)?,
            left_behind: resources
                .entries()?
                .into_iter()
                .filter_map(|(id, at)| is_left_behind(at.node).then(|| id.to_owned()))
                .collect(),
            conditions: root.find("Conditions").map(|at| at.node.entries().to_vec()).unwrap_or_default(),
            log_groups: log_groups(&resources)?,
            roles: roles::roles(&root)?,
            types: kinds.fold(BTreeMap::new(), |mut types, kind| {
                *types.entry(kind).or_default() += 1;
                types
            }),
        };
        template.planner = match template.planner_by_definition() {
            Some(id) => id,
            None => by_output(&root, "RenderFunctionArn", Resource::Function)?.0,
        };
        template.code = template.zip()?;
        Ok(template)
    }

    /// These values with the conditions of this template.
    #[must_use]
    pub fn values(&self, values: Values) -> Values {
        values.with_conditions(&self.conditions)
    }

    /// The names that its stack will have, if they do not depend on the deployment.
    pub fn names(&self, values: &Values) -> StackNames {
        let expand = |node: &Option<Node>| values.expand(node.as_ref()?);
        let functions: Vec<String> = self.functions_of(values).filter_map(|function| expand(&function.name)).collect();
        let declared = self.log_groups.iter().filter_map(|group| expand(&group.name));
        let mut log_groups: Vec<String> =
            declared.chain(functions.iter().map(|name| function_log_group(name))).collect();
        log_groups.sort();
        log_groups.dedup();
        StackNames { bucket: expand(&self.bucket.name), machine: expand(&self.machine.name), functions, log_groups }
    }

    /// Refuses names that are the same in each stack of a template without a parameter for them: two stacks of one
    /// account would collide. `values` are those of the stack.
    ///
    /// # Errors
    /// When a name contains neither the stack's name nor that of another resource in it.
    pub fn check_names(&self, values: &Values, stack: &StackName) -> anyhow::Result<()> {
        if self.parameters.names().any(|name| name == PROJECT_NAME) {
            return Ok(());
        }
        let functions = self.functions_of(values).map(|function| (&function.logical_id, &function.name));
        let log_groups = self.log_groups.iter().map(|group| (&group.logical_id, &group.name));
        let others = [(&self.bucket.logical_id, &self.bucket.name), (&self.machine.logical_id, &self.machine.name)];
        let all: Vec<(&String, &Option<Node>)> = functions.chain(log_groups).chain(others).collect();
        // CloudFormation begins the names that it makes up with the stack's.
        let values = all.iter().fold(values.clone(), |values, (id, _)| values.with(id, stack.as_str()));
        for (id, name) in all.into_iter().filter_map(|(id, name)| Some((id, name.as_ref()?))) {
            ensure!(
                values.expand(name).is_some_and(|name| name.contains(stack.as_str())),
                "Resources.{id} would have one name in all stacks, because its name does not contain ${{AWS::StackName}}, and \
                 Parameters.{PROJECT_NAME} is missing; name it after either of them, or let CloudFormation name it"
            );
        }
        Ok(())
    }

    /// The functions whose log groups Lambda creates, so that deleting the stack does not delete them.
    pub fn leaving_log_groups<'a>(&'a self, values: &'a Values) -> Vec<&'a Function> {
        self.functions_of(values).filter(|function| !function.logs_to(&self.log_groups, values)).collect()
    }

    /// The number of resources of each type.
    pub fn resource_types(&self) -> &BTreeMap<String, usize> {
        &self.types
    }
}

// The resources that a run uses.

/// The bucket that everything travels through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name in the template.
    pub logical_id: String,
    /// The expression of its name; without it CloudFormation chooses one.
    pub(crate) name: Option<Node>,
}

/// A declared log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogGroup {
    pub logical_id: String,
    pub name: Option<Node>,
}

/// The resource of a kind that an output leads to, by its logical id. Where a template has no such output, or computes
/// it, that is the only resource of its kind.
fn by_output<'a>(root: &At<'a>, output: &str, kind: Resource) -> anyhow::Result<(String, At<'a>)> {
    let resources = root.get("Resources")?;
    let (of_kind, types) = (resources_of(&resources, kind)?, kind.types().join(" or "));
    let value = root.find("Outputs").and_then(|outputs| outputs.find(output)).map(|at| at.get("Value")).transpose()?;
    if let Some((value, id)) = value.as_ref().and_then(|value| Some((value, expression::resource(value.node)?))) {
        let found = of_kind.into_iter().find(|(known, _)| known == id);
        // A parameter, for example, may name a bucket that is not the stack's own.
        return found.ok_or_else(|| value.fault(&format!("leads to {id}, which is not an {types} of this template")));
    }
    let count = of_kind.len();
    let mut of_kind = of_kind.into_iter();
    match (of_kind.next(), count) {
        (Some(only), 1) => Ok(only),
        _ => Err(resources.fault(&format!("has {count} {types}, and Outputs.{output} does not lead to one of them"))),
    }
}

/// The resources of a kind, by their logical ids.
fn resources_of<'a>(resources: &At<'a>, kind: Resource) -> anyhow::Result<Vec<(String, At<'a>)>> {
    let is_of_kind = |at: &At<'a>| at.node.get("Type").and_then(Node::literal).is_some_and(|t| kind.has_type(t));
    let all = resources.entries()?.into_iter().filter(|(_, at)| is_of_kind(at));
    Ok(all.map(|(id, at)| (id.to_owned(), at)).collect())
}

impl Bucket {
    pub(crate) fn read(logical_id: &str, resource: &At<'_>) -> Self {
        let name = resource.find("Properties").and_then(|at| at.find("BucketName")).map(|at| at.node.clone());
        Self { logical_id: logical_id.to_owned(), name }
    }
}

/// Whether a resource outlives its stack, apart from buckets and log groups, which a teardown deletes. SAM retains the
/// layers of functions unless they say otherwise.
fn is_left_behind(resource: &Node) -> bool {
    let text = |key: &str| resource.get(key).and_then(Node::literal);
    let (kind, properties) = (text("Type").unwrap_or_default(), resource.get("Properties"));
    let policy = match kind {
        "AWS::Serverless::LayerVersion" => {
            properties.and_then(|all| all.get("RetentionPolicy")?.literal()).or(Some("Retain"))
        }
        _ => text("DeletionPolicy"),
    };
    let is_deleted = [Resource::Bucket, Resource::LogGroup].into_iter().any(|resource| resource.has_type(kind));
    !is_deleted && policy.is_some_and(|policy| policy.starts_with("Retain"))
}

fn log_groups(resources: &At<'_>) -> anyhow::Result<Vec<LogGroup>> {
    let name = |node: &Node| node.get("Properties")?.get("LogGroupName").cloned();
    let groups = resources_of(resources, Resource::LogGroup)?.into_iter();
    Ok(groups.map(|(logical_id, at)| LogGroup { logical_id, name: name(at.node) }).collect())
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
mod tests {
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
