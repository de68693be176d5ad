//! moto's server, an implementation of S3 and STS that has nothing in common with the emulator.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use xtask::{
    local::provisioning::Toolbox,
    tools::env::{self, Env},
};

use crate::emulator::packages;

/// A running server; it ends with the value, or with this process.
pub(super) struct Moto {
    child: Child,
    /// Where it answers.
    pub(super) endpoint: String,
}

impl Moto {
    pub(super) fn start() -> Self {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/second_opinion/moto.lock.txt");
        let packages = packages("moto", &list);
        let env = Env::of_process().for_child(env::Child::PackageManager);
        let mut child = Command::new(Toolbox::of_repository().python())
            .arg("-c")
            .arg(include_str!("moto_server.py"))
            .env_clear()
            .envs(env.iter())
            .env("PYTHONPATH", packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut endpoint = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
        assert!(endpoint.starts_with("http://127.0.0.1:"), "moto did not start: {endpoint:?}");
        Self { child, endpoint: endpoint.trim().to_owned() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
