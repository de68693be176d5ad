//! `lambda-report`: the reports of a run, remade.

use std::path::PathBuf;

use clap::Args;

use crate::side_by_side::MaxRegression;

/// Flags of `lambda-report`.
#[derive(Debug, Clone, Args)]
#[command(after_help = crate::exit::help_table())]
pub struct ReportArgs {
    /// The artifact folder of a run of lambda-smoke or lambda-eval; its reports are made anew.
    pub artifacts: PathBuf,
    /// Artifact folder of an earlier run: report.md ends with what is faster, dearer or less equal now than before.
    #[arg(long, value_name = "BEFORE")]
    pub compare: Option<PathBuf>,
    /// By how much a median wall-clock or cost may be above the earlier run's, such as 10%; else exit code 5.
    #[arg(long, value_name = "PERCENT", requires = "compare")]
    pub max_regression: Option<MaxRegression>,
}
