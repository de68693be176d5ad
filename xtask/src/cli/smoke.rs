//! `lambda-smoke`: flags, their environment twins, and the options they come to.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::{
    RunArgs, RunOptions, help,
    twins::{is_on, or_default, or_twin},
};
use crate::{
    chunking::{ChunkCounts, ChunkSize, PlanProtocols},
    env::Env,
    measure::Decibels,
};

/// Flags of `lambda-smoke`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-smoke"))]
pub struct SmokeArgs {
    /// Fixture to render [default: mp4-h264-sdr].
    ///
    /// [env: FIXTURE]
    #[arg(long, value_name = "NAME")]
    pub fixture: Option<String>,
    /// Chunk counts, one render each [default: 2,4,8].
    ///
    /// [env: CHUNK_COUNTS]
    #[arg(long, value_name = "N,N,..")]
    pub chunk_counts: Option<ChunkCounts>,
    /// Frames a chunk, instead of as many as make each count.
    ///
    /// [env: CHUNK_SIZE]
    #[arg(long, value_name = "FRAMES")]
    pub chunk_size: Option<ChunkSize>,
    /// How the plan goes to the chunks: v1, v2 or both [default: v2].
    ///
    /// With both, the renders are compared with each other too. [env: PLAN_PROTOCOL]
    #[arg(long, value_name = "V")]
    pub plan_protocol: Option<PlanProtocols>,
    /// With --plan-protocol both: demand the same encoded bytes.
    ///
    /// Of chunks and files. [env: REQUIRE_ENCODED_SHA_EQUAL=1]
    #[arg(long)]
    pub require_encoded_sha_equal: bool,
    /// Least mean PSNR in dB [default: the fixture's, else 40].
    ///
    /// Over all planes and of each; the fixture's is minPsnr in its meta.json. [env: PSNR_THRESHOLD]
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub psnr_threshold: Option<Decibels>,
    /// How many dB a single frame may lie below that [default: 10].
    ///
    /// As many frames as the fixture's maxFrameFailures may lie lower. [env: FRAME_PSNR_MARGIN]
    #[arg(long, value_name = "DB")]
    pub frame_psnr_margin: Option<Decibels>,
    /// Fail when a render leaves the fixture's record of sound ones.
    ///
    /// On AWS it is only said without this; on an emulator it always fails. [env: STRICT=1]
    #[arg(long)]
    pub strict: bool,
    /// Rewrite that record from these renders, if they pass.
    #[arg(long)]
    pub update_expected: bool,
    /// Demand frames identical to the in-process ones [Linux x86-64].
    ///
    /// No codec and no threshold: the fixture is rendered as a png-sequence, in-process and distributed, and
    /// every frame must be the same to the byte. [env: EXACT=1]
    #[arg(long)]
    pub exact: bool,
    /// Renders side by side; it disturbs their times [default: 1].
    ///
    /// Of the chunk counts, all on one stack. Verdict and clean-up stay the same. [env: JOBS]
    #[arg(long, value_name = "K")]
    pub jobs: Option<Jobs>,
    /// The stack and the artifacts.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What a smoke run was asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct SmokeOptions {
    /// The fixture's name.
    pub fixture: String,
    /// One render for each.
    pub chunk_counts: ChunkCounts,
    /// Frames a chunk, where given.
    pub chunk_size: Option<ChunkSize>,
    /// The plan protocols, where given.
    pub plan_protocols: Option<PlanProtocols>,
    /// Whether both protocols must give the same encoded bytes.
    pub require_encoded_sha_equal: bool,
    /// The threshold, where given.
    pub psnr_threshold: Option<Decibels>,
    /// How far below it a frame may lie, where given.
    pub frame_psnr_margin: Option<Decibels>,
    /// Whether leaving the record fails everywhere.
    pub strict: bool,
    /// Whether the record is rewritten.
    pub update_expected: bool,
    /// Whether frames must be identical to the byte.
    pub exact: bool,
    /// How many renders may go on at once.
    pub jobs: Jobs,
    /// Where and on what the run works.
    pub run: RunOptions,
}

/// How many renders may go on at once, 1 to 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs(usize);

impl Jobs {
    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl FromStr for Jobs {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let jobs = text.parse().ok().filter(|jobs| (1..=16).contains(jobs));
        jobs.map(Self).with_context(|| format!("{text:?} is not a number of renders at once (1 to 16)"))
    }
}

