//! A template's parameters, and the values that a run sets.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use regex_lite::Regex;

use crate::project::{
    names::ProjectName,
    template::{
        Capacity,
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
    pattern: Option<String>,
    /// The minimum and the maximum of its length.
    lengths: (Option<usize>, Option<usize>),
    is_number: bool,
    /// The minimum and the maximum of a number.
    bounds: (Option<i64>, Option<i64>),
    is_secret: bool,
    line: usize,
}

/// A name and its value, such as `ChunkMemoryMb=4096`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    /// The value, which may be empty.
    pub value: String,
}

impl FromStr for Assignment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text.split_once('=').with_context(|| format!("{text:?} has no = (write NAME=VALUE)"))?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
        ensure!(is_name, "{name:?} is not a name in a template (letters and digits)");
        ensure!(!value.contains(char::is_control), "the value of {name} has a control character");
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// What templates name everything in a stack after.
pub(super) const PROJECT_NAME: &str = "ProjectName";

/// The source of the function's Chromium, and the only one whose Chromium is in the handler's ZIP.
const CHROME_SOURCE: (&str, &str) = ("ChromeSource", "sparticuz");

/// A reference to a stored secret, for messages.
const SECRET: &str = "{{resolve:secretsmanager:NAME}}";

const RESERVED_CONCURRENCY: &str = "ReservedConcurrency";

const MEMORY: &str = "LambdaMemoryMb";

/// The parameters that a run sets itself, and how to influence them.
const OF_FLAGS: [(&str, &str); 3] = [
    (PROJECT_NAME, "a run names everything in its stack with it; --stack-name is a part of that"),
    (RESERVED_CONCURRENCY, "use --reserved-concurrency"),
    (MEMORY, "use --memory-mb"),
];

impl Parameters {
    pub(crate) fn read(root: &At<'_>) -> anyhow::Result<Self> {
        let Some(section) = root.find("Parameters") else { return Ok(Self(Vec::new())) };
        let mut parameters = Vec::new();
        for (name, at) in section.entries()? {
            let kind = at.get("Type")?;
            let text = |key: &str| at.node.get(key).and_then(|node| node.literal());
            let allowed = at.node.get("AllowedValues").map(Node::elements).unwrap_or_default();
            parameters.push(Parameter {
                name: name.to_owned(),
                default: text("Default").map(str::to_owned),
                allowed: allowed.iter().filter_map(|node| node.literal()).map(str::to_owned).collect(),
                pattern: text("AllowedPattern").map(str::to_owned),
                lengths: ["MinLength", "MaxLength"].map(|key| text(key)?.parse().ok()).into(),
                is_number: kind.node.literal() == Some("Number"),
                bounds: ["MinValue", "MaxValue"].map(|key| text(key)?.parse().ok()).into(),
                // As YAML 1.1 writes it, which sam reads.
                is_secret: text("NoEcho").is_some_and(|text| ["true", "yes", "on"].contains(&&*text.to_lowercase())),
                line: at.node.line,
            });
        }
        Ok(Self(parameters))
    }

