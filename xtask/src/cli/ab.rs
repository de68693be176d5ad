//! `lambda-ab`: its flags, and what its sides differ in.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{anyhow, bail, ensure};
use clap::{Arg, Args};
use execution_history::chunking::{PlanProtocol, PlanProtocols};

use crate::{
    cli::{
        eval::{EvalOptions, LocalLeg},
        help,
    },
    project::template::{MemoryMb, parameters::Assignment},
    report::compare::regression::MaxRegression,
    tools::release::Sha256Hex,
};

/// Flags of `lambda-ab`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-ab"))]
#[command(mut_args = of_both_sides)]
pub struct AbOptions {
    /// What B is compared with: KEY=VALUE, separated by commas.
    ///
    /// zip=FILE and its sha256=HASH, commit=REVISION of this repository, version=VERSION (pinned here, or a tag),
    /// template=FILE, memory=MB, protocol=v1 or v2, parameter=NAME=VALUE. For what a side does not name, the
    /// default of lambda-eval applies, such as the handler of this repository. A ZIP, a commit, or a version needs no
    /// key; `checkout` changes nothing.
    #[arg(long, value_name = "SIDE")]
    pub a: Side,
    /// The side to judge, in the same form [default: checkout].
    #[arg(long, value_name = "SIDE", default_value = "checkout", hide_default_value = true)]
    pub b: Side,
    /// Fail (exit 5) if B is worse than A by more than this.
    ///
    /// Worse means slower, more expensive, or less similar to its baseline, by more than chance; see lambda-report.
    #[arg(long, value_name = "PERCENT")]
    pub max_regression: Option<MaxRegression>,
    /// How each side is measured.
    #[command(flatten)]
    pub eval: EvalOptions,
}

/// Intervals need five samples of each side; what is about one stack, or about this machine, is no flag here.
fn of_both_sides(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "iterations" => argument.default_value("6"),
        "skip_local" | "keep_local" | "handler_zip" | "sha256" | "reuse_stack" | "rerun_failed" => argument.hide(true),
        _ => argument,
    }
}

/// What one side differs in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Side {
    text: String,
    zip: Option<PathBuf>,
    sha256: Option<Sha256Hex>,
    /// A revision of the repository, whose handler is built.
    pub commit: Option<String>,
    /// A version of the handler's package.
    pub version: Option<String>,
    template: Option<PathBuf>,
    memory: Option<MemoryMb>,
    protocol: Option<PlanProtocol>,
    parameters: Vec<Assignment>,
}

type Set = fn(&mut Side, &str) -> anyhow::Result<()>;

/// What sides can differ in, by key.
const KEYS: [(&str, Set); 8] = [
    ("zip", |side, value| set(&mut side.zip, value)),
    ("sha256", |side, value| set(&mut side.sha256, value)),
    ("commit", |side, value| set(&mut side.commit, value)),
    ("version", |side, value| set(&mut side.version, value)),
    ("template", |side, value| set(&mut side.template, value)),
    ("memory", |side, value| set(&mut side.memory, value)),
    ("protocol", |side, value| set(&mut side.protocol, value)),
    ("parameter", |side, value| {
        side.parameters.push(value.parse()?);
        Ok(())
    }),
];

fn set<T: FromStr<Err: Into<anyhow::Error>>>(field: &mut Option<T>, value: &str) -> anyhow::Result<()> {
    ensure!(field.is_none(), "it is given twice");
    *field = Some(value.parse().map_err(Into::into)?);
    Ok(())
}

/// What differs in nothing from the repository as it is.
const CHECKOUT: &str = "checkout";

impl FromStr for Side {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut side = Self { text: text.to_owned(), ..Self::default() };
        for part in text.split(',').map(str::trim).filter(|part| *part != CHECKOUT) {
            let (key, value) = part.split_once('=').unwrap_or_else(|| (key_of(part), part));
            let Some((_, set)) = KEYS.iter().find(|(name, _)| *name == key) else {
                let keys = KEYS.map(|(name, _)| name).join(", ");
                bail!("{key:?} is nothing that sides can differ in ({keys})");
            };
            ensure!(!value.is_empty(), "{key} has no value (write {key}=VALUE)");
            // clap prints an error without its causes.
            set(&mut side, value).map_err(|error| anyhow!("{key}={value}: {error:#}"))?;
        }
        let handlers = [side.zip.is_some(), side.commit.is_some(), side.version.is_some()];
        ensure!(handlers.into_iter().filter(|is| *is).count() < 2, "a side has one of zip, commit and version");
        ensure!(side.sha256.is_none() || side.zip.is_some(), "sha256 is of a zip, and there is none");
        Ok(side)
    }
}

