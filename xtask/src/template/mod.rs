//! What a run must know of a SAM template, read from it: parameters, outputs, the
//! resources behind them, states and plan protocols. Pure, but for the files.

mod capacity;
mod cursor;
mod expression;
mod machine;
mod parameters;
mod resources;
mod yaml;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

pub use capacity::{Capacity, MemoryMb};
pub use expression::Values;
pub use machine::{Machine, OfferedProtocols};
pub use parameters::{Given, Parameters};
pub use resources::{Bucket, Function};

use cursor::At;
use resources::{Found, LogGroup};
use yaml::Node;

/// A template that a run can deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Where it lies.
    pub path: PathBuf,
    /// Its parameters.
    pub parameters: Parameters,
    /// The function that renders.
    pub function: Function,
    /// The bucket that everything travels through.
    pub bucket: Bucket,
    /// The state machine, an execution of which is a render.
    pub machine: Machine,
    log_groups: Vec<LogGroup>,
    types: BTreeMap<String, usize>,
}

/// The names in a stack, as far as they are known before its deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StackNames {
    /// The function's.
    pub function: Option<String>,
    /// The bucket's.
    pub bucket: Option<String>,
    /// The state machine's.
    pub machine: Option<String>,
    /// The log groups', the one that Lambda makes for its function too.
    pub log_groups: Vec<String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it can't be read, or lacks something that a run needs; the message has the
    /// file, the field and its line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("the template {}", path.display());
        let text = fs::read_to_string(path).with_context(what)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        let file = |beside: &Path| {
            let path = dir.join(beside);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        Self::parse(&text, path, dir, &file).with_context(what)
    }

    /// Reads the text of a template that lies at `path` in the folder `dir`; `file`
    /// gives the text of a state machine's definition that lies beside it.
    ///
    /// # Errors
    /// As [`Template::read`], without the file.
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
            log_groups: resources::log_groups(&root),
            types: types.fold(BTreeMap::new(), |mut types, kind| {
                *types.entry(kind).or_default() += 1;
                types
            }),
        })
    }

    /// The memory of a function of which this is asked, MB; 10,240, the most that there is,
    /// where neither that nor the template's defaults tell.
    pub fn memory_mb(&self, asked: Option<MemoryMb>) -> u64 {
        if let Some(asked) = asked {
            return asked.get().into();
        }
        let by_function = self.function.memory_mb(&self.parameters.defaults());
        by_function.or_else(|| self.parameters.memory_mb()).unwrap_or(10_240)
    }

    /// The names that a stack of it will have, as far as they don't depend on the deployment.
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

    /// Whether the function's log group is left to Lambda, so that no stack deletes it.
    pub fn leaves_a_log_group(&self, values: &Values) -> bool {
        !self.function.logs_to(&self.log_groups, values)
    }

    /// How many resources of which type it declares.
    pub fn resource_types(&self) -> &BTreeMap<String, usize> {
        &self.types
    }
}

#[cfg(test)]
mod tests;
