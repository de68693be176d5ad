//! The main job: the published handler, real Chromium, one command.

use std::process::Command;

use crate::emulator::XTASK;

#[test]
fn lambda_smoke_local_passes_at_2_4_and_8_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(XTASK)
        .args(["lambda-smoke", "--local", "--artifacts"])
        .arg(dir.path().join("artifacts"))
        .env("HYPERFRAMES_STATE_DIR", dir.path().join("state"))
        .env_remove("HYPERFRAMES_REPO_ROOT")
        .output()
        .unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    println!("{told}");
    assert_eq!(output.status.code(), Some(0), "{told}");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(dir.path().join("artifacts").join(name)).unwrap()).unwrap()
    };
    let rows = read("results.json");
    let counts: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["plannedChunkCount"].clone()).collect();
    assert_eq!(counts, [2, 4, 8]);
    assert!(rows.as_array().unwrap().iter().all(|row| row["psnrAvgDb"].as_f64().is_some_and(|db| db > 40.0)), "{rows}");
    assert_eq!(read("cleanup-verification.json")["clean"], true);
    assert_eq!(read("run.json")["exitCode"], 0);
}
