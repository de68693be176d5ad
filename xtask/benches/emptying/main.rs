//! How fast a bucket of 100,000 versions and delete markers is emptied, against scripts
//! that list a page, delete it, and so on.
//!
//!     cargo bench --profile dev --bench emptying
//!
//! The bucket is the embedded AWS's, one Python process that lists and deletes by turns; both
//! sides work on it one after the other, three times. The emulator alone is shown too: its
//! delete calls with nothing between them are what neither side can pass.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a panic is how a benchmark says what it met")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/embedded/emulator.rs"]
mod emulator;
#[path = "../printed/mod.rs"]
mod printed;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/embedded/python.rs"]
mod python;

use std::{fs, time::Instant};

use emulator::Emulator;
use printed::{Printed, Whose, cpu_s, median, peak_kib};
use python::python;
use xtask::{
    aws::{
        access::{Access, Target},
        clients::Clients,
        emptying,
    },
    console::Console,
    tools::env::Env,
};

/// Versions and delete markers of a bucket.
const COUNT: u64 = 100_000;

const ROUNDS: usize = 3;

/// Objects a second of each side in one round, and what memory grew by, KiB.
struct Round {
    ours: f64,
    sequential: f64,
    limit: f64,
    grown_kib: u64,
    cpu_s: f64,
}

fn main() {
    let rounds: Vec<Round> = (0..ROUNDS).map(round).collect();
    let of = |figure: fn(&Round) -> f64| median(&rounds.iter().map(figure).collect::<Vec<f64>>());
    let (ours, sequential, limit) = (of(|r| r.ours), of(|r| r.sequential), of(|r| r.limit));
    let ratio = of(|r| r.ours / r.sequential);
    let grown = rounds.iter().map(|round| round.grown_kib).max().unwrap_or(0) as f64 / 1024.0;
    let mut printed = Printed::new();
    printed.add(
        "emptying, objects/s",
        ">= 3 x sequential",
        &format!("{ours:.0}"),
        &format!("{sequential:.0}"),
        ratio,
        Some(ratio >= 3.0),
    );
    printed.add(
        "  of the emulator's delete calls",
        "",
        &format!("{ours:.0}"),
        &format!("{limit:.0}"),
        of(|r| r.ours / r.limit),
        None,
    );
    let file_of_names = COUNT as f64 * 100.0 / 1024.0 / 1024.0;
    printed.add(
        "  memory, MiB (names alone)",
        "flat",
        &format!("{grown:.1}"),
        &format!("{file_of_names:.1}"),
        grown / file_of_names,
        Some(grown < file_of_names),
    );
    printed.print("emptying");
    let each: Vec<String> = rounds.iter().map(|r| format!("{:.2}", r.ours / r.sequential)).collect();
    println!("ratios of the rounds: {}; own processor time {:.1} s", each.join(", "), of(|r| r.cpu_s));
}

/// Fills a bucket for each side of an emulator of its own, and has them emptied.
fn round(nth: usize) -> Round {
    let emulator = Emulator::start();
    for bucket in ["ours", "sequential", "limit"] {
        python(&emulator, include_str!("../../tests/embedded/fill_bucket.py"), &[bucket, &COUNT.to_string()]);
    }
    let rate = |script, bucket| {
        let reported = python(&emulator, script, &[bucket]).join("");
        let (total, seconds) = reported.split_once(' ').unwrap();
        assert_eq!(total.parse::<u64>().unwrap(), COUNT);
        COUNT as f64 / seconds.parse::<f64>().unwrap()
    };
    let sequential = || rate(include_str!("sequential.py"), "sequential");
    // Who is first changes from round to round.
    let before = (nth % 2 == 1).then(sequential);
    let (ours, grown_kib, cpu_s) = ours(&emulator);
    let sequential = before.unwrap_or_else(sequential);
    Round { ours, sequential, limit: rate(include_str!("limit.py"), "limit"), grown_kib, cpu_s }
}

fn ours(emulator: &Emulator) -> (f64, u64, f64) {
    let target = Target::Endpoint { url: emulator.endpoint.clone(), configured: None };
    let access = Access::new(target, "us-east-1".parse().unwrap(), &Env::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clients = runtime.block_on(Clients::new(&access, &Console::default()));
    // Resets the mark of the most memory that was resident to what is.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (resident, cpu, started) = (peak_kib("self").unwrap(), cpu_s(Whose::Own), Instant::now());
    let emptied = runtime.block_on(emptying::empty(&clients, "ours", async || Ok(()), &|_| ())).unwrap();
    let took = started.elapsed().as_secs_f64();
    assert_eq!(emptied.versions, COUNT);
    (COUNT as f64 / took, peak_kib("self").unwrap() - resident, cpu_s(Whose::Own) - cpu)
}
