//! The command line: parsed into types before anything starts.

pub mod ab;
pub mod environment;
pub mod eval;
pub mod fixtures;
pub mod help;
pub mod limits;
pub mod output;
pub mod run;
pub mod small;
pub mod smoke;
pub mod teardown;

use clap::{Parser, Subcommand};

use crate::cli::{
    ab::AbOptions,
    eval::EvalOptions,
    help::CompletionsOptions,
    output::{OutputOptions, RepoOptions},
    small::{
        BaselineOptions, CompareOptions, DoctorOptions, HistoryOptions, LocalAwsOptions, PolicyOptions, ReportOptions,
    },
    smoke::SmokeOptions,
    teardown::TeardownOptions,
};

/// Release gates for HyperFrames distributed rendering on AWS Lambda.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
#[command(after_help = help::OF_ALL, after_long_help = help::after(""))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// On which repository.
    #[command(flatten)]
    pub repo: RepoOptions,
    /// What it prints.
    #[command(flatten)]
    pub output: OutputOptions,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy, render fixtures at several chunk counts, compare, tear down.
    ///
    /// On a stack of its own for this run; the renders are compared with their fixture's baseline.
    LambdaSmoke(Box<SmokeOptions>),
    /// Measure how long Lambda takes and what it costs, over fixtures.
    ///
    /// On a stack of its own for this run; several fixtures, each several times.
    LambdaEval(Box<EvalOptions>),
    /// Compare two handlers, or two settings, rendered in turns.
    ///
    /// Each side is an eval on a stack of its own. Which is faster, cheaper, better, with intervals.
    LambdaAb(Box<AbOptions>),
    /// Delete what runs left of a stack, proved by its tags.
    LambdaTeardown(TeardownOptions),
    /// Render a fixture in-process and compare it with its baseline.
    LambdaBaseline(BaselineOptions),
    /// Compare any two videos by the same gates as a run.
    LambdaCompare(CompareOptions),
    /// Look at everything that a run needs, without a run.
    LambdaDoctor(DoctorOptions),
    /// Print the least IAM policy that a run needs.
    ///
    /// It covers only the names that runs choose.
    LambdaPolicy(PolicyOptions),
    /// Remake a run's reports, and set it side by side with another.
    LambdaReport(ReportOptions),
    /// List the runs so far, and how their figures develop.
    LambdaHistory(HistoryOptions),
    /// Start the embedded AWS, for runs in a second terminal.
    ///
    /// It stays in the foreground and prints the exports that the second terminal needs.
    LocalAws(LocalAwsOptions),
    /// Provision the tools of local runs into .tools.
    Setup,
    /// Print completions for bash, zsh or fish.
    Completions(CompletionsOptions),
}
