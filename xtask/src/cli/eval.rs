//! `lambda-eval`: its flags.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};
use clap::Args;
use execution_history::chunking::{ChunkCount, ChunkCounts, ChunkSize, PlanProtocols};
use serde::{Deserialize, Serialize};

use crate::{
    cli::{fixtures::FixtureOptions, help, limits::LimitArgs, run::RunOptions, smoke::Jobs},
    project::{fixture::Chosen, plan::Sizing, template::MemoryMb},
    report::Repeated,
};

/// Flags of `lambda-eval`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-eval"))]
pub struct EvalOptions {
    /// Which fixtures.
    #[command(flatten)]
    pub fixtures: FixtureOptions,
    /// The maximum number of chunks of a render.
    #[arg(long, env = "CHUNK_COUNT", default_value = "4", value_name = "N")]
    #[arg(conflicts_with_all = ["chunk_counts", "rerun_failed"])]
    chunk_count: ChunkCount,
    /// Measure at each of these chunk counts, and recommend one.
    ///
    /// Every fixture is rendered at each count.
    #[arg(long, env = "CHUNK_COUNTS", value_name = "N,N,..")]
    chunk_counts: Option<ChunkCounts>,
    /// Frames per chunk [default: each fixture's, else 60].
    ///
    /// The fixture's value is chunkSize in meta.json. With --chunk-counts, the default is the size that yields each count.
    #[arg(long, env = "CHUNK_SIZE", value_name = "FRAMES")]
    chunk_size: Option<ChunkSize>,
    /// Measured renders of each fixture and chunk count.
    ///
    /// Each fixture is also rendered this many times on this machine.
    #[arg(long, env = "ITERATIONS", default_value = "3", value_name = "N")]
    pub iterations: Iterations,
    /// Rounds before the measurement that are not counted.
    #[arg(long, env = "WARMUP", default_value = "0", value_name = "N")]
    pub warmup: Warmup,
    /// Start every measured render with cold functions.
    ///
    /// Before each of them, the functions get a changed environment variable, so that Lambda starts new environments.
    #[arg(long, env = "COLD", conflicts_with = "warm", hide_short_help = true)]
    cold: bool,
    /// Warm new functions by renders that are not counted.
    ///
    /// After the deployment, and after each change of the memory, each fixture is rendered once at its highest chunk
    /// count.
    #[arg(long, env = "WARM", hide_short_help = true)]
    warm: bool,
    /// The number of measured renders on Lambda at the same time.
    ///
    /// For your own account, where renders have little effect on each other. The reports say so.
    #[arg(long, env = "JOBS", default_value = "1", value_name = "K", hide_short_help = true)]
    pub jobs: Jobs,
    /// What renders must reach.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Skip the renders on this machine.
    ///
    /// The in-process renderer makes them, and needs Linux x86-64.
    #[arg(long)]
    skip_local: bool,
    /// Keep the renders of this machine, and compare them too.
    ///
    /// They are compared with the baseline and with the renders from Lambda.
    #[arg(long, conflicts_with = "skip_local")]
    keep_local: bool,
    /// The plan protocol, for one side of an A/B comparison; `None` for the template's newest.
    #[arg(skip)]
    pub protocols: Option<PlanProtocols>,
    /// The stack and the artifacts.
    #[command(flatten)]
    pub run: RunOptions,
}

/// How functions are prepared for measured renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prepares {
    /// New environments are started for each.
    Cold,
    /// New functions are warmed.
    Warm,
}

impl Prepares {
    /// What follows on the number of iterations in a report.
    pub fn text(self) -> &'static str {
        match self {
            Self::Cold => ", each with cold functions",
            Self::Warm => ", with warmed functions",
        }
    }
}

/// Whether fixtures are rendered on this machine too, and whether these renders are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalLeg {
    /// It is left out.
    Skipped,
    /// It is timed.
    Timed,
    /// It is timed, and its renders are kept and compared.
    Kept,
}

/// The fixtures of the original script, in its order.
const OF_THE_SCRIPT: [&str; 4] =
    ["mp4-h264-sdr", "many-cuts", "gsap-letters-render-compat", "heygen-promo-preview-assets"];

impl EvalOptions {
    /// The fixtures to measure.
    pub fn chosen(&self) -> Chosen {
        self.fixtures.chosen(&OF_THE_SCRIPT)
    }

    /// The chunk counts: one execution for each, in each round.
    pub fn chunk_counts(&self) -> ChunkCounts {
        self.chunk_counts.clone().unwrap_or_else(|| self.chunk_count.into())
    }

