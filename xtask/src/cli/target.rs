//! Which AWS: the flags that all commands share.

use clap::Args;

use crate::{
    aws::{TargetChoice, access::parse_endpoint},
    env::Env,
    names::{Profile, Region},
};

/// Flags for the target.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// Use the embedded AWS, without an account [Linux x86-64].
    ///
    /// A real emulator, the real sam and real Chromium on this machine.
    #[arg(long, help_heading = "Target", conflicts_with_all = ["endpoint_url", "profile"])]
    pub local: bool,
    /// Use a running emulator, such as `cargo xtask local-aws`.
    #[arg(long, value_name = "URL", help_heading = "Target", conflicts_with = "profile", value_parser = parse_endpoint)]
    pub endpoint_url: Option<String>,
    /// AWS region [default: us-east-1].
    ///
    /// [env: AWS_REGION]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    pub region: Option<Region>,
    /// AWS profile.
    ///
    /// [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub profile: Option<Profile>,
}

impl TargetArgs {
    /// The target that was asked for.
    pub fn choice(&self) -> TargetChoice {
        match (&self.endpoint_url, self.local) {
            (Some(url), _) => TargetChoice::Endpoint(url.clone()),
            (None, true) => TargetChoice::Local,
            (None, false) => TargetChoice::Account(self.profile.clone()),
        }
    }

    /// The region: the flag's, the environment's, or us-east-1.
    ///
    /// # Errors
    /// When the environment names something that is no region.
    pub fn region(&self, env: &Env) -> anyhow::Result<Region> {
        super::twins::or_default(self.region.clone(), env, "AWS_REGION", "us-east-1")
    }
}
