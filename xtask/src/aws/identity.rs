//! Who the credentials belong to.

use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use aws_config::retry::RetryConfig;
use serde::Serialize;

use crate::aws::{
    access::{Access, Target},
    clients::Clients,
    faults::{self, Fault, clock_remedy},
    region::{Profile, Region},
};

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
    let answer = clients.sts.get_caller_identity().customize().config_override(patience(&access.target)).send().await;
    let answer = answer.map_err(|error| {
        let fault = faults::of(&error);
        let reported = faults::reported(&error);
        anyhow!("{}{}", advice(access, fault, &reported), hint(&access.region, &reported))
    })?;
    Ok(Identity {
        account: answer.account().context("sts GetCallerIdentity returned no account")?.to_owned(),
        arn: answer.arn().context("sts GetCallerIdentity returned no ARN")?.to_owned(),
    })
}

/// Variables that name a source of credentials. They count where there are no keys in the environment.
const SOURCES: [&str; 3] =
    ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];

fn advice(access: &Access, fault: Fault, shown: &str) -> String {
    let target = &access.target;
    let has_keys = access.env.get("AWS_ACCESS_KEY_ID").is_some();
    let source = SOURCES.iter().find(|name| !has_keys && access.env.get(name).is_some());
    let source = source.map(|name| format!(" ({name} is set)")).unwrap_or_default();
    let of_chain = target.has_keys_of_the_chain();
    match (target, fault) {
        (_, Fault::Credentials) if of_chain && target.profile().is_some() => with_profile(target, shown),
        (_, Fault::Credentials) if of_chain => format!(
            "no usable AWS credentials{source}: {shown}; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
             run `aws sso login`, or use --local, which needs no account"
        ),
        (_, Fault::Clock) => {
            format!("sts GetCallerIdentity failed: {shown}; {}", clock_remedy(shown, SystemTime::now()))
        }
        (_, Fault::Network) => format!("sts GetCallerIdentity got no answer: {shown}"),
        (Target::Account { .. }, _) => format!("sts GetCallerIdentity failed: {shown}"),
        (Target::Endpoint { url, .. } | Target::Embedded { url }, Fault::Transient | Fault::Unanswered) => {
            format!("nothing answers at {url}: {shown}; is the emulator running (`cargo xtask local-aws`)?")
        }
        (Target::Endpoint { url, .. } | Target::Embedded { url }, _) => {
            format!("{url} refused sts GetCallerIdentity: {shown}")
        }
    }
}

/// Why a profile gives no keys that work, and what to do.
fn with_profile(target: &Target, shown: &str) -> String {
    let profile = target.profile().map(Profile::as_str).unwrap_or_default();
    let what = format!("no usable AWS credentials in profile {profile}: {shown}");
    if shown.contains("credentials-login") {
        return format!(
            "profile {profile} is a session of `aws login`, which only the AWS CLI can use: \
             eval \"$(aws configure export-credentials --profile {profile} --format env)\", then without --profile"
        );
    }
    if shown.contains("sts:AssumeRole") {
        return format!(
            "{what}; where the role wants MFA (mfa_serial), only the AWS CLI can ask for it: \
             eval \"$(aws configure export-credentials --profile {profile} --format env)\", then without --profile"
        );
    }
    format!("{what}; try `aws sso login --profile {profile}`, another --profile, or --local, which needs no account")
}

/// Another possible reason why valid keys were refused.
fn hint(region: &Region, reported: &str) -> String {
    // In a region that is not enabled for the account, STS does not know the account's keys.
    match reported.starts_with("InvalidClientTokenId") {
        true => format!("; or {region} is not enabled in the account"),
        false => String::new(),
    }
}

/// An emulator on this machine answers at once or not at all.
fn patience(target: &Target) -> aws_sdk_sts::config::Builder {
    let attempts = match target {
        Target::Account { .. } => 5,
        Target::Endpoint { .. } | Target::Embedded { .. } => 3,
    };
    let retry = RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(200));
    aws_sdk_sts::Config::builder().retry_config(retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_off_is_thought_of() {
        let region = "ap-east-1".parse().unwrap();
        let of = |reported| hint(&region, reported);
        assert!(
            of("InvalidClientTokenId: The security token included in the request is invalid.").contains("ap-east-1")
        );
        assert_eq!(of("ExpiredToken: The security token included in the request is expired"), "");
    }
}
