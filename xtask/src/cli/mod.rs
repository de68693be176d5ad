//! The command line: parsed into types before anything starts.

mod baseline;
mod compare;
mod doctor;
mod eval;
mod local_aws;
mod output;
mod policy;
mod report;
mod run;
mod smoke;
mod target;
mod teardown;
mod twins;

use clap::{Parser, Subcommand};

pub use baseline::BaselineArgs;
pub use compare::CompareArgs;
pub use doctor::{DoctorArgs, DoctorOptions};
pub use eval::{EvalArgs, EvalOptions, FixtureNames, Iterations, LocalLeg, Warmup};
pub use local_aws::LocalAwsArgs;
pub use output::{OutputArgs, color_asked_for};
pub use policy::PolicyArgs;
pub use report::ReportArgs;
pub use run::{ReservedConcurrency, RunArgs, RunOptions};
pub use smoke::{SmokeArgs, SmokeOptions};
pub use target::{TargetArgs, TargetChoice};
pub use teardown::{TeardownArgs, TeardownSubject};

/// Release gates for HyperFrames distributed rendering on AWS Lambda.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 110,
    disable_help_subcommand = true
)]
#[command(after_help = crate::exit::help_table())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What it prints.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy a per-run stack, render one fixture at several chunk counts, compare with its baseline, tear down.
    LambdaSmoke(Box<SmokeArgs>),
    /// Deploy a per-run stack, render several fixtures several times, and say how long Lambda takes and what it costs.
    LambdaEval(Box<EvalArgs>),
    /// Delete everything that runs of this tool left of a stack, proved by its tags.
    LambdaTeardown(TeardownArgs),
    /// Render a fixture in-process and say how it differs from its committed baseline.
    LambdaBaseline(BaselineArgs),
    /// Compare any two videos by the gates of a run.
    LambdaCompare(CompareArgs),
    /// Look at everything that a run needs, without a run.
    LambdaDoctor(DoctorArgs),
    /// Print the least IAM policy that a run needs, scoped to its names.
    LambdaPolicy(PolicyArgs),
    /// Remake the reports of a run from its artifact folder, and set it side by side with another run.
    LambdaReport(ReportArgs),
    /// Start the embedded AWS in the foreground and print the exports for a second terminal.
    LocalAws(LocalAwsArgs),
    /// Provision the tools of local runs into .tools of this repository.
    Setup,
}
