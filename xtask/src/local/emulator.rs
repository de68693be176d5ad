//! The embedded AWS of a local run: an emulator that lives as long as the run.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tokio::time::Instant;
use xshell::cmd;

use crate::{
    local::provisioning::Toolbox,
    project::repo::tool_root,
    tools::{children::Service, runner::Runner},
};

/// A running emulator. It watches the pipe to this process, and ends when
/// this process does, however that ends.
#[derive(Debug)]
pub struct EmbeddedAws {
    service: Service,
    scratch: Scratch,
    pub endpoint: String,
    pub pid: u32,
}

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A port of the caller's choice; else the kernel chooses.
    pub port: Option<u16>,
    /// Whether access keys and roles are enforced.
    pub enforce_iam: bool,
    /// How many functions run at once; the others queue.
    pub lambda_slots: Option<u32>,
}

const START_LIMIT: Duration = Duration::from_secs(60);

const STOP_LIMIT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Ready {
    endpoint: String,
    pid: u32,
}

impl EmbeddedAws {
    /// Starts an emulator and waits until it answers.
    ///
    /// # Errors
    /// When it ends at once or does not answer within a minute; the message has its log's tail.
    pub async fn start(toolbox: &Toolbox, options: &Options, runner: &Runner) -> anyhow::Result<Self> {
        let scratch = Scratch::new(&toolbox.scratch())?;
        let ready_file = scratch.dir.join("ready.json");
        let log_path = scratch.dir.join("emulator.log");
        let (python, launch, node) =
            (toolbox.python(), tool_root().join("xtask/embedded-aws/launch.py"), toolbox.bin().join("node"));
        let emulator = scratch.dir.join("emulator");
        let port = options.port.map(|port| format!("--port={port}"));
        let enforce_iam = options.enforce_iam.then_some("--enforce-iam");
        let lambda_slots = options.lambda_slots.map(|slots| format!("--lambda-slots={slots}"));
        let runner = runner.with_env(&runner.env.clone().with_path_first(&toolbox.bin()));
        let sh = &runner.sh;
        let launch = cmd!(
            sh,
            "{python} {launch} --ready-file {ready_file} --scratch {emulator} --node {node} --watch-stdin
                {port...} {enforce_iam...} {lambda_slots...}"
        );
        let service = runner.start(launch.env("PYTHONPYCACHEPREFIX", toolbox.bytecode()), &log_path);
        let mut service = service.context("the embedded AWS can't be started")?;
        let ready = wait_ready(&mut service, &ready_file, &log_path).await?;
        Ok(Self { service, scratch, endpoint: ready.endpoint, pid: ready.pid })
    }

    pub fn log(&self) -> PathBuf {
        self.scratch.dir.join("emulator.log")
    }

    /// Stops the emulator, its functions and their browsers, and removes their files.
    pub async fn stop(self) {
        let Self { service, scratch, .. } = self;
        service.stop(STOP_LIMIT).await;
        drop(scratch);
    }

    /// Why it is of no use any more, with the end of its log; `None` while it works.
    pub fn failure(&mut self) -> Option<String> {
        let status = match self.service.status() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => format!("{error:#}"),
        };
        Some(format!("the embedded AWS ended by itself ({status}); the end of its log:\n{}", tail(&self.log())))
    }

    /// Waits until the emulator has ended by itself.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        self.service.ended().await.context("the embedded AWS")
    }
}

async fn wait_ready(service: &mut Service, ready_file: &Path, log: &Path) -> anyhow::Result<Ready> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Ok(text) = fs::read(ready_file) {
            return serde_json::from_slice(&text).context("the embedded AWS's ready file");
        }
        if let Some(status) = service.status().context("the embedded AWS")? {
            bail!("the embedded AWS ended at its start ({status}):\n{}", tail(log));
        }
        ensure!(
            Instant::now() < deadline,
            "the embedded AWS does not answer after {} s:\n{}",
            START_LIMIT.as_secs(),
            tail(log)
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

fn tail(log: &Path) -> String {
    let mut text = String::new();
    let _ = File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A folder of one emulator, locked while its run lives. Folders that a killed
/// run left behind are removed at the next start.
#[derive(Debug)]
struct Scratch {
    dir: PathBuf,
    _lock: File,
}

impl Scratch {
    fn new(parent: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
        // One at a time: a folder that is not locked yet looks like one that was left behind.
        let starting = parent.join("starting");
        let starting = File::create(&starting).with_context(|| format!("{}", starting.display()))?;
        starting.lock().with_context(|| format!("locking {}", parent.display()))?;
        remove_stale(parent);
        let dir = tempfile::Builder::new().prefix("run-").tempdir_in(parent);
        let dir = dir.with_context(|| format!("a scratch folder in {}", parent.display()))?.keep();
        let lock = File::create(dir.join("lock")).with_context(|| format!("{}", dir.display()))?;
        lock.lock().with_context(|| format!("{}", dir.display()))?;
        Ok(Self { dir, _lock: lock })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let lock = File::open(entry.path().join("lock"));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_dead_runs_go_and_those_of_live_ones_stay() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("run-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("lock"), "").unwrap();
        let live = Scratch::new(parent.path()).unwrap();
        let second = Scratch::new(parent.path()).unwrap();
        assert!(!dead.exists() && live.dir.exists() && second.dir.exists());
        let dir = live.dir.clone();
        drop(live);
        assert!(!dir.exists());
    }
    #[test]
    fn runs_that_start_at_the_same_time_keep_their_folders() {
        let parent = tempfile::tempdir().unwrap();
        let start = || (0..40).map(|_| Scratch::new(parent.path()).unwrap()).collect::<Vec<_>>();
        let started: Vec<Scratch> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let gone = started.iter().filter(|scratch| !scratch.dir.join("lock").exists()).count();
        assert_eq!(gone, 0, "of {}", started.len());
    }
}
