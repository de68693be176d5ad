//! An embedded AWS for one test, by `cargo xtask local-aws`.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Once,
    time::{Duration, Instant},
};

use serde_json::Value;
use xtask::{
    console::Console,
    local::provisioning::Toolbox,
    tools::{
        env::{self, Env},
        runner::Runner,
    },
};

/// A running emulator; it ends with the value.
pub(crate) struct Emulator {
    child: Child,
    /// Where it answers.
    pub(crate) endpoint: String,
    _dir: tempfile::TempDir,
}

/// The binary under test.
pub(crate) const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

/// A tool of the provisioned toolbox.
pub(crate) fn tool(name: &str) -> PathBuf {
    provision();
    Toolbox::of_repository().bin().join(name)
}

/// Provisions the tools, once in each test process.
pub(crate) fn provision() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = Command::new(XTASK).arg("setup").status().expect("the binary under test starts");
        assert!(status.success(), "cargo xtask setup failed");
    });
}

/// The packages of a test's hash-locked list, provisioned next to the tools; no command of the tool needs them.
pub(crate) fn packages(name: &str, list: &Path) -> PathBuf {
    provision();
    let runner = Runner::new(&Env::of_process(), &Console::default()).unwrap();
    block_on(Toolbox::of_repository().provide_packages(name, list, &runner)).unwrap()
}

/// The packages of a test's `package.json` and `bun.lock` in `list`, installed into a folder of their own.
pub(crate) fn node_packages(list: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["package.json", "bun.lock"] {
        std::fs::copy(list.join(name), dir.path().join(name)).unwrap();
    }
    let env = Env::of_process().for_child(env::Child::PackageManager);
    let install = ["install", "--frozen-lockfile", "--ignore-scripts", "--no-progress"];
    let mut bun = Command::new(tool("bun"));
    let output = bun.args(install).current_dir(dir.path()).env_clear().envs(env.iter()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Whether a program succeeded, and all that it printed.
pub(crate) fn printed(output: &Output) -> (bool, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

impl Emulator {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(flags: &[&str]) -> Self {
        provision();
        let dir = tempfile::tempdir().unwrap();
        let (ready, log) = (dir.path().join("ready.json"), dir.path().join("log"));
        let mut child = Command::new(XTASK)
            .arg("local-aws")
            .arg("--ready-file")
            .arg(&ready)
            .args(flags)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(180);
        let content = loop {
            if let Ok(content) = std::fs::read(&ready) {
                break content;
            }
            let is_starting = child.try_wait().unwrap().is_none() && Instant::now() < deadline;
            assert!(is_starting, "the embedded AWS did not start: {}", std::fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        };
        let content: Value = serde_json::from_slice(&content).unwrap();
        Self { child, endpoint: content["endpoint"].as_str().unwrap().to_owned(), _dir: dir }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
