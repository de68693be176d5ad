//! The functions of a template: their code and sizes, and which state calls which of them with which action.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use execution_history::{cost::FunctionSize, timeline::function_name};

use crate::{
    aws::resources::function_log_group,
    project::{
        plan::Concurrency,
        template::{
            LogGroup, Template,
            expression::{self, Values},
            machine::{Called, Task},
            parameters::Assignment,
            yaml::{At, Node},
        },
    },
};

/// The actions of the handler that every age has.
const PLAN: &str = "plan";
const RENDER_CHUNK: &str = "renderChunk";
const ASSEMBLE: &str = "assemble";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// The expression of its name; without it CloudFormation chooses one.
    pub(crate) name: Option<Node>,
    pub code: Code,
    reserved: Option<Node>,
    /// The condition without which there is no such function.
    pub condition: Option<String>,
    memory: Option<Node>,
    timeout: Option<Node>,
    architecture: Option<Node>,
    /// The expression of its container image.
    image: Option<Node>,
    /// The log group that it is configured to write to, by logical id or name.
    log_group: Option<Node>,
}

/// The code of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    Zip(PathBuf),
    Image,
    /// Code that a run can't deploy, and why.
    Other(String),
}

/// A state that calls something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    pub state: String,
    /// The requested action, if the definition says it.
    pub action: Option<String>,
    pub function: Option<&'a Function>,
    /// What is called, where that is no function of the template.
    pub other: String,
}

impl Function {
    /// Parses a resource of the template in the folder `dir`.
    pub(crate) fn read(logical_id: &str, resource: &At<'_>, root: &At<'_>, dir: &Path) -> anyhow::Result<Self> {
        let properties = resource.get("Properties")?;
        let globals = root.find("Globals").and_then(|at| at.find("Function"));
        let property = |key: &str| properties.find(key).or_else(|| globals.as_ref()?.find(key));
        let node = |key: &str| property(key).map(|at| at.node.clone());
        let is_image = property("PackageType").is_some_and(|at| at.node.literal() == Some("Image"));
        let code = match is_image {
            true => Code::Image,
            false => code(&properties, property("CodeUri").or_else(|| property("Code")), dir),
        };
        Ok(Self {
            logical_id: logical_id.to_owned(),
            name: properties.find("FunctionName").map(|at| at.node.clone()),
            code,
            reserved: node("ReservedConcurrentExecutions"),
            condition: resource.find("Condition").and_then(|at| at.node.literal().map(str::to_owned)),
            memory: node("MemorySize"),
            timeout: node("Timeout"),
            architecture: property("Architectures").and_then(|at| at.node.elements().first().cloned()),
            image: properties.find("ImageUri").map(|at| at.node.clone()),
            log_group: property("LoggingConfig").and_then(|at| at.node.get("LogGroup").cloned()),
        })
    }

    /// Whether its log group is one of these, which are deleted with the stack.
    pub(crate) fn logs_to(&self, declared: &[LogGroup], values: &Values) -> bool {
        if let Some(configured) = &self.log_group {
            return expression::resource(configured)
                .is_some_and(|id| declared.iter().any(|group| group.logical_id == id));
        }
        let Some(own) = self.name.as_ref().and_then(|name| values.expand(name)) else { return false };
        let own = function_log_group(&own);
        let name = |group: &LogGroup| values.expand(group.name.as_ref()?);
        // Its name may also be computed from the function itself.
        let of_function = |group: &LogGroup| {
            let texts = group.name.as_ref().map(Node::texts).unwrap_or_default();
            let of_this = function_log_group(&format!("${{{}}}", self.logical_id));
            texts.iter().any(|text| *text == of_this)
        };
        declared.iter().any(|group| name(group).as_ref() == Some(&own) || of_function(group))
    }

    /// The concurrent executions that are reserved for it with these values; `None` if there are none, or they are
    /// known only after the deployment.
    pub fn reserved(&self, values: &Values) -> Option<u32> {
        values.expand(self.reserved.as_ref()?)?.parse().ok()
    }

    /// Its memory and architecture. Where a value is not known before the deployment, the most expensive one is assumed.
    pub fn size(&self, values: &Values) -> FunctionSize {
        let number = |node: &Option<Node>| values.expand(node.as_ref()?)?.parse().ok();
        let architecture = self.architecture.as_ref().and_then(|node| values.expand(node)?.parse().ok());
        FunctionSize {
            memory_mb: number(&self.memory).unwrap_or(FunctionSize::LARGEST.memory_mb),
            timeout_s: number(&self.timeout).unwrap_or(FunctionSize::LARGEST.timeout_s),
            architecture: architecture.unwrap_or_default(),
        }
    }
}

