//! Fake tools on an otherwise empty PATH: POSIX shell scripts that note how they
//! were called, and step aside for what a test puts in their place.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, test_kill_process};

const SCRIPTS: [(&str, &str); 7] = [
    ("sam", include_str!("fakes/sam.sh")),
    ("bun", include_str!("fakes/bun.sh")),
    ("ffmpeg", include_str!("fakes/ffmpeg.sh")),
    ("ffprobe", include_str!("fakes/ffprobe.sh")),
    ("zip", include_str!("fakes/zip.sh")),
    ("git", include_str!("fakes/git.sh")),
    ("node", include_str!("fakes/node.sh")),
];

/// The fake tools of one test, and their notes.
pub(crate) struct Tools {
    dir: PathBuf,
}

impl Tools {
    pub(crate) fn new(dir: &Path) -> Self {
        for part in ["bin", "hooks", "stacks", "environments"] {
            fs::create_dir_all(dir.join(part)).unwrap();
        }
        for (name, script) in SCRIPTS {
            let begin = include_str!("fakes/begin.sh");
            let text = format!("#!/bin/sh\ndir='{}'\ntool={name}\n{begin}\n{script}", dir.display());
            let path = dir.join("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(dir.join("handler.zip"), super::repository::zip(2 << 20)).unwrap();
        Self { dir: dir.to_owned() }
    }

    /// The folder to put on PATH.
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The folder that the fake in-process renderer copies.
    pub(crate) fn in_process(&self) -> PathBuf {
        self.dir.join("in-process")
    }

    /// The folder with a file for each stack.
    pub(crate) fn stacks(&self) -> PathBuf {
        self.dir.join("stacks")
    }

    /// Runs `script` first when a tool is called with a verb, such as `sam deploy`.
    pub(crate) fn hook(&self, call: &str, script: &str) {
        fs::write(self.dir.join("hooks").join(call), format!("{script}\n")).unwrap();
    }

    pub(crate) fn unhook(&self, call: &str) {
        fs::remove_file(self.dir.join("hooks").join(call)).unwrap();
    }

    /// Takes a tool off the PATH.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.dir.join("bin").join(name)).unwrap();
    }

    /// The ZIP that a fake build makes.
    pub(crate) fn build_zip(&self, bytes: &[u8]) {
        fs::write(self.dir.join("handler.zip"), bytes).unwrap();
    }

    /// The names that a fake zip was given to pack.
    pub(crate) fn packed_names(&self) -> PathBuf {
        self.dir.join("packed-names")
    }

    /// Every call with its arguments, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.dir.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The environments that the calls of one tool, or of all, saw.
    pub(crate) fn environments(&self, tool: &str) -> Vec<String> {
        let files = fs::read_dir(self.dir.join("environments")).unwrap().flatten();
        let of_tool = files.filter(|file| file.file_name().to_string_lossy().starts_with(&format!("{tool}.")));
        of_tool.map(|file| fs::read_to_string(file.path()).unwrap()).collect()
    }

    /// The calls that are still running after a moment.
    pub(crate) fn alive(&self) -> Vec<i32> {
        let pids = fs::read_to_string(self.dir.join("pids")).unwrap_or_default();
        let mut pids: Vec<i32> = pids.lines().map(|pid| pid.parse().unwrap()).collect();
        for _ in 0..1000 {
            pids.retain(|&pid| is_running(pid));
            if pids.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        pids
    }
}

fn is_running(pid: i32) -> bool {
    // One that init has not collected yet has ended all the same.
    let is_zombie = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !is_zombie
}
