//! A template's parameters, and the values that a run sets.

use anyhow::{Context, bail, ensure};

use crate::project::{
    names::ProjectName,
    template::{
        Capacity, MemoryMb,
        expression::Values,
        yaml::{At, Node},
    },
};

/// The parameters of a template, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(Vec<Parameter>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter {
    name: String,
    default: Option<String>,
    allowed: Vec<String>,
    max_length: Option<usize>,
    /// The minimum and the maximum of a number.
    bounds: (Option<u64>, Option<u64>),
    line: usize,
}

/// Everything in the stack is named after it; without it, two stacks of one account would collide.
const PROJECT_NAME: &str = "ProjectName";

/// The source of the function's Chromium.
const CHROME_SOURCE: &str = "ChromeSource";

/// The only source whose Chromium is in the handler's ZIP.
const SPARTICUZ: &str = "sparticuz";

const RESERVED_CONCURRENCY: &str = "ReservedConcurrency";

/// The function's memory.
const MEMORY: &str = "LambdaMemoryMb";

impl Parameters {
    pub(crate) fn read(root: &At<'_>) -> anyhow::Result<Self> {
        let Some(section) = root.find("Parameters") else { return Ok(Self(Vec::new())) };
        let mut parameters = Vec::new();
        for (name, at) in section.entries()? {
            at.get("Type")?;
            let text = |key: &str| at.node.get(key).and_then(|node| node.literal());
            let allowed = at.node.get("AllowedValues").map(Node::elements).unwrap_or_default();
            parameters.push(Parameter {
                name: name.to_owned(),
                default: text("Default").map(str::to_owned),
                allowed: allowed.iter().filter_map(|node| node.literal()).map(str::to_owned).collect(),
                max_length: text("MaxLength").and_then(|number| number.parse().ok()),
                bounds: ["MinValue", "MaxValue"].map(|key| text(key)?.parse().ok()).into(),
                line: at.node.line,
            });
        }
        Ok(Self(parameters))
    }

    /// The values that a run sets, and the defaults of the other parameters.
    ///
    /// # Errors
    /// When the template does not let the run name its resources, does not accept a value that the run must set,
    /// or requires a value that a run does not have.
    pub fn given(&self, project: &ProjectName, capacity: Capacity) -> anyhow::Result<Given> {
        let concurrency = capacity.reserved_concurrency.map_or("-1".to_owned(), |n| n.to_string());
        let mut values = vec![
            (PROJECT_NAME, project.to_string()),
            (CHROME_SOURCE, SPARTICUZ.to_owned()),
            (RESERVED_CONCURRENCY, concurrency),
        ];
        if let Some(memory) = capacity.memory {
            let parameter = self
                .find(MEMORY)
                .with_context(|| format!("Parameters.{MEMORY} is missing, so --memory-mb {memory} has no effect"))?;
            parameter.check_bounds(memory)?;
            values.push((MEMORY, memory.to_string()));
        }
        ensure!(
            self.find(PROJECT_NAME).is_some(),
            "Parameters.{PROJECT_NAME} is missing: a run names everything in its stack with it"
        );
        let mut given = Given::default();
        for (name, value) in values {
            match self.find(name) {
                Some(parameter) => {
                    parameter.check(&value)?;
                    given.overrides.push((name.to_owned(), value));
                }
                None => given.missing.push(name.to_owned()),
            }
        }
        for parameter in &self.0 {
            let is_given = given.overrides.iter().any(|(name, _)| *name == parameter.name);
            match (&parameter.default, is_given) {
                (None, false) => bail!(
                    "Parameters.{} has no Default (line {}), and a run has no value for it",
                    parameter.name,
                    parameter.line
                ),
                (Some(default), false) => given.defaults.push((parameter.name.clone(), default.clone())),
                (_, true) => {}
            }
        }
        Ok(given)
    }

    /// All defaults.
    pub(crate) fn defaults(&self) -> Values {
        self.0.iter().fold(Values::default(), |values, parameter| match &parameter.default {
            Some(default) => values.with(&parameter.name, default),
            None => values,
        })
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }
}

impl Parameter {
    fn check(&self, value: &str) -> anyhow::Result<()> {
        let Self { name, allowed, max_length, line, .. } = self;
        ensure!(
            allowed.is_empty() || allowed.iter().any(|one| one == value),
            "Parameters.{name}.AllowedValues (line {line}) lacks {value}, which a run sets"
        );
        ensure!(
            max_length.is_none_or(|most| value.len() <= most),
            "Parameters.{name}.MaxLength (line {line}) is less than the length of {value}; choose a shorter --stack-name"
        );
        Ok(())
    }

    fn check_bounds(&self, memory: MemoryMb) -> anyhow::Result<()> {
        let (Self { name, bounds: (least, most), line, .. }, mb) = (self, u64::from(memory.get()));
        ensure!(
            least.is_none_or(|least| mb >= least) && most.is_none_or(|most| mb <= most),
            "Parameters.{name} (line {line}) accepts {} to {}, not the {mb} of --memory-mb",
            least.unwrap_or(0),
            most.unwrap_or(10_240)
        );
        Ok(())
    }
}

