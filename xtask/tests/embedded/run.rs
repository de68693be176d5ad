//! The binary under test on an emulator, with folders of its own.

use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::Value;

use crate::{emulator::XTASK, python::ready_sam, repository::Repository};

/// How one test runs the binary.
pub(crate) struct Runner<'a> {
    repository: &'a Repository,
    endpoint: String,
    dir: tempfile::TempDir,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(repository: &'a Repository, endpoint: &str) -> Self {
        Self { repository, endpoint: endpoint.to_owned(), dir: tempfile::tempdir().unwrap() }
    }

    /// `lambda-smoke` of the stand-in at 2 chunks, unless `args` say otherwise.
    pub(crate) fn smoke(&self, args: &[&str]) -> Command {
        let mut command = self.command("lambda-smoke");
        command
            .args(["--endpoint-url", &self.endpoint, "--fixture", "f", "--skip-build"])
            .arg("--artifacts")
            .arg(self.artifacts())
            .args(args);
        if !args.contains(&"--chunk-counts") {
            command.args(["--chunk-counts", "2"]);
        }
        command
    }

    /// The same on an emulator of its own.
    pub(crate) fn smoke_locally(&self) -> Command {
        let mut command = self.command("lambda-smoke");
        command.args(["--local", "--fixture", "f", "--skip-build", "--chunk-counts", "2", "--artifacts"]);
        command.arg(self.artifacts());
        command
    }

    /// `lambda-teardown` of one stack.
    pub(crate) fn teardown(&self, args: &[&str]) -> Command {
        let mut command = self.command("lambda-teardown");
        command.args(["--endpoint-url", &self.endpoint]).args(args);
        command
    }

    /// `lambda-teardown --unfinished`, which goes where the journals say.
    pub(crate) fn finish_all(&self) -> Command {
        let mut command = self.command("lambda-teardown");
        command.arg("--unfinished");
        command
    }

    /// Any command; the caller says which AWS.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(XTASK);
        command.arg(name).env_clear();
        for passed in ["HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(passed).map(|value| (passed, value)));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [ready_sam().to_owned()].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command.env("HYPERFRAMES_REPO_ROOT", self.repository.root());
        command.env("HYPERFRAMES_STATE_DIR", self.state());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.dir.path().join("artifacts")
    }

    /// The folder of the journals.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A JSON file of the artifacts.
    pub(crate) fn json(&self, name: &str) -> Value {
        let path = self.artifacts().join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_slice(&bytes).unwrap()
    }
}

/// Everything a command printed, with its exit status.
pub(crate) fn finish(child: Child) -> (Option<i32>, String) {
    reported(&child.wait_with_output().unwrap())
}

/// Everything a command printed, with its exit status.
pub(crate) fn run(mut command: Command) -> (Option<i32>, String) {
    reported(&command.output().unwrap())
}

fn reported(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stderr[..], &output.stdout[..]].map(String::from_utf8_lossy).join("");
    (output.status.code(), text)
}

/// Does something with each item, [`AT_ONCE`] at a time, because most runs wait more than they compute; the results are
/// in the items' order.
pub(crate) fn side_by_side<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|nth| *nth < items.len()));
        taken.map(|nth| (nth, act(&items[nth]))).collect::<Vec<_>>()
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    results.sort_by_key(|(nth, _)| *nth);
    results.into_iter().map(|(_, result)| result).collect()
}

const AT_ONCE: usize = 3;