fn code(properties: &At<'_>, code: Option<At<'_>>, dir: &Path) -> Code {
    let Some(code) = code else { return Code::Other(properties.fault("has no CodeUri").to_string()) };
    let path = match code.literal() {
        Ok(path) => path,
        Err(fault) => return Code::Other(fault.to_string()),
    };
    let refused = |why: &str| Code::Other(code.fault(&format!("is {path}{why}")).to_string());
    if path.contains("://") {
        return refused("; a run deploys only a local ZIP that was checked");
    }
    if !path.ends_with(".zip") {
        return refused(", which is not a ZIP; a run deploys the handler's ZIP");
    }
    normal(&dir.join(path)).map_or_else(|error| Code::Other(error.to_string()), Code::Zip)
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

impl Template {
    /// The functions that its stack has with these values.
    pub fn functions_of<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = &'a Function> {
        let exists = |function: &&Function| {
            function.condition.as_ref().and_then(|condition| values.holds(condition)).unwrap_or(true)
        };
        self.functions.iter().filter(exists)
    }

    /// Which state calls what with which action, in the template's order.
    pub fn calls(&self, values: &Values) -> Vec<Call<'_>> {
        let by_id = |id: &str| self.functions.iter().find(|function| function.logical_id == id);
        let by_name = |named: &str| {
            let expanded = |function: &&Function| values.expand(function.name.as_ref()?);
            self.functions.iter().find(|function| expanded(function).as_deref() == Some(function_name(named)))
        };
        let call = |task: &Task| {
            let (function, other) = match self.machine.called(task, values) {
                Called::Resource(id) => (by_id(&id), id),
                Called::Named(name) => (by_name(&name), name),
                Called::Unknown => (None, "something that is known only after the deployment".to_owned()),
            };
            Call { state: task.state.clone(), action: task.action.clone(), function, other }
        };
        self.machine.tasks.iter().map(call).collect()
    }

    /// The logical id of the function that runs Plan, if the definition says it.
    pub(crate) fn planner_by_definition(&self) -> Option<String> {
        let defaults = self.values(self.parameters.defaults());
        let calls = self.calls(&defaults);
        let plans = calls.iter().find(|call| call.action.as_deref() == Some(PLAN))?;
        plans.function.map(|function| function.logical_id.clone())
    }

    /// The parameter that an `--image` sets: it names that, or a function whose image it is.
    ///
    /// # Errors
    /// When no function of the template takes its image from such a parameter, or the image is not one of ECR.
    pub fn parameter_of_image(&self, asked: &Assignment) -> anyhow::Result<Assignment> {
        let Assignment { name, value } = asked;
        ensure!(
            value.contains(".dkr.ecr.") && value.contains('/'),
            "--image {name}={value}: Lambda takes container images from ECR alone, such as \
             ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG"
        );
        let parameters: Vec<(&str, &str)> = self
            .functions
            .iter()
            .filter_map(|function| {
                Some((function.logical_id.as_str(), expression::resource(function.image.as_ref()?)?))
            })
            .collect();
        let found = parameters.iter().find(|(function, parameter)| name == function || name == parameter);
        let known = match parameters.iter().map(|(function, _)| *function).collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "it has no function that takes an image from a parameter".to_owned(),
            names => format!("it has {names}"),
        };
        let (_, parameter) = found.with_context(|| format!("--image {name}: {known}"))?;
        Ok(Assignment { name: (*parameter).to_owned(), value: value.clone() })
    }

    /// Refuses functions that are container images, which the embedded AWS can't run.
    ///
    /// # Errors
    /// When the state machine calls one with these values; the message says which parameter avoids that.
    pub fn refuse_images(&self, values: &Values) -> anyhow::Result<()> {
        let image = |values: &Values| {
            let called = self.calls(values).into_iter().filter_map(|call| call.function);
            called.into_iter().find(|function| function.code == Code::Image).map(|function| function.logical_id.clone())
        };
        let Some(function) = image(values) else { return Ok(()) };
        let names = self.parameters.names();
        let avoiding =
            names.flat_map(|name| self.parameters.candidates(name).into_iter().map(move |value| (name, value)));
        let avoids = |(name, value): &(&str, String)| image(&values.clone().with(name, value.as_str())).is_none();
        let advice = match avoiding.into_iter().find(avoids) {
            Some((name, value)) => format!("with --parameter {name}={value} it is not called"),
            None => "run on your own account".to_owned(),
        };
        bail!("Resources.{function} is a container image, which the embedded AWS can't run; {advice}")
    }

    fn planner(&self) -> Option<&Function> {
        self.functions.iter().find(|function| function.logical_id == self.planner)
    }

    /// The ZIP of the function that plans.
    pub(crate) fn zip(&self) -> anyhow::Result<PathBuf> {
        let defaults = self.values(self.parameters.defaults());
        let called = self.calls(&defaults).into_iter().filter_map(|call| call.function);
        for function in called.chain(self.planner()) {
            if let Code::Other(why) = &function.code {
                bail!("{why}");
            }
        }
        match self.planner().map(|planner| &planner.code) {
            Some(Code::Zip(path)) => Ok(path.clone()),
            _ => bail!(
                "Resources.{} runs Plan, but is not deployed from a ZIP, which is all that a run can build",
                self.planner
            ),
        }
    }

    /// The functions that are called and deployed from another ZIP than the one that plans, and that ZIP.
    pub(crate) fn other_zips(&self, values: &Values) -> Vec<(&str, &Path)> {
        let called = self.calls(values).into_iter().filter_map(|call| call.function);
        let zips = called.filter_map(|function| match &function.code {
            Code::Zip(path) if *path != self.code => Some((function.logical_id.as_str(), path.as_path())),
            Code::Zip(_) | Code::Image | Code::Other(_) => None,
        });
        zips.collect()
    }

    /// What its functions reserve of an account that has `unreserved` concurrent executions left.
    pub fn concurrency(&self, values: &Values, unreserved: u64) -> Concurrency {
        let reserved = self.functions_of(values).filter_map(|function| function.reserved(values));
        let calls = self.calls(values);
        let renders = calls.iter().find(|call| call.action.as_deref() == Some(RENDER_CHUNK));
        let renders = renders.and_then(|call| call.function).or_else(|| self.planner());
        Concurrency {
            unreserved,
            reserved: reserved.map(u64::from).sum(),
            for_chunks: renders.and_then(|function| function.reserved(values)),
        }
    }

    /// The logical ids of the functions that the state machine calls, each once.
    pub fn called(&self, values: &Values) -> Vec<&str> {
        let calls = self.calls(values);
        let called = calls.iter().filter_map(|call| Some(call.function?.logical_id.as_str()));
        let mut ids: Vec<&str> = called.chain([self.planner.as_str()]).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The sizes of the functions by what they do.
    pub fn sizes(&self, values: &Values) -> Sizes {
        let calls = self.calls(values);
        let planner = self.planner().map_or(FunctionSize::LARGEST, |planner| planner.size(values));
        let of_call = |call: &Call<'_>| call.function.map_or(FunctionSize::LARGEST, |function| function.size(values));
        let of = |action: &str| {
            let found = calls.iter().find(|call| call.action.as_deref() == Some(action));
            found.map_or(planner, of_call)
        };
        let is_other = |call: &&Call<'_>| {
            call.function.is_some() && ![PLAN, RENDER_CHUNK, ASSEMBLE].map(Some).contains(&call.action.as_deref())
        };
        Sizes {
            plan: planner,
            chunk: of(RENDER_CHUNK),
            assemble: of(ASSEMBLE),
            others: calls.iter().filter(is_other).map(of_call).collect(),
        }
    }
}

/// The sizes of the functions by what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    pub plan: FunctionSize,
    pub chunk: FunctionSize,
    /// The one that joins them.
    pub assemble: FunctionSize,
    /// Those of other steps, such as mixing the sound.
    pub others: Vec<FunctionSize>,
}

impl Sizes {
    pub fn all(size: FunctionSize) -> Self {
        Self { plan: size, chunk: size, assemble: size, others: Vec::new() }
    }

    /// The same with this memory, MB, of all of them, if there is one.
    #[must_use]
    pub fn with_memory(&self, memory_mb: Option<u32>) -> Self {
        let Some(memory_mb) = memory_mb.map(u64::from) else { return self.clone() };
        let with = |size: &FunctionSize| FunctionSize { memory_mb, ..*size };
        let others = self.others.iter().map(with).collect();
        Self { plan: with(&self.plan), chunk: with(&self.chunk), assemble: with(&self.assemble), others }
    }
}
