//! The tool is killed at every stage; then the account must be, or be made, as before.

use std::{
    io::{BufRead, BufReader},
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    ages::AGES,
    emulator::{Emulator, provision},
    proxy::{Fault, Proxy},
    python::listing,
    repository::Repository,
    run::{Runner, finish, run, side_by_side},
};

/// Each stage, and the call during which it is.
const STAGES: [(&str, &str); 9] = [
    ("bucket creation", "CreateBucket"),
    ("after bucket creation", "PutPublicAccessBlock"),
    ("stack creation", "CreateChangeSet"),
    ("during sam deploy", "ExecuteChangeSet"),
    ("after deploy", "PutObject"),
    ("during an execution", "DescribeExecution"),
    ("during download", "GetObject"),
    ("during purge", "DeleteObjects"),
    ("during stack deletion", "DeleteStack"),
];

#[test]
fn sigkill_leaves_nothing_that_lambda_teardown_does_not_remove() {
    kill_at_each_stage(Signal::KILL);
}

/// CloudFormation names the buckets of checkouts' templates, and Lambda makes log groups of their functions.
#[test]
fn sigkill_in_a_checkout_of_any_age_leaves_nothing_either() {
    let repositories = AGES.map(|(age, ..)| (age, Repository::checkout(age, json!({"chunkMs": 1500}))));
    let operations = ["ExecuteChangeSet", "DescribeExecution", "DeleteStack", "DeleteLogGroup"];
    let moments = repositories
        .each_ref()
        .map(|(stage, repository)| operations.map(|operation| Moment { repository, stage, operation }));
    kill_at(moments.as_flattened(), Signal::KILL);
}

#[test]
fn sigint_leaves_nothing() {
    kill_at_each_stage(Signal::INT);
}

#[test]
fn sigterm_leaves_nothing() {
    kill_at_each_stage(Signal::TERM);
}

/// In a repository of this project's layout, whose chunks take their time.
fn kill_at_each_stage(signal: Signal) {
    let repository = &Repository::new(json!({"chunkMs": 1500}));
    kill_at(&STAGES.map(|(stage, operation)| Moment { repository, stage, operation }), signal);
}

/// Where a run is killed.
struct Moment<'a> {
    repository: &'a Repository,
    /// What the table calls it.
    stage: &'static str,
    /// The call during which it is.
    operation: &'static str,
}

/// Kills one run at each moment, all on one emulator, and prints stage x signal -> leaks.
fn kill_at(moments: &[Moment<'_>], signal: Signal) {
    let emulator = Emulator::start();
    let before = listing(&emulator);
    let named: Vec<_> = moments.iter().enumerate().map(|(nth, moment)| (moment, format!("killed-{nth:02}"))).collect();
    let ended = side_by_side(&named, |(moment, stack)| kill_one(&emulator, moment, stack, signal));
    let after = listing(&emulator);
    let mut failures = Vec::new();
    for ((Moment { stage, operation, .. }, stack), ended) in named.iter().zip(ended) {
        let leaks: Vec<&String> = after.iter().filter(|line| line.contains(stack)).collect();
        println!("{signal:?} {stage:<22} {operation:<22} -> {} leaks", leaks.len());
        match ended {
            Ok(_) if leaks.is_empty() => {}
            Ok(reported) | Err(reported) => failures.push(format!("{signal:?} {stage}: {leaks:?}\n{reported}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert_eq!(after, before);
}

/// Runs a smoke that gets `signal` at a moment; after SIGKILL, the one command that finishes it. What that printed, or
/// what was wrong.
fn kill_one(emulator: &Emulator, moment: &Moment<'_>, stack: &str, signal: Signal) -> Result<String, String> {
    let operation = moment.operation;
    let proxy = Proxy::new(&emulator.endpoint);
    let runner = Runner::new(moment.repository, &proxy.endpoint);
    proxy.at(operation, 1, Fault::Signal(signal));
    let child = runner.smoke(&["--stack-name", stack]).spawn().unwrap();
    proxy.watch(child.id());
    let (code, reported) = finish(child);
    if !proxy.unmet().is_empty() {
        return Err(format!("{operation} was never called:\n{reported}"));
    }
    if signal == Signal::KILL {
        // The call that was on its way arrives sooner than anyone can type the command.
        sleep(Duration::from_secs(1));
        let (code, reported) = run(runner.teardown(&[stack]));
        return if code == Some(0) {
            Ok(reported)
        } else {
            Err(format!("lambda-teardown ended with {code:?}:\n{reported}"))
        };
    }
    let expected = Some(128 + signal.as_raw());
    if code == expected { Ok(reported) } else { Err(format!("ended with {code:?}, not {expected:?}:\n{reported}")) }
}

#[test]
fn a_second_signal_prints_the_command_that_finishes_the_clean_up() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"chunkMs": 1500}));
    let before = listing(&emulator);
    let proxy = Proxy::new(&emulator.endpoint);
    let runner = Runner::new(&repository, &proxy.endpoint);
    proxy.at("DescribeExecution", 1, Fault::Signal(Signal::INT));
    proxy.at("DeleteStack", 1, Fault::Signal(Signal::INT));
    let child = runner.smoke(&["--stack-name", "twice"]).spawn().unwrap();
    proxy.watch(child.id());
    let (code, reported) = finish(child);
    assert_eq!(code, Some(130), "{reported}");
    assert!(reported.contains("finish the clean-up with: cargo xtask lambda-teardown twice"), "{reported}");

    let (_, reported) = run(runner.smoke(&["--chunk-size", "0"]));
    assert!(!reported.contains("did not clean up"), "a wrong flag is reported alone:\n{reported}");
    let (code, reported) = run(runner.finish_all());
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
    let (code, reported) = run(runner.teardown(&["twice"]));
    assert_eq!(code, Some(0), "{reported}");
    assert!(reported.contains("nothing is left of twice"), "{reported}");
}

/// Reads what a run prints until a line has `text`, and gives that line.
fn until(run: &mut Child, text: &str) -> String {
    let mut lines = BufReader::new(run.stderr.as_mut().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text:?} was not printed"))
}

/// The emulator that a run started.
fn emulator_of(run: &Child) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).unwrap();
    let is_launcher =
        |pid: &&str| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().contains("launch.py");
    let pid = children.split_whitespace().find(is_launcher).expect("an emulator runs");
    Pid::from_raw(pid.parse().unwrap()).unwrap()
}

