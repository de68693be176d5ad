//! Smoke runs on a simulated AWS, each with a mix of its own: every run ends green or
//! with the right exit code, and nothing is left.

use std::{
    env,
    fmt::Write as _,
    process::Child,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{
    Simulator,
    mix::{Event, Mix},
    stack::REASON,
};
use crate::{
    emulator::Emulator,
    python::listing,
    repository::Repository,
    run::{Runner, finish, run, side_by_side},
};

/// Names other seeds than those of `cargo test`, such as `1-100`.
const SEEDS: &str = "SIMULATED_SEEDS";

#[test]
fn runs_on_a_simulated_aws_end_green_or_with_the_right_exit_code_and_leave_nothing() {
    let seeds = env::var(SEEDS).map_or_else(|_| one_of_each_kind(), |text| parsed(&text));
    let repository = Repository::new(json!({}));
    let lines = side_by_side(&seeds, |seed| simulated(&repository, *seed));
    let table: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
    println!("\n| seed | mix | calls | met | exit | s | left |\n|---|---|---|---|---|---|---|\n{}", table.join("\n"));
    let wrong: Vec<&String> = lines.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} runs are wrong:\n{wrong:#?}", wrong.len());
}

/// No run takes so long, unless it hangs.
const TOO_LONG: Duration = Duration::from_secs(300);

/// How a child ended; one that takes longer than `limit` is killed.
fn within(limit: Duration, child: Child) -> (Option<i32>, String) {
    let pid = Pid::from_child(&child);
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        if ended.recv_timeout(limit).is_err() {
            let _ = kill_process(pid, Signal::TERM);
        }
    });
    let reported = finish(child);
    let _ = done.send(());
    reported
}

/// The first seed of each event.
fn one_of_each_kind() -> Vec<u64> {
    let mut kinds = Vec::new();
    let new = |seed: &u64| {
        let kind = std::mem::discriminant(&Mix::of(*seed).event);
        let is_new = !kinds.contains(&kind);
        kinds.push(kind);
        is_new
    };
    (1..500).filter(new).collect()
}

fn parsed(range: &str) -> Vec<u64> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    (first.parse().unwrap()..=last.parse().unwrap()).collect()
}

/// One run, and the teardown that finishes it where that takes one; its line in the table.
fn simulated(repository: &Repository, seed: u64) -> (String, Result<(), String>) {
    let mix = Mix::of(seed);
    let emulator = Emulator::start();
    let before = listing(&emulator);
    let simulator = Simulator::new(&emulator.endpoint, mix.clone());
    let runner = Runner::new(repository, &simulator.endpoint);
    let started = Instant::now();
    let (code, reported) = within(TOO_LONG, runner.smoke(&["--stack-name", "simulated"]).spawn().unwrap());
    let took = started.elapsed();
    let mut wrong = Vec::new();
    let code = code.unwrap_or(-1);
    if env::var_os("SIMULATED_TOLD").is_some() {
        println!("{reported}");
    }
    if let Err(why) = judged(&mix, &simulator, code, &reported, &runner) {
        wrong.push(why);
    }
    if matches!(mix.event, Event::Expires(_)) && code > 1 {
        simulator.renew();
        let (code, reported) = run(runner.teardown(&["simulated"]));
        if code != Some(0) {
            wrong.push(format!("lambda-teardown ended with {code:?}:\n{reported}"));
        }
    }
    let after = listing(&emulator);
    let left = after.iter().filter(|line| !before.contains(line)).count();
    if after != before {
        wrong.push(format!("left: {after:#?}"));
    }
    let met = simulator.met().into_iter().fold(String::new(), |mut met, (what, times)| {
        let comma = if met.is_empty() { "" } else { ", " };
        let _ = write!(met, "{comma}{what} {times}");
        met
    });
    let line =
        format!("| {seed} | {mix} | {} | {met} | {code} | {:.0} | {left} |", simulator.calls(), took.as_secs_f64());
    println!("{line}");
    let result = if wrong.is_empty() { Ok(()) } else { Err(format!("{line}\n{}\n{reported}", wrong.join("\n"))) };
    (line, result)
}

/// Whether a run ended as it should.
fn judged(mix: &Mix, simulator: &Simulator, code: i32, reported: &str, runner: &Runner<'_>) -> Result<(), String> {
    let expect = |codes: &[i32], words: &[&str]| {
        let missing: Vec<&&str> = words.iter().filter(|word| !reported.contains(**word)).collect();
        match codes.contains(&code) && missing.is_empty() {
            true => Ok(()),
            false => Err(format!("ended with {code}, not one of {codes:?}, or does not say {missing:?}")),
        }
    };
    // sam's calls that can't be made twice, and whose answer it never got.
    let deploy_is_lost =
        simulator.lost().iter().any(|call| ["CreateChangeSet", "ExecuteChangeSet"].contains(&call.as_str()));
    match mix.event {
        Event::ClockOff(_) => expect(&[1], &["clock"]),
        Event::Expires(_) if code == 1 => expect(&[1], &["expired", "renew them", "nothing was created"]),
        Event::Expires(_) if simulator.met().contains_key("expired") => {
            expect(&[3, 4, 7], &["expired", "renew them", "lambda-teardown simulated"])
        }
        Event::RollsBack if simulator.stack_was_executed() && deploy_is_lost => expect(&[3], &[]),
        Event::RollsBack if simulator.stack_was_executed() => expect(&[3], &[REASON]),
        _ if code == 3 && deploy_is_lost => Ok(()),
        _ => {
            expect(&[0], &["PASS  1 of 1 renders match the baseline; clean-up verified"])?;
            let outcome = runner.json("run.json")["verdict"]["outcome"].clone();
            if outcome == "pass" { Ok(()) } else { Err(format!("run.json says {outcome}")) }
        }
    }
}
