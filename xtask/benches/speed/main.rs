//! How long a smoke takes apart from its executions, and how long the same steps take one
//! after the other with the AWS CLI: on one embedded AWS, in turns, with one ZIP.
//!
//!     cargo bench --profile dev --bench speed
//!
//! Needs `aws` and `jq` on PATH, next to what `cargo xtask setup` provisions.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a panic is how a benchmark says what it met")]
#![expect(clippy::print_stdout, reason = "it prints a table")]

mod latency;
#[expect(dead_code, reason = "other benchmarks use more of it")]
#[path = "../printed/mod.rs"]
mod printed;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use printed::{Printed, median};
use serde_json::Value;
use xtask::{local::provisioning::Toolbox, project::repo::tool_root};

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

/// How often each is done.
const ROUNDS: usize = 3;

/// A round trip to a region that is not around the corner.
const DISTANT: Duration = Duration::from_millis(80);

fn main() {
    assert!(Command::new(XTASK).arg("setup").status().unwrap().success(), "cargo xtask setup failed");
    for program in ["aws", "jq"] {
        let there = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        assert!(there.is_ok_and(|status| status.success()), "{program} is not on PATH: the peer needs it");
    }
    let world = World::start();
    // Builds the ZIP, and fills what is kept from run to run.
    world.smoke(&world.endpoint, &["--chunk-counts", "2"]);
    let mut printed = Printed::new();
    let near = world.turns(&world.endpoint, ROUNDS);
    near.add_to(&mut printed, "a smoke at 2 and 4 chunks, without its executions", 0.12);
    let proxy = latency::proxy(world.endpoint.trim_start_matches("http://"), DISTANT);
    let far = world.turns(&format!("http://{proxy}"), 1);
    far.add_to(&mut printed, &format!("the same with round trips of {} ms", DISTANT.as_millis()), 0.25);
    printed.print("speed");

    let last = near.runs.last().unwrap();
    println!("\nstages of the last run on this machine, ms: {}", last.stages);
    println!("from an execution's end to our noticing it, ms: {:?}", near.lags());
    let unchanged = world.smoke(&world.endpoint, &["--chunk-counts", "2"]);
    println!("build stage of an unchanged ZIP, ms: {}", unchanged.stage("build"));
}

/// An embedded AWS, and a folder for everything that runs leave.
struct World {
    aws: Child,
    endpoint: String,
    dir: tempfile::TempDir,
}

/// One smoke of ours.
struct Run {
    wall_ms: u64,
    executions_ms: u64,
    lags_ms: Vec<u64>,
    stages: Value,
}

/// Both, in turns.
struct Turns {
    /// What each round of the peer took apart from its executions, ms.
    peer_ms: Vec<u64>,
    runs: Vec<Run>,
}

impl World {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready.json");
        let mut command = Command::new(XTASK);
        command.arg("local-aws").arg("--ready-file").arg(&ready).stdout(Stdio::null()).stderr(Stdio::null());
        let aws = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !ready.is_file() {
            assert!(Instant::now() < deadline, "the embedded AWS did not start");
            sleep(Duration::from_millis(50));
        }
        let reported: Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
        Self { aws, endpoint: reported["endpoint"].as_str().unwrap().to_owned(), dir }
    }

    fn turns(&self, endpoint: &str, rounds: usize) -> Turns {
        let mut turns = Turns { peer_ms: Vec::new(), runs: Vec::new() };
        for round in 0..rounds {
            turns.peer_ms.push(self.peer(endpoint, round));
            turns.runs.push(self.smoke(endpoint, &["--chunk-counts", "2,4", "--skip-build"]));
        }
        turns
    }

    /// The time that a round of the peer takes apart from its executions, ms.
    fn peer(&self, endpoint: &str, round: usize) -> u64 {
        let root = tool_root();
        let started = Instant::now();
        let output = Command::new("bash")
            .arg(root.join("xtask/benches/speed/peer.sh"))
            .arg(endpoint)
            .args([root.join("examples/aws-lambda/template.yaml"), root.join("fixtures/mp4-h264-sdr")])
            .arg(format!("peer-{}-{round}", endpoint.rsplit(':').next().unwrap()))
            .args(["2", "4"])
            .env("PATH", path())
            .env("__SAM_CLI_APP_DIR", Toolbox::of_repository().sam_home())
            .output()
            .unwrap();
        let wall = ms(started);
        assert!(output.status.success(), "the peer: {}", String::from_utf8_lossy(&output.stderr));
        let reported = String::from_utf8(output.stdout).unwrap();
        wall - reported.trim().lines().last().unwrap().parse::<u64>().unwrap()
    }

    fn smoke(&self, endpoint: &str, args: &[&str]) -> Run {
        let artifacts = self.dir.path().join("artifacts");
        let started = Instant::now();
        let output = Command::new(XTASK)
            .args(["lambda-smoke", "--endpoint-url", endpoint, "--artifacts"])
            .arg(&artifacts)
            .args(args)
            .env("HYPERFRAMES_REPO_ROOT", tool_root())
            .env("HYPERFRAMES_STATE_DIR", self.dir.path().join("state"))
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"))
            .output()
            .unwrap();
        let wall_ms = ms(started);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Run::read(&artifacts, wall_ms)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.aws);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.aws.wait();
    }
}

impl Run {
    fn read(artifacts: &Path, wall_ms: u64) -> Self {
        let json = |name: &str| -> Value { serde_json::from_slice(&fs::read(artifacts.join(name)).unwrap()).unwrap() };
        let (rows, run) = (json("results.json"), json("run.json"));
        let rows = rows.as_array().unwrap();
        let of = |row: &Value, key: &str| row[key].as_u64().unwrap();
        let stages = run["stages"].as_array().unwrap();
        let stage = |stage: &Value| (stage["stage"].as_str().unwrap().to_owned(), stage["ms"].clone());
        Self {
            wall_ms,
            executions_ms: rows.iter().map(|row| of(row, "wallClockMs")).sum(),
            lags_ms: rows.iter().map(|row| of(row, "clientWallMs").saturating_sub(of(row, "wallClockMs"))).collect(),
            stages: stages.iter().map(stage).collect(),
        }
    }

    fn overhead_ms(&self) -> u64 {
        self.wall_ms - self.executions_ms
    }

    fn stage(&self, name: &str) -> u64 {
        self.stages[name].as_u64().unwrap()
    }
}

impl Turns {
    fn add_to(&self, printed: &mut Printed, what: &str, target: f64) {
        let seconds = |ms: Vec<u64>| median(&ms.into_iter().map(|ms| ms as f64 / 1000.0).collect::<Vec<_>>());
        let (ours, peer) = (seconds(self.runs.iter().map(Run::overhead_ms).collect()), seconds(self.peer_ms.clone()));
        let [measured, of_peer] = [ours, peer].map(|seconds| format!("{seconds:.1} s"));
        let ratio = ours / peer;
        let limit = format!("<= {target} of the same steps in sequence");
        printed.add(what, &limit, &measured, &of_peer, ratio, Some(ratio <= target));
    }

    fn lags(&self) -> Vec<u64> {
        self.runs.iter().flat_map(|run| run.lags_ms.clone()).collect()
    }
}

fn ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).expect("no run takes that long")
}

/// The provisioned tools before others.
fn path() -> std::ffi::OsString {
    let own: Vec<PathBuf> = vec![Toolbox::of_repository().bin()];
    let given = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.into_iter().chain(std::env::split_paths(&given))).unwrap()
}
