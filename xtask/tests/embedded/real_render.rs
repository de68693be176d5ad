//! The main job: the published handler, real Chromium, one command.

use std::process::Command;

use serde_json::{Value, json};

use crate::emulator::XTASK;

/// Runs the gate on the embedded AWS; gives what it printed, and its artifacts.
fn smoke(args: &[&str]) -> (String, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(XTASK)
        .args(["lambda-smoke", "--local", "--artifacts"])
        .arg(dir.path().join("artifacts"))
        .args(args)
        .env("HYPERFRAMES_STATE_DIR", dir.path().join("state"))
        .env_remove("HYPERFRAMES_REPO_ROOT")
        .output()
        .unwrap();
    let reported = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    println!("{reported}");
    assert_eq!(output.status.code(), Some(0), "{reported}");
    (reported, dir)
}

fn read(dir: &tempfile::TempDir, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir.path().join("artifacts").join(name)).unwrap()).unwrap()
}

#[test]
fn lambda_smoke_local_passes_at_2_4_and_8_chunks() {
    let (reported, dir) = smoke(&[]);
    let rows = read(&dir, "results.json");
    let rows = rows.as_array().unwrap();
    let counts: Vec<&Value> = rows.iter().map(|row| &row["plannedChunkCount"]).collect();
    assert_eq!(counts, [2, 4, 8]);
    assert!(rows.iter().all(|row| row["psnrAvgDb"].as_f64().is_some_and(|db| db > 40.0)), "{reported}");
    assert!(rows.iter().all(|row| row["toolchain"]["chromium"].is_string()), "{reported}");
    assert_eq!(read(&dir, "cleanup-verification.json")["clean"], true);
    assert_eq!(read(&dir, "run.json")["exitCode"], 0);
    crate::page::assert_good_in_use(&dir.path().join("artifacts/report.html"));
}

#[test]
fn both_plan_protocols_render_the_same_bytes() {
    let fixture = ["--fixture", "tone-and-text", "--chunk-counts", "2"];
    let (reported, dir) = smoke(&[&fixture[..], &["--plan-protocol", "both", "--require-encoded-sha-equal"]].concat());
    assert!(reported.contains("N=2: v1 and v2 delivered identical files"), "{reported}");
    let compared = &read(&dir, "semantic-comparisons.json")[0];
    assert_eq!((&compared["semanticallyEqual"], &compared["encodedShaEqual"]), (&json!(true), &json!(true)));
    assert_eq!((&compared["frames"], &compared["differingFrames"]), (&json!([60, 60]), &json!(0)));
    // Two seconds of 48 kHz stereo s16, and what the codec pads them with.
    assert!(compared["pcm"][0]["bytes"].as_u64().is_some_and(|bytes| bytes >= 2 * 48_000 * 4), "{compared}");
    assert_eq!(compared["pcm"][0], compared["pcm"][1]);
}
