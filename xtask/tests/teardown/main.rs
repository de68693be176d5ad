//! `lambda-teardown`: what it deletes, what it refuses, and what it proves.

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::print_stdout, reason = "counts that `cargo test -- --nocapture` shows")]
#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod attacks;
mod deletion;
mod foreign;
mod ownership;
mod places;
#[path = "../support/mod.rs"]
mod support;

use rustix::process::Signal;
use support::{
    FOREIGN, STACK, Test,
    fake_aws::{End, Fault},
};

/// A world in which a run on `STACK` was killed in the middle of its execution.
fn killed() -> Test {
    let test = Test::new();
    kill_one(&test, STACK);
    test
}

/// Kills one more run, on `stack`, as soon as its execution has started.
fn kill_one(test: &Test, stack: &str) {
    test.aws.account().renders.usual.end = End::Never;
    test.aws.faults().add("StartExecution", 1..=1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&["--stack-name", stack]).status, None);
    test.render_ends();
}

/// A world in which a run was killed when it had locked the name, and had no stack yet.
fn locked() -> Test {
    let test = Test::new().fault("PutPublicAccessBlock", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    assert!(left(&test).len() == 1 && left(&test)[0].starts_with("bucket hyperframes-smoke-"));
    test
}

/// What the account holds beyond what it always holds.
fn left(test: &Test) -> Vec<String> {
    test.aws.account().listing().into_iter().filter(|line| !FOREIGN.contains(&line.as_str())).collect()
}