    /// The values that a run sets, those that were `asked` for, and the defaults of the other parameters.
    ///
    /// # Errors
    /// When the template does not have or accept a value that was asked for or that the run must set, or requires a
    /// value that a run does not have.
    pub fn given(&self, project: &ProjectName, capacity: Capacity, asked: &[Assignment]) -> anyhow::Result<Given> {
        let concurrency = capacity.reserved_concurrency.map_or("-1".to_owned(), |n| n.to_string());
        let mut values = vec![
            (PROJECT_NAME, project.to_string()),
            (CHROME_SOURCE.0, CHROME_SOURCE.1.to_owned()),
            (RESERVED_CONCURRENCY, concurrency),
        ];
        let is_asked = |name: &str| asked.iter().any(|one| one.name == name);
        if let Some(memory) = capacity.memory {
            let parameter = self
                .find(MEMORY)
                .with_context(|| format!("Parameters.{MEMORY} is missing, so --memory-mb {memory} has no effect"))?;
            parameter.check(&memory.to_string(), "--memory-mb gives it")?;
            values.push((MEMORY, memory.to_string()));
        }
        let mut given = Given::default();
        for (name, value) in values.into_iter().filter(|(name, _)| !is_asked(name)) {
            match self.find(name) {
                Some(parameter) => {
                    let otherwise = OF_FLAGS.iter().find(|(known, _)| *known == name).map(|(_, instead)| *instead);
                    let otherwise = otherwise.unwrap_or("use --parameter to set another value");
                    parameter.check(&value, &format!("a run sets it; {otherwise}"))?;
                    given.overrides.push((name.to_owned(), value));
                }
                None if name == RESERVED_CONCURRENCY => given.notes.push(format!(
                    "the template has no parameter {name}, so no concurrency is reserved for the function"
                )),
                None => {}
            }
        }
        for Assignment { name, value } in asked {
            if let Some((_, instead)) = OF_FLAGS.iter().find(|(known, _)| known == name) {
                bail!("--parameter {name}={value}: {instead}");
            }
            ensure!(given.overrides.iter().all(|(known, _)| known != name), "--parameter {name} is given twice");
            let parameter = self.find(name).with_context(|| self.unknown(name))?;
            // sam takes values on its command line and writes them into its output.
            ensure!(
                !parameter.is_secret || value.starts_with("{{resolve:"),
                "Parameters.{name} (line {}) is NoEcho, and its value would be in the list of processes and in sam.log; \
                 store the secret and give a reference to it, such as {SECRET}",
                parameter.line
            );
            parameter.check(value, "--parameter gives it")?;
            given.overrides.push((name.clone(), value.clone()));
        }
        for parameter in &self.0 {
            let is_given = given.overrides.iter().any(|(name, _)| *name == parameter.name);
            match (&parameter.default, is_given) {
                (None, false) => bail!(
                    "Parameters.{0} has no Default (line {1}), and a run has no value for it; give one by --parameter \
                     {0}={2}",
                    parameter.name,
                    parameter.line,
                    if parameter.is_secret { SECRET } else { "VALUE" }
                ),
                (Some(default), false) => given.defaults.push((parameter.name.clone(), default.clone())),
                (_, true) => {}
            }
        }
        Ok(given)
    }

    pub(crate) fn defaults(&self) -> Values {
        self.0.iter().fold(Values::default(), |values, parameter| match &parameter.default {
            Some(default) => values.with(&parameter.name, default),
            None => values,
        })
    }

    /// What is wrong with a name that no parameter has, with the nearest one.
    fn unknown(&self, name: &str) -> String {
        let nearest =
            self.0.iter().min_by_key(|one| strsim::levenshtein(&one.name.to_lowercase(), &name.to_lowercase()));
        let tip = nearest.map(|one| format!("; the nearest name is {}", one.name)).unwrap_or_default();
        format!("--parameter {name}: the template has no parameter of this name{tip}")
    }

    /// The values that a parameter may have, as far as the template lists them: its default, those that are allowed,
    /// and none.
    pub(crate) fn candidates(&self, name: &str) -> Vec<String> {
        let Some(parameter) = self.find(name) else { return Vec::new() };
        let listed = parameter.default.iter().chain(&parameter.allowed).cloned();
        listed.chain([String::new()]).filter(|value| parameter.check(value, "").is_ok()).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|parameter| parameter.name.as_str())
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }
}

