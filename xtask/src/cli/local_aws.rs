//! `local-aws`: the embedded AWS by itself.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

/// Flags of `local-aws`.
#[derive(Debug, Clone, Args)]
pub struct LocalAwsOptions {
    /// Write a JSON file with endpoint and pid when it answers.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// The port; the kernel chooses a free one without it.
    #[arg(long, value_name = "PORT", value_parser = parse_port)]
    pub port: Option<u16>,
    /// Enforce access keys and roles, as AWS does.
    #[arg(long)]
    pub enforce_iam: bool,
}

fn parse_port(text: &str) -> anyhow::Result<u16> {
    text.parse().ok().with_context(|| format!("{text:?} is not a port (a whole number, 0 to 65535)"))
}