    /// The chunk counts of one fixture.
    ///
    /// # Errors
    /// When the fixture is not among those that are repeated.
    pub fn counts_of(&self, fixture: &str) -> anyhow::Result<ChunkCounts> {
        self.fixtures.counts(Some(fixture), &self.chunk_counts())
    }

    /// The sizes of memory to measure, MB: all that were given, or, where that is one at most, the deployed one.
    pub fn memories(&self) -> Vec<Option<u32>> {
        match self.run.memory.as_slice() {
            [] | [_] => vec![None],
            several => several.iter().map(|memory| Some(memory.get())).collect(),
        }
    }

    /// How the functions are prepared for the measured renders; `None` for not at all.
    pub fn prepares(&self) -> Option<Prepares> {
        let warms = self.warm.then_some(Prepares::Warm);
        self.cold.then_some(Prepares::Cold).or(warms)
    }

    /// The flag because of which functions are not as they come, where there is one.
    pub fn prepared(&self) -> Option<&'static str> {
        let by_rounds = (self.warmup.get() > 0).then_some("--warmup");
        by_rounds.or(self.prepares().map(|prepares| match prepares {
            Prepares::Cold => "--cold",
            Prepares::Warm => "--warm",
        }))
    }

    /// Refuses options that contradict each other, no matter whether flags or variables set them.
    ///
    /// # Errors
    /// When they do.
    pub fn check(&self) -> anyhow::Result<()> {
        let sizes = &self.run.memory;
        for (nth, size) in sizes.iter().enumerate() {
            ensure!(!sizes[..nth].contains(size), "--memory-mb: {size} is listed twice");
        }
        ensure!(
            sizes.len() < 2 || !(self.run.keep_stack || self.run.reuse_stack.is_some()),
            "--memory-mb with several sizes changes the functions of the stack, so it needs a stack of its own, which goes \
             with the run; leave out --keep-stack and --reuse-stack, or give one size"
        );
        ensure!(
            !self.cold || !(self.run.keep_stack || self.run.reuse_stack.is_some()),
            "--cold changes the functions of the stack, so it needs a stack of its own, which goes with the run; leave out \
             --keep-stack and --reuse-stack"
        );
        ensure!(!(self.cold && self.warm), "--cold and --warm contradict each other");
        ensure!(
            self.jobs.get() == 1 || !self.run.target.aws.local,
            "--jobs: the renders of --local share the processors of this machine, so that none of their times would mean \
             anything; measure one at a time there"
        );
        ensure!(
            self.jobs.get() == 1 || self.run.max_cost.is_none(),
            "--max-cost-usd counts one render after the other, so it can't be combined with --jobs"
        );
        self.run.check()
    }

    /// The same for these renders of an earlier run alone, in chunks of that run's size, and with the sizes of memory
    /// that they had of those that it measured.
    ///
    /// # Errors
    /// When there are none.
    pub fn repeating(
        mut self,
        mut renders: Vec<Repeated>,
        chunk_size: Option<ChunkSize>,
        memories: &[u32],
    ) -> anyhow::Result<Self> {
        // One that failed on this machine is repeated with each size.
        let had =
            |mb: &&u32| renders.iter().any(|(_, memory_mb, _)| memory_mb.is_none_or(|memory_mb| memory_mb == **mb));
        let sizes =
            memories.iter().filter(had).map(|mb| mb.to_string().parse()).collect::<anyhow::Result<Vec<MemoryMb>>>()?;
        let given = std::mem::replace(&mut self.run.memory, sizes.clone());
        if !given.is_empty() {
            self.run.memory = given.into_iter().filter(|size| sizes.is_empty() || sizes.contains(size)).collect();
            let listed = sizes.iter().map(|size| format!("{size} MB")).collect::<Vec<_>>().join(", ");
            ensure!(
                !self.run.memory.is_empty(),
                "--rerun-failed: the renders that did not pass had {listed}; leave out --memory-mb"
            );
        }
        let kept = |mb: u32| sizes.is_empty() || self.run.memory.iter().any(|size| size.get() == mb);
        renders.retain(|(_, memory_mb, _)| memory_mb.is_none_or(kept));
        self.fixtures.repeated = Some(renders);
        self.chunk_counts = Some(self.fixtures.counts(None, &self.chunk_counts())?);
        self.chunk_size = self.chunk_size.or(chunk_size);
        Ok(self)
    }

    /// Where the frames per chunk come from.
    pub fn sizing(&self) -> Sizing {
        match (self.chunk_size, &self.chunk_counts) {
            (Some(size), _) => Sizing::Named(size),
            (None, Some(_)) => Sizing::ByCount,
            (None, None) => Sizing::OfFixtureOr(ChunkSize::USUAL),
        }
    }

    /// The same without renders on this machine.
    #[must_use]
    pub fn without_local_leg(self) -> Self {
        Self { skip_local: true, keep_local: false, ..self }
    }

    /// Whether fixtures are rendered on this machine too, and whether these renders are kept.
    pub fn local(&self) -> LocalLeg {
        match (self.skip_local, self.keep_local) {
            (true, _) => LocalLeg::Skipped,
            (false, false) => LocalLeg::Timed,
            (false, true) => LocalLeg::Kept,
        }
    }
}

