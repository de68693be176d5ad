//! `lambda-baseline`: render a fixture in-process.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::{
    aws::{holder::Holder, region::Region},
    cli::{
        help,
        limits::LimitArgs,
        run::{ReservedConcurrency, TargetOptions},
    },
    project::{names::StackName, template::roles::PermissionsBoundary},
    report::compare::regression::MaxRegression,
};

/// Flags of `lambda-baseline`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-baseline"))]
pub struct BaselineOptions {
    /// The fixture to render.
    pub fixture: String,
    /// Replace the committed baseline.
    #[arg(long)]
    pub update: bool,
}

// `lambda-compare`: any two videos, or sequences of frames.

/// Flags of `lambda-compare`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-compare"))]
pub struct CompareOptions {
    /// The render: a video, or a folder or tar.gz of PNG frames.
    pub render: PathBuf,
    /// The baseline: a video, or a folder of PNG frames.
    pub baseline: PathBuf,
    /// Print everything that was measured, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write report.html, its pictures, and the JSON into this folder.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// What the render must reach.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The frame rate of PNG sequences, which store none [default: 30].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: Option<u32>,
}

impl CompareOptions {
    /// Frames a second of a sequence of frames.
    pub fn fps(&self) -> u32 {
        self.fps.unwrap_or(30)
    }
}

// `lambda-doctor`: its flags.

/// Flags of `lambda-doctor`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-doctor"))]
pub struct DoctorOptions {
    /// The concurrency that a run would reserve; 0 for none.
    #[arg(long, env = "RESERVED_CONCURRENCY", default_value = "16")]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub reserved_concurrency: ReservedConcurrency,
    /// Also check permissions, quotas, and the upload on AWS.
    ///
    /// All calls only read. They show which permissions exist, which quotas a run would exceed, how long the upload
    /// will take, what a run costs, and what only a run can show.
    #[arg(long)]
    pub real: bool,
    /// Which AWS.
    #[command(flatten)]
    pub target: TargetOptions,
}

// `local-aws`: the embedded AWS by itself.

/// Flags of `local-aws`.
#[derive(Debug, Clone, Args)]
pub struct LocalAwsOptions {
    /// Write the endpoint and the pid as JSON once it answers.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// The port [default: a free one].
    #[arg(long, value_name = "PORT", value_parser = parse_port)]
    pub port: Option<u16>,
    /// Check access keys and enforce IAM policies, as AWS does.
    #[arg(long)]
    pub enforce_iam: bool,
}

fn parse_port(text: &str) -> anyhow::Result<u16> {
    text.parse().ok().with_context(|| format!("{text:?} is not a port (a whole number, 0 to 65535)"))
}

// `lambda-policy`: its flags.

/// Flags of `lambda-policy`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-policy"))]
pub struct PolicyOptions {
    /// The account id, 12 digits [default: any account, *].
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The region of the runs.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", value_name = "REGION")]
    pub region: Region,
    /// The one stack name that runs will use.
    ///
    /// By default, the policy covers all names that runs generate.
    #[arg(long, value_name = "NAME")]
    pub stack_name: Option<StackName>,
    /// The permissions boundary that every role must have.
    ///
    /// Without a boundary, whoever has the policy can create a role that may do more than the policy allows.
    #[arg(long, env = "PERMISSIONS_BOUNDARY", value_name = "ARN")]
    pub permissions_boundary: Option<PermissionsBoundary>,
}

impl PolicyOptions {
    /// Whose policy is asked for.
    pub fn holder(self) -> Holder {
        Holder {
            account: self.account,
            region: self.region,
            stack: self.stack_name,
            boundary: self.permissions_boundary,
        }
    }
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not an account id (12 digits)")),
    }
}

// `lambda-report`: a run's reports, remade.

/// Flags of `lambda-report`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-report"))]
pub struct ReportOptions {
    /// The run's artifact folder; by default that of the newest run.
    ///
    /// The run may be one of lambda-smoke or lambda-eval. Its reports are regenerated.
    pub artifacts: Option<PathBuf>,
    /// An earlier run to compare with: its id, commit, or folder.
    ///
    /// `latest` and `previous` also work; `previous` is the last run of the same command before this one. All reports
    /// then list what is faster, more expensive, or less similar to the baseline than before.
    #[arg(long, value_name = "BEFORE")]
    pub compare: Option<String>,
    /// How much worse the run may be than the earlier one, such as 10%.
    ///
    /// The limit applies to the medians of time and cost, and to the power of the error in picture and audio, where
    /// 10% is 0.4 dB. If a figure exceeds it, the exit code is 5, unless a time or a cost may exceed it by chance.
    #[arg(long, value_name = "PERCENT", requires = "compare")]
    pub max_regression: Option<MaxRegression>,
}

// `lambda-history`: all runs.

/// Flags of `lambda-history`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-history"))]
pub struct HistoryOptions {
    /// Artifact folders; by default those of the repository.
    pub artifacts: Vec<PathBuf>,
    /// Print the runs as JSON.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print the runs as CSV.
    #[arg(long)]
    pub csv: bool,
    /// Write a page with the trends of time, cost, and quality.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