/// What a value without a key is.
fn key_of(value: &str) -> &'static str {
    let is_zip = Path::new(value).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    let is_version = value.contains('.') && value.starts_with(|first: char| first.is_ascii_digit());
    match (is_zip, is_version) {
        (true, _) => "zip",
        (false, true) => "version",
        (false, false) => "commit",
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Side {
    /// How this side, whose name is a lower-case letter, is measured: as `common` says and as it differs. Its files
    /// go to a folder of its name in `artifacts`.
    #[must_use]
    pub fn options(&self, name: &str, common: &EvalOptions, artifacts: &Path) -> EvalOptions {
        let mut options = common.clone().without_local_leg();
        let run = &mut options.run;
        run.artifacts = Some(artifacts.join(name));
        run.stack_name = run.stack_name.as_ref().and_then(|stack| format!("{stack}-{name}").parse().ok());
        run.max_cost = run.max_cost.map(|all| all.shared_by(2));
        run.handler_zip.clone_from(&self.zip);
        run.sha256.clone_from(&self.sha256);
        run.commit.clone_from(&self.commit);
        run.template.clone_from(&self.template);
        run.memory = self.memory.map_or_else(|| run.memory.clone(), |memory| vec![memory]);
        run.parameters.extend(self.parameters.iter().cloned());
        options.protocols = self.protocol.map(PlanProtocols::One);
        options
    }
}

impl AbOptions {
    /// Refuses what makes no sense for two stacks.
    ///
    /// # Errors
    /// When there is such an option.
    pub fn check(&self) -> anyhow::Result<()> {
        let run = &self.eval.run;
        let refused = [
            (run.reuse_stack.is_some(), "--reuse-stack is about one stack, and lambda-ab creates two"),
            (run.handler_zip.is_some(), "--handler-zip is for both sides: name the ZIP of one by --a zip=FILE"),
            (self.eval.fixtures.rerun_failed.is_some(), "--rerun-failed repeats a run of one stack"),
            (
                self.eval.local() == LocalLeg::Kept,
                "--keep-local is about this machine, where lambda-ab renders nothing",
            ),
            (
                run.stack_name.as_ref().is_some_and(|stack| stack.as_str().len() > 126),
                "--stack-name: -a and -b are added to it, so it has 126 characters at most",
            ),
        ];
        if let Some((_, why)) = refused.into_iter().find(|(is, _)| *is) {
            bail!("{why}");
        }
        run.check_one_memory()?;
        self.eval.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(text: &str) -> Result<Side, String> {
        // As clap prints it.
        text.parse().map_err(|error: anyhow::Error| error.to_string())
    }

    #[test]
    fn a_side_is_a_list_of_what_it_differs_in() {
        let one = side("old.zip,memory=2048, parameter=ChromeSource=sparticuz,protocol=v1").unwrap();
        assert_eq!((one.zip, one.protocol), (Some("old.zip".into()), Some(PlanProtocol::V1)));
        assert_eq!((one.memory, one.parameters.len()), (Some("2048".parse().unwrap()), 1));
        assert_eq!(side("v0.8.30").unwrap().commit.as_deref(), Some("v0.8.30"));
        assert_eq!(side("0.8.30").unwrap().version.as_deref(), Some("0.8.30"));
        assert_eq!(side("checkout").unwrap(), Side { text: "checkout".into(), ..Side::default() });
    }

    #[test]
    fn what_sides_cannot_differ_in_is_refused() {
        for (text, why) in [
            ("color=red", "\"color\" is nothing that sides can differ in (zip, sha256, commit, "),
            ("memory=many", "memory=many: \"many\" is not a memory in MB"),
            ("memory=2048,memory=4096", "memory=4096: it is given twice"),
            ("old.zip,commit=HEAD", "a side has one of zip, commit and version"),
            ("sha256=x", "sha256=x: "),
            ("zip=", "zip has no value (write zip=VALUE)"),
            ("protocol=both", "protocol=both: "),
            ("parameter=x", "parameter=x: \"x\" has no ="),
        ] {
            let error = side(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let hash = format!("sha256={}", "0".repeat(64));
        assert_eq!(side(&hash).unwrap_err(), "sha256 is of a zip, and there is none");
    }
}