#[test]
fn an_emulator_that_dies_ends_its_run_within_seconds() {
    provision();
    let repository = Repository::new(json!({"chunkMs": 60_000}));
    let runner = Runner::new(&repository, "");
    let mut child = runner.smoke_locally().spawn().unwrap();
    until(&mut child, "render    N=2");
    kill_process(emulator_of(&child), Signal::KILL).unwrap();
    let killed = Instant::now();
    let error = until(&mut child, "error: ");
    assert!(error.contains("the embedded AWS ended by itself (signal: 9 (SIGKILL))"), "{error}");
    let (code, reported) = finish(child);
    assert_eq!(code, Some(4), "{reported}");
    assert!(reported.contains("nothing is left, because the embedded AWS has ended"), "{reported}");
    assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());
}

#[test]
fn an_endpoint_that_goes_away_ends_its_run_within_about_a_minute() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"chunkMs": 240_000}));
    let proxy = Proxy::new(&emulator.endpoint);
    proxy.at("DescribeExecution", 1, Fault::Signal(Signal::CONT));
    let runner = Runner::new(&repository, &proxy.endpoint);
    let mut child = runner.smoke(&[]).spawn().unwrap();
    proxy.watch(child.id());
    until(&mut child, "render    N=2");
    while !proxy.unmet().is_empty() {
        sleep(Duration::from_millis(50));
    }
    drop(emulator);
    let gone = Instant::now();
    let error = until(&mut child, "error: ");
    assert!(error.contains(" has not answered for "), "{error}");
    assert!(gone.elapsed() < Duration::from_secs(110), "{:?}", gone.elapsed());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_next_run_mentions_an_unfinished_one() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let proxy = Proxy::new(&emulator.endpoint);
    let runner = Runner::new(&repository, &proxy.endpoint);
    proxy.at("StartExecution", 1, Fault::Signal(Signal::KILL));
    let child = runner.smoke(&["--stack-name", "lost"]).spawn().unwrap();
    proxy.watch(child.id());
    finish(child);
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(0), "{reported}");
    assert!(reported.contains("did not clean up; finish it with: cargo xtask lambda-teardown lost"), "{reported}");
    assert_eq!(run(runner.teardown(&["lost"])).0, Some(0));
}

#[test]
fn throttling_refused_keys_and_lost_connections_are_survived_in_every_phase() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let before = listing(&emulator);
    let faults = [Fault::SlowDown, Fault::Reset];
    side_by_side(&faults, |fault| {
        let proxy = Proxy::new(&emulator.endpoint);
        for operation in [
            "GetCallerIdentity",
            "CreateBucket",
            "PutBucketTagging",
            "StartExecution",
            "DescribeExecution",
            "GetExecutionHistory",
            "GetObject",
            "PutObject",
            "ListObjectVersions",
            "DeleteObjects",
            "DeleteBucket",
            "HeadBucket",
        ] {
            proxy.at(operation, 2, *fault);
        }
        proxy.at("DeleteObjects", 1, Fault::KeyError("SlowDown"));
        proxy.at("DeleteObjects", 1, Fault::KeyError("InternalError"));
        proxy.at("GetObject", 2, Fault::Truncate);
        let (code, reported) = run(Runner::new(&repository, &proxy.endpoint).smoke(&[]));
        assert_eq!(code, Some(0), "{reported}");
        assert_eq!(proxy.unmet(), Vec::<&str>::new(), "these faults were not met:\n{reported}");
    });
    assert_eq!(listing(&emulator), before);
}

#[test]
fn a_key_that_may_not_be_deleted_is_a_leak_with_the_command_to_finish() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let before = listing(&emulator);
    let proxy = Proxy::new(&emulator.endpoint);
    let runner = Runner::new(&repository, &proxy.endpoint);
    // Once in each of the three tries.
    proxy.at("DeleteObjects", 3, Fault::KeyError("AccessDenied"));
    let (code, reported) = run(runner.smoke(&["--stack-name", "denied"]));
    assert_eq!(code, Some(7), "{reported}");
    assert!(reported.contains("AccessDenied") && reported.contains("lambda-teardown denied"), "{reported}");
    let (code, reported) = run(runner.teardown(&["denied"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
    assert!(proxy.calls("DeleteObjects") > 1);
}
