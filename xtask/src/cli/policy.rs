//! `lambda-policy`: its flags.

use clap::Args;

use super::help;
use crate::{
    names::{Region, StackName},
    policy::Holder,
};

/// Flags of `lambda-policy`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-policy"))]
pub struct PolicyOptions {
    /// The account, 12 digits [default: any, as *].
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The region of the runs.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", value_name = "REGION")]
    pub region: Region,
    /// The one stack name that runs will use.
    ///
    /// Without it the policy is for the names that runs make up.
    #[arg(long, value_name = "NAME")]
    pub stack_name: Option<StackName>,
}

impl PolicyOptions {
    /// Whose policy is asked for.
    pub fn holder(self) -> Holder {
        Holder { account: self.account, region: self.region, stack: self.stack_name }
    }
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not an account id (12 digits)")),
    }
}
