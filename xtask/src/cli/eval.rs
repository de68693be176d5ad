//! `lambda-eval`: flags, their environment twins, and the options they come to.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};
use clap::Args;

use super::{
    RunArgs, RunOptions, help,
    twins::{or_default, or_twin},
};
use crate::{
    chunking::{ChunkCount, ChunkCounts, ChunkSize},
    env::Env,
    measure::Decibels,
    plan::Sizing,
};

/// Flags of `lambda-eval`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-eval"))]
pub struct EvalArgs {
    /// Fixtures to measure [default: four of them, see --help].
    ///
    /// [env: FIXTURES] [default: mp4-h264-sdr,many-cuts,gsap-letters-render-compat,heygen-promo-preview-assets]
    #[arg(long, value_name = "NAME,..")]
    pub fixtures: Option<FixtureNames>,
    /// Most chunks of a render [default: 4].
    ///
    /// [env: CHUNK_COUNT]
    #[arg(long, value_name = "N", conflicts_with = "chunk_counts")]
    pub chunk_count: Option<ChunkCount>,
    /// A sweep over chunk counts, with a recommendation.
    ///
    /// Every fixture is rendered at each of them. [env: CHUNK_COUNTS]
    #[arg(long, value_name = "N,N,..")]
    pub chunk_counts: Option<ChunkCounts>,
    /// Frames a chunk [default: each fixture's, else 60].
    ///
    /// A fixture's is chunkSize in its meta.json. In a sweep as many as make each chunk count.
    /// [env: CHUNK_SIZE]
    #[arg(long, value_name = "FRAMES")]
    pub chunk_size: Option<ChunkSize>,
    /// Measured renders of each fixture and chunk count [default: 1].
    ///
    /// And as many local ones of each fixture. [env: ITERATIONS]
    #[arg(long, value_name = "N")]
    pub iterations: Option<Iterations>,
    /// Rounds before them that are not counted [default: 0].
    ///
    /// [env: WARMUP]
    #[arg(long, value_name = "N")]
    pub warmup: Option<Warmup>,
    /// Least mean PSNR in dB [default: each fixture's, else 40].
    ///
    /// Over all planes and of each; a fixture's is minPsnr in its meta.json. [env: PSNR_THRESHOLD]
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub psnr_threshold: Option<Decibels>,
    /// Leave out the renders on this machine.
    ///
    /// They are made by the in-process renderer, which is for Linux x86-64.
    #[arg(long)]
    pub skip_local: bool,
    /// Keep those renders, and compare them too.
    ///
    /// With the baseline, and with Lambda's.
    #[arg(long, conflicts_with = "skip_local")]
    pub keep_local: bool,
    /// The stack and the artifacts.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What an eval run was asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalOptions {
    /// The fixtures.
    pub fixtures: FixtureNames,
    /// One execution for each, in each round.
    pub chunk_counts: ChunkCounts,
    /// Where the frames a chunk come from.
    pub sizing: Sizing,
    /// Measured rounds.
    pub iterations: Iterations,
    /// Rounds before them.
    pub warmup: Warmup,
    /// The threshold, where given.
    pub psnr_threshold: Option<Decibels>,
    /// What becomes of the local leg.
    pub local: LocalLeg,
    /// Where and on what the run works.
    pub run: RunOptions,
}

/// Frames a chunk where nobody names another number.
const CHUNK_SIZE: u64 = 60;

/// What becomes of the local leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalLeg {
    /// It is left out.
    Skipped,
    /// It is timed.
    Timed,
    /// It is timed, and its renders are kept and compared.
    Kept,
}

