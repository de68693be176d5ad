//! How soon the page of four executions of 256 chunks is painted in Chromium.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use xtask::{
    console::Console,
    tools::{env::Env, handler::install_packages, runner::Runner},
};

use crate::{
    emulator::{XTASK, tool},
    generated::{Execution, write_artifacts},
    printed::{Printed, median},
};

const ROUNDS: usize = 3;

pub(crate) fn measure(printed: &mut Printed) {
    let dir = tempfile::tempdir().unwrap();
    write_artifacts(dir.path(), &[Execution { chunks: 256, attempts: 1 }; 4]);
    let status = Command::new(XTASK).arg("lambda-report").arg(dir.path()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    let page = dir.path().join("report.html");
    let opened: Vec<f64> = (0..ROUNDS).map(|_| open_ms(&page)).collect();
    let took = median(&opened) / 1000.0;
    let size = std::fs::metadata(&page).unwrap().len() as f64 / 1024.0 / 1024.0;
    let what = format!("1,024 chunks: the page ({size:.1} MiB) opens");
    printed.add(&what, "<= 1 s", &format!("{took:.2} s"), "", took, Some(took <= 1.0));
}

/// The slowest of opening it narrow and wide, light and dark, and for print, ms.
fn open_ms(page: &Path) -> f64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let handler = root.join("examples/aws-lambda/handler");
    let runner = Runner::new(&Env::of_process(), &Console::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (bun, log) = (tool("bun"), dir.path().join("install.log"));
    runtime.block_on(install_packages(&handler, &bun, &runner, &log)).unwrap();
    let output = Command::new(tool("node"))
        .arg(root.join("xtask/tests/embedded/open-report.mjs"))
        .arg("--handler")
        .arg(handler)
        .arg(page)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reported[0]["wrong"], serde_json::json!([]));
    reported[0]["openMs"].as_f64().unwrap()
}
