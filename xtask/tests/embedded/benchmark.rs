//! `lambda-eval` on real parts: one fixture that renders, and one whose video is none.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{emulator::XTASK, repository::copy_all};

/// A repository with this project's handler and template, `tone-and-text`, and `broken`.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let own = xtask::project::repo::tool_root();
    let copy = |name: &str| {
        let to = dir.path().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(own.join(name), to).unwrap();
    };
    copy("examples/aws-lambda/template.yaml");
    for file in ["package.json", "bun.lock", "bundle.ts", "index.mjs"] {
        copy(&format!("examples/aws-lambda/handler/{file}"));
    }
    for file in ["meta.json", "output/output.mp4", "output/provenance.json"] {
        copy(&format!("fixtures/tone-and-text/{file}"));
    }
    let fixtures = dir.path().join("fixtures");
    let good = fixtures.join("tone-and-text");
    copy_all(&own.join("fixtures/tone-and-text/src"), &good.join("src"));
    let broken = fixtures.join("broken");
    copy_all(&good, &broken);
    let index = broken.join("src/index.html");
    let video = r#"<video id="clip" src="assets/clip.mp4" data-start="0" data-duration="2" muted></video>"#;
    let html = fs::read_to_string(&index).unwrap();
    fs::write(&index, html.replace("<audio", &format!("{video}<audio"))).unwrap();
    fs::write(broken.join("src/assets/clip.mp4"), "no video at all").unwrap();
    dir
}

#[test]
fn a_broken_asset_fails_its_fixture_alone() {
    let repository = repository();
    let artifacts = repository.path().join("artifacts");
    let output = Command::new(XTASK)
        .args(["lambda-eval", "--local", "--fixtures", "broken,tone-and-text", "--iterations", "1", "--artifacts"])
        .arg(&artifacts)
        .env("HYPERFRAMES_STATE_DIR", repository.path().join("state"))
        .env("HYPERFRAMES_REPO_ROOT", repository.path())
        .output()
        .unwrap();
    let reported = [&output.stderr[..], &output.stdout[..]].map(String::from_utf8_lossy).join("");
    println!("{reported}");
    assert_eq!(output.status.code(), Some(4), "{reported}");
    let read = |name: &str| serde_json::from_slice::<Value>(&fs::read(artifacts.join(name)).unwrap()).unwrap();
    let cases = read("results.json")["cases"].clone();
    let (broken, good) = (&cases[0], &cases[1]);
    assert_eq!((&broken["failed"], &broken["lambdaMs"], &broken["passed"]), (&json!(1), &json!(null), &json!(false)));
    assert_eq!((&good["failed"], &good["passed"], &good["audioStatus"]), (&json!(0), &json!(true), &json!("OK")));
    assert!(good["speedup"]["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0), "{good}");
    assert!(good["usd"]["median"].as_f64().is_some_and(|usd| usd > 0.0), "{good}");
    let csv = fs::read_to_string(artifacts.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(reported.contains("broken N=4 #1 was not measured: render broken N=4 #1 FAILED: state"), "{reported}");
    assert_eq!(read("cleanup-verification.json")["clean"], true);
}
