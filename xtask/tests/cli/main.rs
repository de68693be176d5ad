//! The command line: its help, and what it refuses before anything happens.

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod doctor;
mod help;
mod refusals;
mod repositories;
#[path = "../support/mod.rs"]
mod support;

/// All commands, and none of them.
const COMMANDS: &str = ",lambda-smoke,lambda-eval,lambda-ab,lambda-teardown,lambda-baseline,lambda-compare,\
                        lambda-doctor,lambda-policy,lambda-report,lambda-history,local-aws,setup,completions";