impl EvalArgs {
    /// The options: each flag, else its environment twin, else its default.
    ///
    /// # Errors
    /// When a twin's value is wrong, or options contradict each other.
    pub fn options(&self, env: &Env) -> anyhow::Result<EvalOptions> {
        let sweep = match self.chunk_count {
            // A flag wins over either variable.
            Some(_) => None,
            None => or_twin(self.chunk_counts.clone(), env, "CHUNK_COUNTS")?,
        };
        ensure!(
            self.chunk_counts.is_some() || sweep.is_none() || env.get("CHUNK_COUNT").is_none(),
            "CHUNK_COUNT and CHUNK_COUNTS are both set; unset one, or give --chunk-count or --chunk-counts"
        );
        let named = or_twin(self.chunk_size, env, "CHUNK_SIZE")?;
        let (chunk_counts, unless_named) = match sweep {
            Some(counts) => (counts, Sizing::ByCount),
            None => {
                let count = or_default(self.chunk_count, env, "CHUNK_COUNT", "4")?;
                (count.into(), Sizing::OfFixtureOr(ChunkSize::new(CHUNK_SIZE)?))
            }
        };
        Ok(EvalOptions {
            fixtures: or_default(self.fixtures.clone(), env, "FIXTURES", FixtureNames::OF_THE_SCRIPT)?,
            chunk_counts,
            sizing: named.map_or(unless_named, Sizing::Named),
            iterations: or_default(self.iterations, env, "ITERATIONS", "1")?,
            warmup: or_default(self.warmup, env, "WARMUP", "0")?,
            psnr_threshold: or_twin(self.psnr_threshold, env, "PSNR_THRESHOLD")?,
            local: match (self.skip_local, self.keep_local) {
                (true, _) => LocalLeg::Skipped,
                (false, false) => LocalLeg::Timed,
                (false, true) => LocalLeg::Kept,
            },
            run: self.run.options(env)?,
        })
    }
}

/// The fixtures of a run: at least one, none twice, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureNames(Vec<String>);

impl FixtureNames {
    const OF_THE_SCRIPT: &'static str = "mp4-h264-sdr,many-cuts,gsap-letters-render-compat,heygen-promo-preview-assets";

    /// The names in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }
}

impl FromStr for FixtureNames {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        ensure!(
            names.iter().all(|name| !name.is_empty()),
            "{text:?} is no list of fixtures (example: many-cuts,tone-and-text)"
        );
        for (i, name) in names.iter().enumerate() {
            ensure!(!names[..i].contains(name), "fixture {name} is listed twice");
        }
        Ok(Self(names))
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
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn options(args: &[&str], env: &[(&'static str, &'static str)]) -> anyhow::Result<EvalOptions> {
        let cli = Cli::try_parse_from(["xtask", "lambda-eval"].iter().chain(args))?;
        let Command::LambdaEval(args) = cli.command else { unreachable!() };
        let env = env.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
        args.options(&env)
    }

    #[test]
    fn defaults_are_the_scripts() {
        let options = options(&[], &[]).unwrap();
        assert_eq!(options.fixtures.iter().count(), 4);
        let usual = Sizing::OfFixtureOr("60".parse().unwrap());
        assert_eq!((options.chunk_counts, options.sizing), ("4".parse().unwrap(), usual));
        assert_eq!((options.iterations.get(), options.warmup.get(), options.local), (1, 0, LocalLeg::Timed));
        assert_eq!(options.run.capacity.reserved_concurrency, Some(16));
    }

    #[test]
    fn a_sweep_splits_by_count_unless_a_size_is_named() {
        let sweep = options(&["--chunk-counts", "1,2,4"], &[]).unwrap();
        assert_eq!((sweep.chunk_counts, sweep.sizing), ("1,2,4".parse().unwrap(), Sizing::ByCount));
        let named = Sizing::Named("30".parse().unwrap());
        assert_eq!(options(&["--chunk-counts", "1,2", "--chunk-size", "30"], &[]).unwrap().sizing, named);
        assert_eq!(options(&["--chunk-size", "30"], &[("CHUNK_SIZE", "9")]).unwrap().sizing, named);
        assert_eq!(options(&[], &[("CHUNK_SIZE", "30")]).unwrap().sizing, named);
        assert_eq!(options(&[], &[("CHUNK_COUNTS", "2,8")]).unwrap().chunk_counts, "2,8".parse().unwrap());
    }

    #[test]
    fn a_flag_wins_over_either_variable_and_two_variables_are_refused() {
        let one = options(&["--chunk-count", "3"], &[("CHUNK_COUNTS", "2,8"), ("CHUNK_COUNT", "9")]).unwrap();
        assert_eq!(one.chunk_counts, "3".parse().unwrap());
        let both = options(&["--chunk-counts", "3,5"], &[("CHUNK_COUNT", "9")]).unwrap();
        assert_eq!(both.chunk_counts, "3,5".parse().unwrap());
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
        assert_eq!(format!("{error:#}"), "ITERATIONS=x: \"x\" is not a number of iterations (1 to 100)");
    }
}
