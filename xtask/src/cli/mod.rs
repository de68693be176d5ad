//! The command line: parsed into types before anything starts.

mod advice;
mod baseline;
mod compare;
mod completions;
mod doctor;
mod eval;
mod help;
mod local_aws;
mod output;
mod policy;
mod repo;
mod report;
mod run;
mod smoke;
mod target;
mod teardown;
mod twins;

use clap::{Parser, Subcommand};

pub use advice::with_advice;
pub use baseline::BaselineArgs;
pub use compare::CompareArgs;
pub use completions::{CompletionsArgs, script};
pub use doctor::{DoctorArgs, DoctorOptions};
pub use eval::{EvalArgs, EvalOptions, FixtureNames, Iterations, LocalLeg, Warmup};
pub use local_aws::LocalAwsArgs;
pub use output::{OutputArgs, color_asked_for};
pub use policy::PolicyArgs;
pub use repo::RepoArgs;
pub use report::ReportArgs;
pub use run::{ReservedConcurrency, RunArgs, RunOptions};
pub use smoke::{Jobs, SmokeArgs, SmokeOptions};
pub use target::TargetArgs;
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
#[command(after_help = help::OF_ALL, after_long_help = help::after(""))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// On which repository.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// What it prints.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy, render a fixture at several chunk counts, compare, tear down.
    ///
    /// On a stack of its own for this run; the renders are compared with the fixture's baseline.
    LambdaSmoke(Box<SmokeArgs>),
    /// Measure how long Lambda takes and what it costs, over fixtures.
    ///
    /// On a stack of its own for this run; several fixtures, each several times.
    LambdaEval(Box<EvalArgs>),
    /// Delete what runs left of a stack, proved by its tags.
    LambdaTeardown(TeardownArgs),
    /// Render a fixture in-process and compare it with its baseline.
    LambdaBaseline(BaselineArgs),
    /// Compare any two videos by the gates of a run.
    LambdaCompare(CompareArgs),
    /// Look at everything that a run needs, without a run.
    LambdaDoctor(DoctorArgs),
    /// Print the least IAM policy that a run needs.
    ///
    /// Scoped to the names that runs have.
    LambdaPolicy(PolicyArgs),
    /// Remake a run's reports, and set it side by side with another.
    LambdaReport(ReportArgs),
    /// Start the embedded AWS, for runs in a second terminal.
    ///
    /// It stays in the foreground and prints the exports that the second terminal needs.
    LocalAws(LocalAwsArgs),
    /// Provision the tools of local runs into .tools.
    Setup,
    /// Print completions for bash, zsh or fish.
    Completions(CompletionsArgs),
}
