//! What benchmarks share: the toolbox's programs, the fixtures' videos, and rounds of measuring.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use xtask::local::provisioning::Toolbox;

/// A program of the toolbox, which is provisioned where it is not.
///
/// # Panics
/// When it can't be provisioned.
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = Toolbox::find(std::env::var_os(Toolbox::ENV).map(Into::into)).bin().join(name);
    if !path.exists() {
        let status = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("setup").status();
        assert!(status.is_ok_and(|status| status.success()), "`cargo xtask setup` failed");
    }
    path
}

/// The committed baselines, each with its fixture's name, in order.
///
/// # Panics
/// When the fixtures can't be read.
pub(crate) fn baselines() -> Vec<(String, PathBuf)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let entries = fixtures.read_dir().expect("the repository has fixtures").flatten();
    let named = entries.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, entry.path().join("output/output.mp4"))
    });
    let mut found: Vec<(String, PathBuf)> = named.filter(|(_, video)| video.exists()).collect();
    found.sort();
    found
}

/// The median time of each thing. All are done once in each round, so that
/// whatever else the machine does meets each of them.
pub(crate) fn medians<const N: usize>(rounds: usize, things: [&dyn Fn(); N]) -> [Duration; N] {
    let mut times = [(); N].map(|()| Vec::new());
    for _ in 0..rounds {
        for (thing, times) in things.iter().zip(&mut times) {
            let started = Instant::now();
            thing();
            times.push(started.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}