impl SmokeArgs {
    /// The options: each flag, else its environment twin, else its default.
    ///
    /// # Errors
    /// When a twin's value is wrong, or options contradict each other.
    pub fn options(&self, env: &Env) -> anyhow::Result<SmokeOptions> {
        let plan_protocols = or_twin(self.plan_protocol, env, "PLAN_PROTOCOL")?;
        let require_encoded_sha_equal = self.require_encoded_sha_equal || is_on(env, "REQUIRE_ENCODED_SHA_EQUAL")?;
        ensure!(
            !require_encoded_sha_equal || plan_protocols == Some(PlanProtocols::Both),
            "--require-encoded-sha-equal compares two plan protocols: it needs --plan-protocol both"
        );
        let exact = self.exact || is_on(env, "EXACT")?;
        let psnr_threshold = or_twin(self.psnr_threshold, env, "PSNR_THRESHOLD")?;
        let frame_psnr_margin: Option<Decibels> = or_twin(self.frame_psnr_margin, env, "FRAME_PSNR_MARGIN")?;
        let strict = self.strict || is_on(env, "STRICT")?;
        // By flag or by variable alike.
        let measured = [
            (psnr_threshold.is_some(), "--psnr-threshold"),
            (frame_psnr_margin.is_some(), "--frame-psnr-margin"),
            (strict, "--strict"),
            (self.update_expected, "--update-expected"),
            (require_encoded_sha_equal, "--require-encoded-sha-equal"),
        ];
        if let Some((_, flag)) = measured.iter().find(|(given, _)| exact && *given) {
            bail!("--exact demands identical frames and measures nothing, so {flag} has no meaning beside it");
        }
        ensure!(
            frame_psnr_margin.is_none_or(|margin| margin.db() >= 0.0),
            "a frame's margin is a number of dB below the threshold, 0 or more"
        );
        let (jobs, run): (Jobs, RunOptions) = (or_default(self.jobs, env, "JOBS", "1")?, self.run.options(env)?);
        ensure!(
            jobs.get() == 1 || run.max_cost.is_none(),
            "--max-cost-usd counts one render after the other, so --jobs has no meaning beside it"
        );
        Ok(SmokeOptions {
            fixture: or_default(self.fixture.clone(), env, "FIXTURE", "mp4-h264-sdr")?,
            chunk_counts: or_default(self.chunk_counts.clone(), env, "CHUNK_COUNTS", "2,4,8")?,
            chunk_size: or_twin(self.chunk_size, env, "CHUNK_SIZE")?,
            plan_protocols,
            require_encoded_sha_equal,
            psnr_threshold,
            frame_psnr_margin,
            strict,
            update_expected: self.update_expected,
            exact,
            jobs,
            run,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws::TargetChoice,
        cli::{Cli, Command},
    };
    use clap::Parser;

    fn options(args: &[&str], env: &Env) -> anyhow::Result<SmokeOptions> {
        let cli = Cli::try_parse_from(["xtask", "lambda-smoke"].iter().chain(args))?;
        let Command::LambdaSmoke(args) = cli.command else { unreachable!() };
        args.options(env)
    }

    #[test]
    fn defaults_are_the_seeds() {
        let options = options(&[], &Env::default()).unwrap();
        assert_eq!(options.fixture, "mp4-h264-sdr");
        assert_eq!(options.chunk_counts, "2,4,8".parse().unwrap());
        assert_eq!((options.run.capacity.reserved_concurrency, options.run.region.as_str()), (Some(16), "us-east-1"));
        assert_eq!(options.run.target, TargetChoice::Account(None));
    }

    #[test]
    fn flags_win_over_twins_and_twins_over_defaults() {
        let env =
            Env::from([("CHUNK_COUNTS", "3"), ("FIXTURE", "f"), ("AWS_REGION", "eu-west-1"), ("PSNR_THRESHOLD", "33")]);
        let from_env = options(&[], &env).unwrap();
        assert_eq!((from_env.fixture.as_str(), from_env.run.region.as_str()), ("f", "eu-west-1"));
        assert_eq!(from_env.chunk_counts, "3".parse().unwrap());
        assert_eq!(from_env.psnr_threshold.map(Decibels::db), Some(33.0));
        let by_flag = options(&["--chunk-counts", "5", "--region", "us-west-2"], &env).unwrap();
        assert_eq!((by_flag.chunk_counts, by_flag.run.region.as_str()), ("5".parse().unwrap(), "us-west-2"));
    }

    #[test]
    fn a_wrong_twin_is_named() {
        let error = options(&[], &Env::from([("PSNR_THRESHOLD", "40dB")])).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "PSNR_THRESHOLD=40dB: \"40dB\" is not a number of decibels (write 40, not 40dB)"
        );
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(options(&["--local", "--keep-stack"], &Env::default()).is_err());
        assert!(options(&["--local", "--endpoint-url", "http://127.0.0.1:1"], &Env::default()).is_err());
        assert!(options(&["--local", "--profile", "x"], &Env::default()).is_err());
        for flag in [&["--psnr-threshold", "40"] as &[&str], &["--strict"], &["--update-expected"]] {
            let error = options(&[&["--exact"], flag].concat(), &Env::default()).unwrap_err().to_string();
            assert!(error.contains("--exact demands identical frames") && error.contains(flag[0]), "{error}");
        }
        for (twin, value) in [("PSNR_THRESHOLD", "40"), ("FRAME_PSNR_MARGIN", "6"), ("STRICT", "1")] {
            let error = options(&["--exact"], &Env::from([(twin, value)])).unwrap_err().to_string();
            assert!(error.contains("--exact demands identical frames"), "{twin}: {error}");
        }
    }
}
