//! `lambda-baseline`: render a fixture in-process.

use clap::Args;

use super::help;

/// Flags of `lambda-baseline`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-baseline"))]
pub struct BaselineOptions {
    /// The fixture.
    pub fixture: String,
    /// Replace the committed baseline.
    #[arg(long)]
    pub update: bool,
}
