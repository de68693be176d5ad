//! `lambda-smoke`: its flags.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use clap::Args;
use execution_history::chunking::{ChunkCounts, ChunkSize, PlanProtocols};

use crate::{
    cli::{fixtures::FixtureOptions, help, limits::LimitArgs, run::RunOptions},
    project::fixture::Chosen,
};

/// Flags of `lambda-smoke`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-smoke"))]
pub struct SmokeOptions {
    /// The fixture to render.
    #[arg(long, env = "FIXTURE", default_value = "mp4-h264-sdr", value_name = "NAME")]
    #[arg(conflicts_with_all = ["fixtures", "tag", "rerun_failed"])]
    fixture: String,
    /// Several fixtures.
    #[command(flatten)]
    pub fixtures: FixtureOptions,
    /// The chunk counts; each is one render.
    #[arg(long, env = "CHUNK_COUNTS", default_value = "2,4,8", value_name = "N,N,..")]
    pub chunk_counts: ChunkCounts,
    /// Frames per chunk [default: the size that yields each count].
    #[arg(long, env = "CHUNK_SIZE", value_name = "FRAMES")]
    pub chunk_size: Option<ChunkSize>,
    /// How Plan passes work to chunks: v1, v2, or both [default: v2].
    ///
    /// v1 needs a template that offers it, and is the default of one that offers nothing else. With `both`, the two
    /// renders are also compared with each other.
    // The default is the template's to choose: one that offers only v1 renders with v1.
    #[arg(long = "plan-protocol", env = "PLAN_PROTOCOL", value_name = "V")]
    pub plan_protocols: Option<PlanProtocols>,
    /// With --plan-protocol both: require the same encoded bytes.
    ///
    /// The encoded chunks and the delivered files of v1 and v2 must be identical.
    #[arg(long, env = "REQUIRE_ENCODED_SHA_EQUAL", hide_short_help = true)]
    pub require_encoded_sha_equal: bool,
    /// What renders must reach.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Fail if a render deviates from the known-good metrics.
    ///
    /// Without this flag, a deviation is only a note on AWS. On an emulator, it fails anyway.
    #[arg(long, env = "STRICT")]
    pub strict: bool,
    /// Rewrite the known-good metrics from these renders, if they pass.
    #[arg(long)]
    pub update_expected: bool,
    /// Require frames identical to in-process ones [Linux x86-64].
    ///
    /// The fixture is rendered as a PNG sequence, in-process and distributed, without codec and threshold. Every frame
    /// must be identical to the byte.
    #[arg(long, env = "EXACT")]
    pub exact: bool,
    /// How many renders run at the same time.
    ///
    /// They are taken from all fixtures and chunk counts, on one stack. More than one disturbs the measured times. The
    /// verdict and the clean-up stay the same.
    #[arg(long, env = "JOBS", default_value = "1", value_name = "K")]
    pub jobs: Jobs,
    /// Continue with the other renders if one fails.
    ///
    /// With several fixtures this is the default. The exit code is still 4.
    #[arg(long, env = "KEEP_GOING", hide_short_help = true)]
    keep_going: bool,
    /// The stack and the artifacts.
    #[command(flatten)]
    pub run: RunOptions,
}

/// How many renders may run at the same time, 1 to 16.
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

impl SmokeOptions {
    /// The fixtures to render.
    pub fn chosen(&self) -> Chosen {
        self.fixtures.chosen(&[&self.fixture])
    }

    /// Whether a failed render ends a run of this many fixtures.
    pub fn ends_with_a_failure(&self, fixtures: usize) -> bool {
        !self.keep_going && fixtures == 1
    }

    /// Refuses options that contradict each other, no matter whether flags or variables set them.
    ///
    /// # Errors
    /// When they do.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.require_encoded_sha_equal || self.plan_protocols == Some(PlanProtocols::Both),
            "--require-encoded-sha-equal compares two plan protocols: it needs --plan-protocol both"
        );
        let measured = [
            (self.strict, "--strict"),
            (self.update_expected, "--update-expected"),
            (self.require_encoded_sha_equal, "--require-encoded-sha-equal"),
        ];
        let given = measured.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag.to_owned());
        if let Some(flag) = self.limits.flag_set().or(given).filter(|_| self.exact) {
            bail!("--exact demands identical frames and measures nothing, so it can't be combined with {flag}");
        }
        ensure!(
            self.jobs.get() == 1 || self.run.max_cost.is_none(),
            "--max-cost-usd counts one render after the other, so it can't be combined with --jobs"
        );
        self.run.check_one_memory()?;
        self.run.check()
    }
}

#[cfg(test)]
mod tests {
    use render_verdict::gates::MEAN_PSNR;

    use super::*;
    use crate::{
        aws::access::TargetChoice,
        cli::{Command, environment::parse},
        tools::env::Env,
    };

    fn options(args: &[&str], env: &Env) -> anyhow::Result<SmokeOptions> {
        let args: Vec<_> = ["xtask", "lambda-smoke"].iter().chain(args).map(Into::into).collect();
        let Command::LambdaSmoke(options) = parse(&args, env)?.command else { unreachable!() };
        options.check()?;
        Ok(*options)
    }

    #[test]
    fn defaults_are_those_of_smoke_sh() {
        let options = options(&[], &Env::default()).unwrap();
        assert_eq!(options.chosen(), Chosen::Named(vec!["mp4-h264-sdr".into()]));
        assert_eq!(options.chunk_counts, "2,4,8".parse().unwrap());
        assert_eq!(options.run.capacity().reserved_concurrency, Some(16));
        assert_eq!(options.run.target.region.as_str(), "us-east-1");
        assert_eq!(options.run.target.aws.choice(), TargetChoice::Account(None));
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_defaults() {
        let env =
            Env::from([("CHUNK_COUNTS", "3"), ("FIXTURE", "f"), ("AWS_REGION", "eu-west-1"), ("PSNR_THRESHOLD", "33")]);
        let from_env = options(&[], &env).unwrap();
        assert_eq!((from_env.fixture.as_str(), from_env.run.target.region.as_str()), ("f", "eu-west-1"));
        assert_eq!(from_env.chunk_counts, "3".parse().unwrap());
        assert_eq!(from_env.limits.0.get(&MEAN_PSNR), Some(33.0));
        let by_flag = options(&["--chunk-counts", "5", "--region", "us-west-2"], &env).unwrap();
        assert_eq!((by_flag.chunk_counts, by_flag.run.target.region.as_str()), ("5".parse().unwrap(), "us-west-2"));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let error = options(&[], &Env::from([("PSNR_THRESHOLD", "40dB")])).unwrap_err();
        let expected = "error: PSNR_THRESHOLD=40dB: \"40dB\" is not a number of decibels (write 40, not 40dB)\n";
        assert!(error.to_string().starts_with(expected), "{error}");
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
        for (variable, value) in [("PSNR_THRESHOLD", "40"), ("FRAME_PSNR_MARGIN", "6"), ("STRICT", "1")] {
            let error = options(&["--exact"], &Env::from([(variable, value)])).unwrap_err().to_string();
            assert!(error.contains("--exact demands identical frames"), "{variable}: {error}");
        }
    }
}
