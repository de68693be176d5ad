//! `lambda-teardown`: a stack by name, or all unfinished runs.

use anyhow::Context;
use clap::{ArgGroup, Args};

use crate::{
    aws::{region::Region, settings},
    cli::{help, run::AwsOptions},
    project::names::{RunId, StackName},
    tools::env::Env,
};

/// Flags of `lambda-teardown`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("subject").required(true).args(["stack", "unfinished"]))]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-teardown"))]
pub struct TeardownOptions {
    /// The stack to delete.
    pub stack: Option<StackName>,
    /// Delete only what the run with this id created.
    ///
    /// The teardown command that a run prints has this flag, because another run may use the stack's name by now.
    #[arg(long, value_name = "ID", requires = "stack", conflicts_with = "force")]
    pub run: Option<RunId>,
    /// Finish every run that a journal lists as unfinished.
    ///
    /// Each one is finished in the account and the region in which it ran.
    #[arg(long, conflicts_with_all = ["force", "yes", "local", "endpoint_url", "region", "profile"])]
    pub unfinished: bool,
    /// Delete a stack that has no run's tag.
    ///
    /// You must type its name again, unless you also give --yes.
    #[arg(long, requires = "stack")]
    pub force: bool,
    /// With --force: do not ask for the name again.
    #[arg(long, requires = "force")]
    pub yes: bool,
    /// Close the journals of this stack without checking AWS.
    ///
    /// This is for an emulator or an account that no longer exists.
    #[arg(long, requires = "stack", conflicts_with_all = ["force", "local", "endpoint_url", "region", "profile"])]
    pub forget: bool,
    /// Which AWS; without these flags the one that the stack's journal names.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// AWS region [default: the journal's, else us-east-1].
    ///
    /// [env: AWS_REGION]
    // The variable comes after the journal, so clap must not take it as if it were the flag.
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    pub region: Option<Region>,
}

/// What is to be torn down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeardownSubject {
    /// One stack.
    Stack(StackName),
    /// Every unfinished run.
    Unfinished,
}

impl TeardownOptions {
    /// What is to be torn down.
    pub fn subject(&self) -> TeardownSubject {
        self.stack.clone().map_or(TeardownSubject::Unfinished, TeardownSubject::Stack)
    }

    /// The region of the flag or of the environment, or us-east-1.
    ///
    /// # Errors
    /// When the environment names something that is no region.
    pub fn region(&self, env: &Env) -> anyhow::Result<Region> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        let is_emulator = self.aws.local || self.aws.endpoint_url.is_some();
        match settings::region(env, self.aws.profile.as_ref(), is_emulator)? {
            Some(named) => named.value.parse().with_context(|| format!("{}={}", named.by, named.value)),
            None => settings::USUAL_REGION.parse(),
        }
    }
}