/// The parameters of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// Name and value of each parameter that the run sets.
    pub overrides: Vec<(String, String)>,
    /// The others, at their defaults.
    defaults: Vec<(String, String)>,
    /// The parameters that the run would set, but the template does not have.
    pub missing: Vec<String>,
}

impl Given {
    /// The values of all parameters.
    pub fn values(&self) -> Values {
        let all = self.defaults.iter().chain(&self.overrides);
        all.fold(Values::default(), |values, (name, value)| values.with(name, value))
    }

    /// The function's reserved concurrency, if the run sets one.
    pub fn reserved_concurrency(&self) -> Option<u32> {
        let given = self.overrides.iter().find(|(name, _)| name == RESERVED_CONCURRENCY);
        given.and_then(|(_, value)| value.parse().ok())
    }

    /// A note for each missing parameter that matters.
    pub fn notes(&self) -> Vec<String> {
        let note = |name: &String| {
            (name == RESERVED_CONCURRENCY).then(|| {
                format!("the template has no parameter {name}, so no concurrency is reserved for the function")
            })
        };
        self.missing.iter().filter_map(note).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Parameters {
        Parameters::read(&At::root(&Node::parse(text).unwrap())).unwrap()
    }

    fn given(text: &str) -> Result<Given, String> {
        let project = ProjectName::new(&"smoke".parse().unwrap(), &"0123456789ab".parse().unwrap());
        parameters(text).given(&project, capacity(None)).map_err(|error| error.to_string())
    }

    fn capacity(memory: Option<&str>) -> Capacity {
        Capacity { reserved_concurrency: Some(16), memory: memory.map(|text| text.parse().unwrap()) }
    }

    const USUAL: &str = "Parameters:\n  ProjectName: {Type: String, Default: hyperframes}\n  \
        LambdaMemoryMb: {Type: Number, Default: 2048}\n";

    #[test]
    fn only_existing_parameters_are_set() {
        let all = format!(
            "{USUAL}  ReservedConcurrency: {{Type: Number, Default: -1}}\n  \
             ChromeSource: {{Type: String, Default: sparticuz, AllowedValues: [sparticuz, other]}}\n"
        );
        let of =
            |given: &Given| given.overrides.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let full = given(&all).unwrap();
        assert_eq!(of(&full), ["ProjectName=smoke-0123456789ab", "ChromeSource=sparticuz", "ReservedConcurrency=16"]);
        assert_eq!(full.notes(), [""; 0]);
        let few = given(USUAL).unwrap();
        assert_eq!(of(&few), ["ProjectName=smoke-0123456789ab"]);
        assert_eq!(few.notes().len(), 1);
        assert_eq!(
            few.values(),
            Values::default().with("ProjectName", "smoke-0123456789ab").with("LambdaMemoryMb", "2048")
        );
    }

    #[test]
    fn impossible_parameters_are_refused_with_name_and_line() {
        let told = given("Parameters: {}").unwrap_err();
        assert!(told.starts_with("Parameters.ProjectName is missing"), "{told}");
        let told = given(&format!("{USUAL}  VpcId: {{Type: String}}\n")).unwrap_err();
        assert_eq!(told, "Parameters.VpcId has no Default (line 4), and a run has no value for it");
        let told = given(&format!("{USUAL}  ChromeSource: {{Type: String, AllowedValues: [shell]}}\n")).unwrap_err();
        assert_eq!(told, "Parameters.ChromeSource.AllowedValues (line 4) lacks sparticuz, which a run sets");
        let told = given("Parameters:\n  ProjectName: {Type: String, MaxLength: 9}\n").unwrap_err();
        assert!(told.contains("Parameters.ProjectName.MaxLength (line 2)") && told.contains("--stack-name"), "{told}");
    }

    #[test]
    fn memory_must_be_within_the_parameters_bounds() {
        let project = ProjectName::new(&"smoke".parse().unwrap(), &"0123456789ab".parse().unwrap());
        let given = |text: &str, memory| {
            let given = parameters(text).given(&project, capacity(Some(memory)));
            given.map(|given| given.overrides.last().unwrap().clone()).map_err(|error| error.to_string())
        };
        let bounded = USUAL.replace("2048", "2048, MinValue: 1024, MaxValue: 4096");
        assert_eq!(given(&bounded, "3008"), Ok(("LambdaMemoryMb".to_owned(), "3008".to_owned())));
        for memory in ["1023", "4097"] {
            let told = given(&bounded, memory).unwrap_err();
            assert!(told.contains("(line 3) accepts 1024 to 4096, not the ") && told.contains(memory), "{told}");
        }
        assert!(given(USUAL, "128").is_ok());
        let told = given("Parameters:\n  ProjectName: {Type: String}\n", "3008").unwrap_err();
        assert!(told.starts_with("Parameters.LambdaMemoryMb is missing, so --memory-mb 3008"), "{told}");
    }

    #[test]
    fn a_parameter_without_type_is_refused() {
        let node = Node::parse("Parameters:\n  ProjectName:\n    Default: x\n").unwrap();
        let told = Parameters::read(&At::root(&node)).unwrap_err().to_string();
        assert_eq!(told, "Parameters.ProjectName.Type is missing (line 3)");
    }
}