impl Parameter {
    /// Compares a value with everything that the template demands of it; `source` says who gives the value.
    fn check(&self, value: &str, source: &str) -> anyhow::Result<()> {
        let Self { name, allowed, pattern, lengths: (least, most), line, .. } = self;
        ensure!(
            allowed.is_empty() || allowed.iter().any(|one| one == value),
            "Parameters.{name}.AllowedValues (line {line}) has {}, but not {value:?}, and {source}",
            allowed.join(", ")
        );
        ensure!(
            most.is_none_or(|most| value.len() <= most),
            "Parameters.{name}.MaxLength (line {line}) is less than the length of {value}{}",
            if name == PROJECT_NAME { "; choose a shorter --stack-name" } else { "" }
        );
        ensure!(
            least.is_none_or(|least| value.len() >= least),
            "Parameters.{name}.MinLength (line {line}) is more than the length of {value:?}"
        );
        // CloudFormation checks patterns that are written in Java's way only.
        let regex = pattern.as_ref().and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok());
        ensure!(
            regex.is_none_or(|regex| regex.is_match(value)),
            "Parameters.{name}.AllowedPattern (line {line}) is {}, and {value:?} does not match it",
            pattern.as_deref().unwrap_or_default()
        );
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        ensure!(!self.is_number || number.is_some(), "Parameters.{name} (line {line}) is a number, not {value:?}");
        let (least, most) = self.bounds;
        let is_within = |number: f64| {
            least.is_none_or(|least| number >= least as f64) && most.is_none_or(|most| number <= most as f64)
        };
        let bound = |bound: Option<i64>| bound.map_or("any number".to_owned(), |number| number.to_string());
        ensure!(
            !self.is_number || number.is_some_and(is_within),
            "Parameters.{name} (line {line}) accepts {} to {}, not {value}, and {source}",
            bound(least),
            bound(most)
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
    /// What the template has no parameter for, where that matters.
    pub notes: Vec<String>,
}

impl Given {
    pub fn values(&self) -> Values {
        let all = self.defaults.iter().chain(&self.overrides);
        all.fold(Values::default(), |values, (name, value)| values.with(name, value))
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
        parameters(text).given(&project, capacity(None), &[]).map_err(|error| error.to_string())
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
        assert_eq!(full.notes, [""; 0]);
        let few = given(USUAL).unwrap();
        assert_eq!(of(&few), ["ProjectName=smoke-0123456789ab"]);
        assert_eq!(few.notes.len(), 1);
        assert_eq!(
            few.values(),
            Values::default().with("ProjectName", "smoke-0123456789ab").with("LambdaMemoryMb", "2048")
        );
    }

    #[test]
    fn impossible_parameters_are_refused_with_name_and_line() {
        let error = given(&format!("{USUAL}  VpcId: {{Type: String}}\n")).unwrap_err();
        assert!(
            error.starts_with("Parameters.VpcId has no Default (line 4), and a run has no value for it"),
            "{error}"
        );
        let error = given(&format!("{USUAL}  ChromeSource: {{Type: String, AllowedValues: [shell]}}\n")).unwrap_err();
        let expected = "Parameters.ChromeSource.AllowedValues (line 4) has shell, but not \"sparticuz\", and a run sets \
                        it; use --parameter to set another value";
        assert_eq!(error, expected);
        let error = given(&format!("{USUAL}  ReservedConcurrency: {{Type: Number, MinValue: 20}}\n")).unwrap_err();
        let expected = "Parameters.ReservedConcurrency (line 4) accepts 20 to any number, not 16, and a run sets it; use \
                        --reserved-concurrency";
        assert_eq!(error, expected);
        let error = given("Parameters:\n  ProjectName: {Type: String, MaxLength: 9}\n").unwrap_err();
        assert!(
            error.contains("Parameters.ProjectName.MaxLength (line 2)") && error.contains("--stack-name"),
            "{error}"
        );
    }

    #[test]
    fn memory_must_be_within_the_parameters_bounds() {
        let project = ProjectName::new(&"smoke".parse().unwrap(), &"0123456789ab".parse().unwrap());
        let given = |text: &str, memory| {
            let given = parameters(text).given(&project, capacity(Some(memory)), &[]);
            given.map(|given| given.overrides.last().unwrap().clone()).map_err(|error| error.to_string())
        };
        let bounded = USUAL.replace("2048", "2048, MinValue: 1024, MaxValue: 4096");
        assert_eq!(given(&bounded, "3008"), Ok(("LambdaMemoryMb".to_owned(), "3008".to_owned())));
        for memory in ["1023", "4097"] {
            let error = given(&bounded, memory).unwrap_err();
            assert!(error.contains("(line 3) accepts 1024 to 4096, not ") && error.contains(memory), "{error}");
        }
        assert!(given(USUAL, "128").is_ok());
        let error = given("Parameters:\n  ProjectName: {Type: String}\n", "3008").unwrap_err();
        assert!(error.starts_with("Parameters.LambdaMemoryMb is missing, so --memory-mb 3008"), "{error}");
    }

