//! The flags of every command that deploys a stack of its own.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::{
    aws::{
        access::{TargetChoice, parse_endpoint},
        region::{Profile, Region},
    },
    project::{
        names::StackName,
        template::{Capacity, MemoryMb, parameters::Assignment, roles::PermissionsBoundary},
    },
    run::budget::Usd,
    tools::release::{HandlerCode, Sha256Hex},
};

/// Flags for the stack and the artifacts.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RunOptions {
    /// The stack to create; it must not exist.
    ///
    /// [default: hyperframes-<command>-<epoch>-<run>]
    #[arg(long, env = "STACK_NAME", value_name = "NAME")]
    pub stack_name: Option<StackName>,
    /// Run on a stack that an earlier run kept with --keep-stack.
    ///
    /// Template, parameters, account, and region must be those of that run. If the handler ZIP differs, it is deployed as
    /// an update of the stack. The stack stays; `lambda-teardown` deletes it.
    #[arg(long, env = "REUSE_STACK", value_name = "NAME", conflicts_with = "stack_name", hide_short_help = true)]
    pub reuse_stack: Option<StackName>,
    /// The function's reserved concurrency; 0 for none.
    ///
    /// The number is reserved for the function and is also its limit: further chunks are throttled, retried for about
    /// 30 s, and then fail the render. -1 reserves none either.
    #[arg(long, env = "RESERVED_CONCURRENCY", default_value = "16")]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub reserved_concurrency: ReservedConcurrency,
    /// The function's memory in MB [default: the template's].
    ///
    /// A new account allows at most 3008. lambda-eval measures several sizes on one stack, separated by commas.
    #[arg(long = "memory-mb", env = "LAMBDA_MEMORY_MB", value_name = "MB", allow_negative_numbers = true)]
    #[arg(value_delimiter = ',')]
    pub memory: Vec<MemoryMb>,
    /// Set a parameter of the template; repeatable.
    ///
    /// The value is checked against the template before anything starts. The environment variable holds several
    /// parameters, separated by spaces.
    #[arg(long = "parameter", env = "PARAMETERS", value_name = "NAME=VALUE")]
    pub parameters: Vec<Assignment>,
    /// Set the container image of a function; repeatable.
    ///
    /// NAME is the function, or the template's parameter for its image. URI is the address of an image in ECR.
    #[arg(long = "image", env = "IMAGES", value_name = "NAME=URI")]
    pub images: Vec<Assignment>,
    /// Limit every role of the stack by this managed policy.
    ///
    /// The template must give this permissions boundary to its roles. `lambda-policy --permissions-boundary` then
    /// allows no role without it.
    #[arg(long, env = "PERMISSIONS_BOUNDARY", value_name = "ARN", hide_short_help = true)]
    pub permissions_boundary: Option<PermissionsBoundary>,
    /// The folder for results, renders, and logs.
    ///
    /// [default: <command>-artifacts in the repository]
    #[arg(long, env = "ARTIFACTS", value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
    /// The number of earlier runs whose renders are kept.
    ///
    /// Runs that passed and other runs are counted separately. Figures and reports of older runs stay.
    #[arg(long, env = "KEEP_RUNS", default_value_t = 20, value_name = "N", hide_short_help = true)]
    pub keep_runs: usize,
    /// What renders are compared with: auto, committed, or rendered.
    ///
    /// `committed` compares with the fixture's baseline. `rendered` also compares with an in-process render of this
    /// machine, by the default limits; a fixture whose minPsnr is below 40 is then compared with its baseline by PSNR,
    /// structure, and audio alone. `auto` is `rendered` if the fixture has no known-good metrics and this machine can
    /// render, else `committed`.
    #[arg(long, env = "REFERENCE", default_value = "auto", value_name = "WHICH", hide_short_help = true)]
    pub reference: ReferenceChoice,
    /// A JSON file with prices other than those of us-east-1.
    ///
    /// It has the format of `prices` in run.json.
    #[arg(long, env = "PRICES", value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Print what would be created, called, and spent; do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse a run that would cost more, and stop one that could.
    ///
    /// Before the run, the estimate of --dry-run counts. During the run, the cost of the executions counts. Function
    /// calls that are running when an execution is stopped still finish.
    #[arg(long = "max-cost-usd", env = "MAX_COST_USD", value_name = "USD", allow_negative_numbers = true)]
    pub max_cost: Option<Usd>,
    /// Keep the stack; `lambda-teardown` deletes it later.
    #[arg(long)]
    pub keep_stack: bool,
    /// Deploy the existing handler ZIP.
    #[arg(long, conflicts_with = "handler_zip")]
    pub skip_build: bool,
    /// Deploy this handler ZIP, such as that of a release; build none.
    ///
    /// Its SHA-256 comes from --sha256, or from the file next to it with the same name and `.sha256` at the end.
    #[arg(long, env = "HANDLER_ZIP", value_name = "FILE")]
    pub handler_zip: Option<PathBuf>,
    /// The SHA-256 that the file of --handler-zip must have.
    #[arg(long, env = "HANDLER_ZIP_SHA256", value_name = "HASH", requires = "handler_zip", hide_short_help = true)]
    pub sha256: Option<Sha256Hex>,
    /// The commit whose handler is built, for one side of an A/B comparison.
    #[arg(skip)]
    pub commit: Option<String>,
    /// Another template than the repository's, for one side of an A/B comparison.
    #[arg(skip)]
    pub template: Option<PathBuf>,
    /// Which AWS.
    #[command(flatten)]
    pub target: TargetOptions,
}

