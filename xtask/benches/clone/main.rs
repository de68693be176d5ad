//! How long a new user waits: from a clone to the first verdict, and after an edit of the verdict.
//!
//!     cargo bench --profile dev --bench clone
//!
//! The clone has a target folder, a HOME, and caches of its own, so everything is downloaded and built again.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a panic is how a benchmark says what it met")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "other benchmarks use more of it")]
#[path = "../printed/mod.rs"]
mod printed;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use printed::{Printed, Whose, cpu_s, median};

/// How often the edit is made.
const EDITS: usize = 3;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let clone = Clone { folder: dir.path().join("clone"), home: dir.path().join("home") };
    fs::create_dir(&clone.home).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let started = Instant::now();
    assert!(Command::new("git").args(["clone", "-q"]).arg(repository).arg(&clone.folder).status().unwrap().success());

    let before = cpu_s(Whose::Children);
    clone.run(&["build", "-q", "--package", "xtask"]);
    let (built_s, cpu) = (started.elapsed().as_secs_f64(), cpu_s(Whose::Children) - before);
    clone.run(&["xtask", "lambda-smoke", "--local"]);
    let passed_s = started.elapsed().as_secs_f64();

    let verdict = clone.folder.join("xtask/verdict/src/verdict.rs");
    let edits = [(); EDITS].map(|()| {
        let text = fs::read_to_string(&verdict).unwrap();
        fs::write(&verdict, format!("{text}// An edit.\n")).unwrap();
        let started = Instant::now();
        clone.run(&["xtask", "--help"]);
        started.elapsed().as_secs_f64()
    });

    let mut printed = Printed::new();
    let mut add = |what: &str, measured: f64, target: f64, unit: &str| {
        let (shown, limit) = (format!("{measured:.1} {unit}"), format!("{target} {unit}"));
        printed.add(what, &limit, &shown, "", measured / target, Some(measured <= target));
    };
    add("from a clone with an empty HOME to PASS at 2, 4, 8 chunks", passed_s, 140.0, "s");
    add("cold build of cargo xtask, processor time", cpu, 200.0, "s");
    add("cargo xtask --help after a line in the verdict (median of 3)", median(&edits), 2.5, "s");
    printed.print("clone");
    println!("the build takes {built_s:.1} s of the {passed_s:.1} s");
}

/// A clone for someone who has never built anything.
struct Clone {
    folder: PathBuf,
    home: PathBuf,
}

impl Clone {
    fn run(&self, arguments: &[&str]) {
        let rustup = env::var_os("RUSTUP_HOME")
            .map_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".rustup"), PathBuf::from);
        let mut cargo = Command::new("cargo");
        for (name, _) in env::vars_os() {
            // What this benchmark's own cargo sets would lead to its folders.
            if name.to_str().is_some_and(|name| name.starts_with("CARGO") || name.starts_with("XDG_")) {
                cargo.env_remove(name);
            }
        }
        cargo.args(arguments).current_dir(&self.folder).env("HOME", &self.home).env("RUSTUP_HOME", rustup);
        assert!(cargo.status().unwrap().success(), "cargo {} failed", arguments.join(" "));
    }
}