    #[test]
    fn parameters_that_are_asked_for_are_checked_against_the_template() {
        let text = format!(
            "{USUAL}  VpcId: {{Type: String, AllowedPattern: 'vpc-[0-9a-f]+', MaxLength: 12}}\n  \
             ChunkMemoryMb: {{Type: Number, Default: 4096, MinValue: 2048, MaxValue: 10240}}\n  \
             VideoArch: {{Type: String, Default: arm64, AllowedValues: [arm64, x86_64]}}\n  \
             Token: {{Type: String, Default: '', NoEcho: Yes}}\n"
        );
        let project = ProjectName::new(&"smoke".parse().unwrap(), &"0123456789ab".parse().unwrap());
        let given = |asked: &[&str]| {
            let asked: Vec<Assignment> = asked.iter().map(|text| text.parse().unwrap()).collect();
            parameters(&text).given(&project, capacity(None), &asked).map_err(|error| error.to_string())
        };
        let all =
            given(&["VpcId=vpc-1a", "VideoArch=x86_64", "ChunkMemoryMb=3008", "Token={{resolve:ssm:t}}"]).unwrap();
        let shown: Vec<String> = all.overrides.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown[1..], ["VpcId=vpc-1a", "VideoArch=x86_64", "ChunkMemoryMb=3008", "Token={{resolve:ssm:t}}"]);
        assert_eq!(all.values(), all.values().with("Token", "{{resolve:ssm:t}}").with("LambdaMemoryMb", "2048"));
        for (asked, expected) in [
            (
                &[] as &[_],
                "Parameters.VpcId has no Default (line 4), and a run has no value for it; give one by --parameter VpcId=VALUE",
            ),
            (
                &["VpcID=vpc-1a"],
                "--parameter VpcID: the template has no parameter of this name; the nearest name is VpcId",
            ),
            (&["VpcId=x"], "Parameters.VpcId.AllowedPattern (line 4) is vpc-[0-9a-f]+, and \"x\" does not match it"),
            (
                &["VpcId=vpc-0123456789"],
                "Parameters.VpcId.MaxLength (line 4) is less than the length of vpc-0123456789",
            ),
            (
                &["VideoArch=mips"],
                "Parameters.VideoArch.AllowedValues (line 6) has arm64, x86_64, but not \"mips\", and --parameter gives it",
            ),
            (
                &["ChunkMemoryMb=1024"],
                "Parameters.ChunkMemoryMb (line 5) accepts 2048 to 10240, not 1024, and --parameter gives it",
            ),
            (&["ChunkMemoryMb=much"], "Parameters.ChunkMemoryMb (line 5) is a number, not \"much\""),
            (&["VpcId=vpc-1", "VpcId=vpc-2"], "--parameter VpcId is given twice"),
            (&["LambdaMemoryMb=3008"], "--parameter LambdaMemoryMb=3008: use --memory-mb"),
            (
                &["Token=x"],
                "Parameters.Token (line 7) is NoEcho, and its value would be in the list of processes and in sam.log; \
                 store the secret and give a reference to it, such as {{resolve:secretsmanager:NAME}}",
            ),
        ] {
            assert_eq!(given(asked).unwrap_err(), expected);
        }
        for wrong in ["VpcId", "=x", "Vpc-Id=x", "VpcId=a\nb"] {
            assert!(wrong.parse::<Assignment>().is_err(), "{wrong:?} was accepted");
        }
        assert_eq!(parameters(&text).candidates("VideoArch"), ["arm64", "arm64", "x86_64"]);
    }

    #[test]
    fn a_parameter_without_type_is_refused() {
        let node = Node::parse("Parameters:\n  ProjectName:\n    Default: x\n").unwrap();
        let error = Parameters::read(&At::root(&node)).unwrap_err().to_string();
        assert_eq!(error, "Parameters.ProjectName.Type is missing (line 3)");
    }
}
