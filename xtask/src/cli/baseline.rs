//! `lambda-baseline`: render a fixture in-process.

use clap::Args;

/// Flags of `lambda-baseline`.
#[derive(Debug, Clone, Args)]
#[command(after_help = crate::exit::help_table())]
pub struct BaselineArgs {
    /// The fixture.
    pub fixture: String,
    /// Replace the committed baseline.
    #[arg(long)]
    pub update: bool,
}
