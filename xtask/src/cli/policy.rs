//! `lambda-policy`: its flags.

use clap::Args;

use super::{help, twins::or_default};
use crate::{
    env::Env,
    names::{Region, StackName},
    policy::Holder,
};

/// Flags of `lambda-policy`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::HINT, after_long_help = help::after("lambda-policy"))]
pub struct PolicyArgs {
    /// The account, 12 digits [default: any, as *].
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The region of the runs [default: us-east-1].
    ///
    /// [env: AWS_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// The one stack name that runs will use.
    ///
    /// Without it the policy is for the names that runs make up.
    #[arg(long, value_name = "NAME")]
    pub stack_name: Option<StackName>,
}

impl PolicyArgs {
    /// Whose policy is asked for.
    ///
    /// # Errors
    /// When the environment names something that is no region.
    pub fn holder(&self, env: &Env) -> anyhow::Result<Holder> {
        Ok(Holder {
            account: self.account.clone(),
            region: or_default(self.region.clone(), env, "AWS_REGION", "us-east-1")?,
            stack: self.stack_name.clone(),
        })
    }
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not an account id (12 digits)")),
    }
}