impl RunOptions {
    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// When they do.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !((self.keep_stack || self.reuse_stack.is_some()) && self.target.aws.local),
            "--keep-stack can't keep a stack of --local, whose AWS ends with the run; start `cargo xtask local-aws` in \
             another terminal, then, with its --endpoint-url, keep a stack by --keep-stack --stack-name NAME, run on it \
             by --reuse-stack NAME, and remove it by `cargo xtask lambda-teardown NAME`"
        );
        Ok(())
    }

    /// Refuses more than one size of memory.
    ///
    /// # Errors
    /// When there are several.
    pub fn check_one_memory(&self) -> anyhow::Result<()> {
        ensure!(
            self.memory.len() < 2,
            "--memory-mb: only lambda-eval measures several sizes; give one, or, to lambda-ab, memory=MB of a side"
        );
        Ok(())
    }

    /// Which ZIP is deployed.
    pub(crate) fn code(&self) -> HandlerCode<'_> {
        match (&self.handler_zip, &self.commit, self.skip_build) {
            (Some(file), ..) => HandlerCode::Release(file, self.sha256.as_ref()),
            (None, Some(commit), _) => HandlerCode::Commit(commit),
            (None, None, true) => HandlerCode::Existing,
            (None, None, false) => HandlerCode::Built,
        }
    }

    /// What the function is given; in a sweep the first size.
    pub fn capacity(&self) -> Capacity {
        Capacity { reserved_concurrency: self.reserved_concurrency.get(), memory: self.memory.first().copied() }
    }
}

/// What renders are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceChoice {
    /// Also an in-process render, where there are no known-good metrics.
    Auto,
    /// Only the fixture's baseline.
    Committed,
    /// Also an in-process render of this machine.
    Rendered,
}

/// A reserved concurrency, or none; the template's own word for none is -1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedConcurrency(Option<u32>);

impl ReservedConcurrency {
    /// How much; `None` reserves nothing.
    pub fn get(self) -> Option<u32> {
        self.0
    }
}

impl std::str::FromStr for ReservedConcurrency {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let reserved = text.parse::<i32>().ok().filter(|n| (-1..=100_000).contains(n));
        let reserved = reserved.with_context(|| {
            format!("{text:?} is not a reserved concurrency (a whole number; 0 or -1 reserve none)")
        })?;
        Ok(Self(u32::try_from(reserved).ok().filter(|n| *n > 0)))
    }
}

// Which AWS: the flags that commands share.

/// Flags for an account or an emulator.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Target")]
pub struct AwsOptions {
    /// Use the embedded AWS, without an account [Linux x86-64].
    ///
    /// It runs an AWS emulator, the real sam, and real Chromium on this machine.
    #[arg(long, conflicts_with_all = ["endpoint_url", "profile"])]
    pub local: bool,
    /// Use a running emulator, such as `cargo xtask local-aws`.
    #[arg(long, value_name = "URL", conflicts_with = "profile", value_parser = parse_endpoint)]
    pub endpoint_url: Option<String>,
    /// The AWS profile.
    ///
    /// [env: AWS_PROFILE]
    // The SDK and sam read the variable themselves; a flag has no need of it.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
}

/// Flags for an account or an emulator, and for the region there.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetOptions {
    /// The account or the emulator.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// The AWS region.
    ///
    /// Without this flag, AWS_REGION decides, then AWS_DEFAULT_REGION, then the profile.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", value_name = "REGION")]
    pub region: Region,
}

impl AwsOptions {
    /// The target that was asked for.
    pub fn choice(&self) -> TargetChoice {
        match (&self.endpoint_url, self.local) {
            (Some(url), _) => TargetChoice::Endpoint(url.clone()),
            (None, true) => TargetChoice::Local,
            (None, false) => TargetChoice::Account(self.profile.clone()),
        }
    }
}
