//! What `cargo xtask --help` takes beyond what cargo itself does.
//!
//! Cargo itself looks through the fingerprints of 269 units, most of them the AWS SDK's and
//! its dependencies: a `cargo build` that finds all of them fresh does only that.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::printed::{Printed, median};

const ROUNDS: usize = 15;

pub(crate) fn measure(printed: &mut Printed) {
    let help = || cargo_ms(&["run", "--quiet", "--offline", "--package", "xtask", "--", "--help"]);
    let nothing = || cargo_ms(&["build", "--quiet", "--offline", "--package", "xtask", "--bin", "xtask"]);
    // Builds what is not built.
    help();
    let took: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (help(), nothing())).collect();
    let (help, nothing): (Vec<f64>, Vec<f64>) = took.into_iter().unzip();
    let (help, nothing) = (median(&help), median(&nothing));
    let over = help - nothing;
    let (reported, peer) = (format!("{help:.0} ms"), format!("{nothing:.0} ms for a fresh build"));
    let what = format!("cargo xtask --help ({over:+.0} ms)");
    printed.add(&what, "<= 60 ms over cargo", &reported, &peer, help / nothing, Some(over <= 60.0));
}

/// How long cargo takes in this workspace, ms.
fn cargo_ms(args: &[&str]) -> f64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(args).current_dir(root).stdout(Stdio::null());
    // What this benchmark's own cargo has set would have build scripts run again.
    let theirs =
        |name: &String| name.starts_with("CARGO_") && !["CARGO_HOME", "CARGO_TARGET_DIR"].contains(&name.as_str());
    for name in std::env::vars().map(|(name, _)| name).filter(theirs) {
        command.env_remove(name);
    }
    let started = Instant::now();
    assert!(command.status().unwrap().success());
    started.elapsed().as_secs_f64() * 1000.0
}
