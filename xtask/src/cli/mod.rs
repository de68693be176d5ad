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
    /// Each run deploys its own stack, compares every render with the baseline of its fixture, and deletes the stack.
    LambdaSmoke(Box<SmokeOptions>),
    /// Measure how long several fixtures take on Lambda, and their cost.
    ///
    /// Each run deploys its own stack, and renders each fixture several times.
    LambdaEval(Box<EvalOptions>),
    /// Compare two handlers, or two settings, rendered in turns.
    ///
    /// Each side is an eval on its own stack. The report says which side is faster, cheaper, and better, with intervals.
    LambdaAb(Box<AbOptions>),
    /// Delete what runs left behind, identified by its tags.
    LambdaTeardown(TeardownOptions),
    /// Render a fixture in-process and compare it with its baseline.
    LambdaBaseline(BaselineOptions),
    /// Compare any two videos by the gates that a run uses.
    LambdaCompare(CompareOptions),
    /// Check everything that a run needs; create nothing.
    LambdaDoctor(DoctorOptions),
    /// Print the least-privilege IAM policy for a run.
    ///
    /// It covers only resources with the names that runs choose.
    LambdaPolicy(PolicyOptions),
    /// Regenerate a run's reports, or compare it with an earlier run.
    LambdaReport(ReportOptions),
    /// List all runs, with the trends of their time, cost, and quality.
    LambdaHistory(HistoryOptions),
    /// Start the embedded AWS, for runs in a second terminal.
    ///
    /// It stays in the foreground and prints the `export` lines that the second terminal needs.
    LocalAws(LocalAwsOptions),
    /// Install the tools for local runs into .tools.
    Setup,
    /// Print shell completions for bash, zsh, or fish.
    Completions(CompletionsOptions),
}
