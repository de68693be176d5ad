//! Who the credentials belong to.

use anyhow::anyhow;
use aws_sdk_sts::error::DisplayErrorContext;
use serde::Serialize;

use super::{Access, Clients, Target};

/// The account behind the credentials. No secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The 12-digit account number.
    pub account: String,
    /// The ARN of the user or role.
    pub arn: String,
}

/// Asks sts GetCallerIdentity.
///
/// # Errors
/// When there are no credentials, they are refused, or nobody answers; the
/// message says which and what to do.
pub async fn caller(access: &Access, clients: &Clients) -> anyhow::Result<Identity> {
    let answer = clients.sts.get_caller_identity().send().await.map_err(|error| {
        let shown = DisplayErrorContext(&error).to_string();
        anyhow!("{}", advice(&access.target, &super::faults::of(&error), &first_sentence(&shown)))
    })?;
    Ok(Identity {
        account: answer.account().unwrap_or_default().to_owned(),
        arn: answer.arn().unwrap_or_default().to_owned(),
    })
}

fn advice(target: &Target, fault: &super::faults::Fault, shown: &str) -> String {
    use super::faults::Fault;
    match (target, fault) {
        (Target::Account { profile: Some(profile) }, Fault::Credentials) => format!(
            "no usable AWS credentials in profile {profile}: {shown}; try `aws sso login --profile {profile}`, \
             another --profile, or --local, which needs no account"
        ),
        (Target::Account { profile: None }, Fault::Credentials) => format!(
            "no usable AWS credentials: {shown}; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
             run `aws sso login`, or use --local, which needs no account"
        ),
        (Target::Account { .. }, _) => format!("sts GetCallerIdentity failed: {shown}"),
        (Target::Endpoint { url } | Target::Embedded { url }, Fault::Transient) => {
            format!("nothing answers at {url}: {shown}; is the emulator running (`cargo xtask local-aws`)?")
        }
        (Target::Endpoint { url } | Target::Embedded { url }, _) => {
            format!("{url} refused sts GetCallerIdentity: {shown}")
        }
    }
}

/// The SDK's error context goes on with a dump of the whole response.
fn first_sentence(shown: &str) -> String {
    let end = shown.find(" (").map_or(shown.len(), |i| i);
    shown[..end].trim().to_owned()
}