/// How often everything is measured, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iterations(u32);

/// How many rounds come before, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warmup(u32);

impl Iterations {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Warmup {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Iterations {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        whole(text, 1).with_context(|| format!("{text:?} is not a number of iterations (1 to 100)")).map(Self)
    }
}

impl FromStr for Warmup {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        whole(text, 0).with_context(|| format!("{text:?} is not a number of warm-up rounds (0 to 100)")).map(Self)
    }
}

impl fmt::Display for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn whole(text: &str, least: u32) -> Option<u32> {
    let digits = text.trim();
    let number = digits.chars().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    number.filter(|n| (least..=100).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{Command, environment::parse},
        tools::env::Env,
    };

    fn options(args: &[&str], env: &[(&'static str, &'static str)]) -> anyhow::Result<EvalOptions> {
        let args: Vec<_> = ["xtask", "lambda-eval"].iter().chain(args).map(Into::into).collect();
        let env = env.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
        let Command::LambdaEval(options) = parse(&args, &env)?.command else { unreachable!() };
        Ok(*options)
    }

    #[test]
    fn defaults_are_those_of_eval_sh() {
        let options = options(&[], &[]).unwrap();
        assert!(matches!(options.chosen(), Chosen::Named(names) if names.len() == 4));
        let usual = Sizing::OfFixtureOr("60".parse().unwrap());
        assert_eq!((options.chunk_counts(), options.sizing()), ("4".parse().unwrap(), usual));
        assert_eq!((options.iterations.get(), options.warmup.get(), options.local()), (3, 0, LocalLeg::Timed));
        assert_eq!(options.run.capacity().reserved_concurrency, Some(16));
    }

    #[test]
    fn a_sweep_splits_by_count_unless_a_size_is_named() {
        let sweep = options(&["--chunk-counts", "1,2,4"], &[]).unwrap();
        assert_eq!((sweep.chunk_counts(), sweep.sizing()), ("1,2,4".parse().unwrap(), Sizing::ByCount));
        let named = Sizing::Named("30".parse().unwrap());
        assert_eq!(options(&["--chunk-counts", "1,2", "--chunk-size", "30"], &[]).unwrap().sizing(), named);
        assert_eq!(options(&["--chunk-size", "30"], &[("CHUNK_SIZE", "9")]).unwrap().sizing(), named);
        assert_eq!(options(&[], &[("CHUNK_SIZE", "30")]).unwrap().sizing(), named);
        assert_eq!(options(&[], &[("CHUNK_COUNTS", "2,8")]).unwrap().chunk_counts(), "2,8".parse().unwrap());
    }

    #[test]
    fn a_flag_wins_over_either_variable_and_two_variables_are_refused() {
        let one = options(&["--chunk-count", "3"], &[("CHUNK_COUNTS", "2,8"), ("CHUNK_COUNT", "9")]).unwrap();
        assert_eq!(one.chunk_counts(), "3".parse().unwrap());
        let both = options(&["--chunk-counts", "3,5"], &[("CHUNK_COUNT", "9")]).unwrap();
        assert_eq!(both.chunk_counts(), "3,5".parse().unwrap());
        assert!(options(&[], &[("CHUNK_COUNTS", "2,8"), ("CHUNK_COUNT", "9")]).is_err());
        assert!(options(&["--chunk-count", "3", "--chunk-counts", "3"], &[]).is_err());
    }

    #[test]
    fn bad_values_are_refused() {
        for bad in [
            ["--fixtures", ""],
            ["--fixtures", "a,,b"],
            ["--fixtures", "a,a"],
            ["--iterations", "0"],
            ["--iterations", "101"],
            ["--iterations", "three"],
            ["--warmup", "-1"],
            ["--chunk-count", "0"],
            ["--psnr-threshold", "40dB"],
        ] {
            assert!(options(&bad, &[]).is_err(), "{bad:?} was taken");
        }
        assert!(options(&["--skip-local", "--keep-local"], &[]).is_err());
        let error = options(&[], &[("ITERATIONS", "x")]).unwrap_err();
        let expected = "error: ITERATIONS=x: \"x\" is not a number of iterations (1 to 100)\n";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
