//! What `cargo xtask --help` takes beyond what cargo itself does.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::printed::{Printed, median};

const ROUNDS: usize = 15;

pub(crate) fn measure(printed: &mut Printed) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let empty = empty_workspace();
    let (ours, theirs) = (run(root, "xtask"), run(empty.path(), "empty"));
    for first in [&ours, &theirs] {
        // Builds what is not built.
        first();
    }
    let mut took: Vec<(f64, f64)> = Vec::new();
    for _ in 0..ROUNDS {
        took.push((ours(), theirs()));
    }
    let (of_ours, of_theirs): (Vec<f64>, Vec<f64>) = took.into_iter().unzip();
    let (ours, theirs) = (median(&of_ours), median(&of_theirs));
    let over = ours - theirs;
    let (told, peer) = (format!("{ours:.0} ms"), format!("{theirs:.0} ms"));
    let what = format!("cargo xtask --help ({over:+.0} ms)");
    printed.add(&what, "<= 60 ms over cargo", &told, &peer, ours / theirs, Some(over <= 60.0));
}

/// Runs a package's help in a workspace, as the alias does; gives ms.
fn run(workspace: &Path, package: &'static str) -> impl Fn() -> f64 {
    let workspace = workspace.to_owned();
    move || {
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--offline", "--package", package, "--", "--help"]).current_dir(&workspace);
        // A plain `cargo` knows nothing of the benchmark's own.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO") && name != "CARGO_HOME") {
            command.env_remove(name);
        }
        let started = Instant::now();
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        started.elapsed().as_secs_f64() * 1000.0
    }
}

/// A workspace of the same kind with a binary that does nothing.
fn empty_workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir_all(dir.path().join("empty/src")).unwrap();
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"empty\"]\n\n[profile.dev]\ndebug = 0\n");
    write("empty/Cargo.toml", "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    write("empty/src/main.rs", "fn main() {}\n");
    dir
}
