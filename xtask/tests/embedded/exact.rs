//! `--exact` with the published handler in real Chromium, on a small composition.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::{Value, json};
use xtask::project::repo::tool_root;

use crate::emulator::XTASK;

/// Six frames of a square that moves by whole pixels, so that every render has the same edges.
const COMPOSITION: &str = r#"<!doctype html><html><head><style>
  * { margin: 0 }
  body, #root { width: 96px; height: 64px; overflow: hidden; position: relative }
  #back { position: absolute; inset: 0; background: linear-gradient(90deg, #123, #fc8) }
  #square { position: absolute; top: 16px; width: 32px; height: 32px; background: #e33; animation: move 0.2s linear both }
  @keyframes move { to { transform: translateX(60px) } }
</style></head><body>
  <div id="root" data-composition-id="small" data-no-timeline data-start="0" data-duration="0.2" data-width="96" data-height="64">
    <div id="back"></div><div id="square"></div>
  </div>
</body></html>"#;

#[test]
fn the_published_handler_renders_the_in_process_frames_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let repository = dir.path().join("repository");
    let fixture = repository.join("fixtures/small");
    fs::create_dir_all(fixture.join("src")).unwrap();
    fs::write(fixture.join("src/index.html"), COMPOSITION).unwrap();
    fs::write(fixture.join("meta.json"), json!({"renderConfig": {"fps": 30, "codec": "h264"}}).to_string()).unwrap();
    // This project's own template and handler.
    symlink(tool_root().join("examples"), repository.join("examples")).unwrap();
    let output = Command::new(XTASK)
        .args(["lambda-smoke", "--local", "--exact", "--fixture", "small", "--chunk-counts", "1,3", "--artifacts"])
        .arg(dir.path().join("artifacts"))
        .env("HYPERFRAMES_STATE_DIR", dir.path().join("state"))
        .env("HYPERFRAMES_REPO_ROOT", &repository)
        .output()
        .unwrap();
    let reported = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    println!("{reported}");
    assert_eq!(output.status.code(), Some(0), "{reported}");
    let rows = fs::read(dir.path().join("artifacts/results.json")).unwrap();
    let rows: Value = serde_json::from_slice(&rows).unwrap();
    let reported = |row: &Value| (row["plannedChunkCount"].clone(), row["exact"]["identicalFrames"].clone());
    let rows: Vec<_> = rows.as_array().unwrap().iter().map(reported).collect();
    assert_eq!(rows, [(json!(1), json!(6)), (json!(3), json!(6))]);
    assert!(dir.path().join("artifacts/renders/N3-output.tar.gz").is_file());
    // The frames show something that moves.
    let frame = |number| fs::read(dir.path().join(format!("artifacts/renders/exact-baseline/frame_00000{number}.png")));
    assert_ne!(frame(1).unwrap(), frame(6).unwrap());
}
