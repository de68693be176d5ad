//! Which AWS: the flags that commands share.

use clap::Args;

use crate::{
    aws::{TargetChoice, access::parse_endpoint},
    names::{Profile, Region},
};

/// Flags for an account or an emulator.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Target")]
pub struct AwsOptions {
    /// Use the embedded AWS, without an account [Linux x86-64].
    ///
    /// A real emulator, the real sam and real Chromium on this machine.
    #[arg(long, conflicts_with_all = ["endpoint_url", "profile"])]
    pub local: bool,
    /// Use a running emulator, such as `cargo xtask local-aws`.
    #[arg(long, value_name = "URL", conflicts_with = "profile", value_parser = parse_endpoint)]
    pub endpoint_url: Option<String>,
    /// AWS profile.
    ///
    /// [env: AWS_PROFILE]
    // The SDK and sam read the variable themselves; a flag has no need of it.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
}

/// Flags for an account or an emulator, and for the region there.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetOptions {
    /// The account or the emulator.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// AWS region.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", value_name = "REGION")]
    pub region: Region,
}

impl AwsOptions {
    /// The target that was asked for.
    pub fn choice(&self) -> TargetChoice {
        match (&self.endpoint_url, self.local) {
            (Some(url), _) => TargetChoice::Endpoint(url.clone()),
            (None, true) => TargetChoice::Local,
            (None, false) => TargetChoice::Account(self.profile.clone()),
        }
    }
}
