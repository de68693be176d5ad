//! `lambda-doctor`: its flags.

use clap::Args;

use super::{ReservedConcurrency, TargetArgs, help, twins::or_default};
use crate::{aws::TargetChoice, env::Env, names::Region};

/// Flags of `lambda-doctor`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-doctor"))]
pub struct DoctorArgs {
    /// Concurrency that a run would reserve; 0: none [default: 16].
    ///
    /// [env: RESERVED_CONCURRENCY]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub reserved_concurrency: Option<ReservedConcurrency>,
    /// Which AWS.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorOptions {
    /// Which AWS.
    pub target: TargetChoice,
    /// The region.
    pub region: Region,
    /// What a run would reserve; `None` for nothing.
    pub reserved_concurrency: Option<u32>,
}

impl DoctorArgs {
    /// The options: each flag, else its environment twin, else its default.
    ///
    /// # Errors
    /// When a twin's value is wrong.
    pub fn options(&self, env: &Env) -> anyhow::Result<DoctorOptions> {
        Ok(DoctorOptions {
            target: self.target.choice(),
            region: self.target.region(env)?,
            reserved_concurrency: or_default(self.reserved_concurrency, env, "RESERVED_CONCURRENCY", "16")?.get(),
        })
    }
}
