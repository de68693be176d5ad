//! `lambda-doctor`: its flags.

use clap::Args;

use super::{ReservedConcurrency, TargetOptions, help};

/// Flags of `lambda-doctor`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-doctor"))]
pub struct DoctorOptions {
    /// Concurrency that a run would reserve; 0: none.
    #[arg(long, env = "RESERVED_CONCURRENCY", default_value = "16")]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub reserved_concurrency: ReservedConcurrency,
    /// Which AWS.
    #[command(flatten)]
    pub target: TargetOptions,
}
