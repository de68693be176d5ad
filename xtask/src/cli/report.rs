//! `lambda-report`: the reports of a run, remade.

use std::path::PathBuf;

use clap::Args;

use super::help;
use crate::side_by_side::MaxRegression;

/// Flags of `lambda-report`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-report"))]
pub struct ReportOptions {
    /// The artifact folder of a run, whose reports are made anew.
    ///
    /// Of lambda-smoke or lambda-eval.
    pub artifacts: PathBuf,
    /// Artifact folder of an earlier run to compare with.
    ///
    /// report.md ends with what is faster, dearer or less equal now than before.
    #[arg(long, value_name = "BEFORE")]
    pub compare: Option<PathBuf>,
    /// How much slower or dearer than it a median may be, as 10%.
    ///
    /// Of wall-clock and cost; beyond it the exit code is 5.
    #[arg(long, value_name = "PERCENT", requires = "compare")]
    pub max_regression: Option<MaxRegression>,
}
