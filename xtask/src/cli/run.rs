//! The flags of every command that deploys a stack of its own.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use super::{
    TargetArgs,
    twins::{or_default, or_twin},
};
use crate::{
    aws::TargetChoice,
    budget::Usd,
    env::Env,
    names::{Region, StackName},
    template::{Capacity, MemoryMb},
};

/// Flags for the stack and the artifacts.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Stack to create; it must not exist.
    ///
    /// [env: STACK_NAME] [default: hyperframes-<command>-<epoch>-<run>]
    #[arg(long, value_name = "NAME")]
    pub stack_name: Option<StackName>,
    /// The function's reserved concurrency; 0: none [default: 16].
    ///
    /// It is set aside for the function, and its ceiling too: chunks above it are throttled, and tried again
    /// for some 30 s. -1 reserves none either. [env: RESERVED_CONCURRENCY]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub reserved_concurrency: Option<ReservedConcurrency>,
    /// The function's memory in MB [default: the template's].
    ///
    /// A new account may give 3008 at most. [env: LAMBDA_MEMORY_MB]
    #[arg(long, value_name = "MB", allow_negative_numbers = true)]
    pub memory_mb: Option<MemoryMb>,
    /// Folder for results, renders and logs.
    ///
    /// [env: ARTIFACTS] [default: <command>-artifacts in the repository]
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
    /// JSON file with other prices than those of us-east-1.
    ///
    /// In the shape of `prices` in run.json. [env: PRICES]
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Tell what would be created, called and spent; do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse a run that would cost more, and stop one that could.
    ///
    /// By --dry-run's estimate before it, and by what executions cost while it lasts. Calls
    /// of the function that are running when an execution is stopped still end by themselves.
    /// [env: MAX_COST_USD]
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub max_cost_usd: Option<Usd>,
    /// Leave the stack in place; `lambda-teardown` removes it.
    #[arg(long)]
    pub keep_stack: bool,
    /// Deploy the handler ZIP that is there.
    #[arg(long)]
    pub skip_build: bool,
    /// Which AWS.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// Where and on what a run works, whatever it does there.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// The stack's name, where given.
    pub stack_name: Option<StackName>,
    /// What the function is given.
    pub capacity: Capacity,
    /// The artifact folder, where given.
    pub artifacts: Option<PathBuf>,
    /// The file with prices, where given.
    pub prices: Option<PathBuf>,
    /// Whether nothing is done but told.
    pub dry_run: bool,
    /// What the run may cost, where given.
    pub max_cost: Option<Usd>,
    /// Whether the stack stays.
    pub keep_stack: bool,
    /// Whether the ZIP that is there is deployed.
    pub skip_build: bool,
    /// Which AWS.
    pub target: TargetChoice,
    /// The region.
    pub region: Region,
}

impl RunArgs {
    /// The options: each flag, else its environment twin, else its default.
    ///
    /// # Errors
    /// When a twin's value is wrong, or options contradict each other.
    pub fn options(&self, env: &Env) -> anyhow::Result<RunOptions> {
        let target = self.target.choice();
        ensure!(
            !(self.keep_stack && target == TargetChoice::Local),
            "--keep-stack can't keep a stack of --local, whose AWS ends with the run; \
             start `cargo xtask local-aws` and use --endpoint-url"
        );
        let reserved = or_default(self.reserved_concurrency, env, "RESERVED_CONCURRENCY", "16")?;
        let memory = or_twin(self.memory_mb, env, "LAMBDA_MEMORY_MB");
        let path = |flag: &Option<PathBuf>, twin: &str| flag.clone().or_else(|| env.get(twin).map(Into::into));
        Ok(RunOptions {
            stack_name: or_twin(self.stack_name.clone(), env, "STACK_NAME")?,
            capacity: Capacity { reserved_concurrency: reserved.get(), memory: memory? },
            artifacts: path(&self.artifacts, "ARTIFACTS"),
            prices: path(&self.prices, "PRICES"),
            dry_run: self.dry_run,
            max_cost: or_twin(self.max_cost_usd, env, "MAX_COST_USD")?,
            keep_stack: self.keep_stack,
            skip_build: self.skip_build,
            region: self.target.region(env)?,
            target,
        })
    }
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
