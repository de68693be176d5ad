//! Everything that is in an account, as sorted lines: what a leak would add to.

use std::process::Command;

use crate::emulator::{Emulator, provision};

/// Lists stacks, buckets, state machines, functions, log groups, roles and alarms.
pub(crate) fn listing(emulator: &Emulator) -> Vec<String> {
    python(emulator, include_str!("list_account.py"), &[])
}

/// Runs a boto3 script against the emulator; its lines of output.
pub(crate) fn python(emulator: &Emulator, script: &str, args: &[&str]) -> Vec<String> {
    python_at(&emulator.endpoint, script, args)
}

/// The same by the address.
pub(crate) fn python_at(endpoint: &str, script: &str, args: &[&str]) -> Vec<String> {
    provision();
    let output = Command::new(xtask::local::provisioning::Toolbox::of_repository().python())
        .args(["-c", script])
        .args(args)
        .env("AWS_ENDPOINT_URL", endpoint)
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
