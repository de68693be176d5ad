//! `lambda-compare`: two files, the gates and exit codes of a run.

use std::{fs, path::PathBuf};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Ran, Test, schemas::assert_valid, video::Video};

const SCHEMA: &str = "comparison.v1.schema.json";

/// Compares a render with the default video.
fn compare(render: &Video, args: &[&str]) -> (Test, Ran) {
    let test = Test::new();
    let file = |name: &str, video: &Video| -> PathBuf {
        let path = test.state().with_file_name(name);
        fs::write(&path, video.bytes()).unwrap();
        path
    };
    let sound = Video { audio_tracks: render.audio_tracks, ..Video::default() };
    let (render, baseline) = (file("render.mp4", render), file("baseline.mp4", &sound));
    let files = [render.to_str().unwrap(), baseline.to_str().unwrap()];
    let ran = test.run(&[&["lambda-compare"], &files[..], args].concat());
    assert_eq!(test.aws.calls(), [""; 0]);
    (test, ran)
}

#[test]
fn videos_that_match_are_reported_with_their_figures() {
    let (test, ran) = compare(&Video { audio_tracks: 1, ..Video::default() }, &[]);
    let decoded = |call: &String| call.starts_with("ffmpeg ") && call.contains(" -i ");
    assert_eq!(test.tools.calls().into_iter().filter(decoded).count(), 1, "both are decoded once");
    assert_snapshot!(ran.exit(0).stdout, @r"
    PSNR    mean 45.48 dB (y 45.48), from mean MSE 45.48 dB
    frames  60, 0 identical; worst 44.25 dB (#59, at 1.967 s), 1st percentile 44.25 dB
    SSIM    mean 0.9900, worst 0.9900 (#0)
    local   at most: region 0.00, tone 0.00, detail 0.00, histogram 0.00 levels, sharpness 0.00 dB, shift 0.00 frames, 0.00 samples
    audio   track 0: residual -inf dBFS, loudest 100 ms -inf dBFS at 0.0 s
    audio   OK
    PASS  matches the baseline
    ");
}

#[test]
fn a_video_below_the_gate_is_exit_5() {
    let (_, ran) = compare(&Video::levels(&[("45.0", 59), ("12.0", 1)]), &[]);
    assert_snapshot!(ran.exit(5).stdout, @r"
    PSNR    mean 44.45 dB (y 44.45), from mean MSE 29.65 dB
    frames  60, 0 identical; worst 12.00 dB (#59, at 1.967 s), 1st percentile 12.00 dB
    SSIM    mean 0.9900, worst 0.9900 (#0)
    local   at most: region 0.00, tone 0.00, detail 0.00, histogram 0.00 levels, sharpness 0.00 dB, shift 0.00 frames, 0.00 samples
    audio   no-audio-on-either
      the second that starts at frame 30 has 26.71 dB by its mean squared error, below 37.00 dB
      frames below 30.00 dB: 1, allowed: 0; the worst is frame 59 (from 0, at 1.967 s) with 12.00 dB
    FAIL  does not match the baseline (exit 5)
    ");
    let (_, ran) = compare(&Video::levels(&[("45.0", 59), ("12.0", 1)]), &["--max-frame-failures", "1"]);
    ran.exit(0);
}

#[test]
fn json_has_everything() {
    let noise = Video { audio_tracks: 1, samples: "AAAAAA\u{1}\u{1}", ..Video::default() };
    let (_, ran) = compare(&noise, &["--json"]);
    let reported: Value = serde_json::from_str(&ran.exit(5).stdout).unwrap();
    assert_eq!((&reported["passed"], &reported["audioStatus"]), (&json!(false), &json!("DRIFT")));
    assert_eq!(reported["findings"][0]["gate"], "audio-residual");
    assert_eq!(reported["psnr"]["frames"], 60);
    assert!(reported["ssim"]["mean"].is_number() && reported["render"]["codec"] == "h264");
    assert_valid(SCHEMA, &reported);
}

#[test]
fn a_report_has_the_page_the_figures_and_the_json() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("report");
    let args = ["--report", folder.to_str().unwrap()];
    let (test, ran) = compare(&Video { audio_tracks: 1, ..Video::levels(&[("45.0", 59), ("12.0", 1)]) }, &args);
    ran.exit(5);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let page = read("report.html");
    assert!(page.contains("<figure class=\"player\""), "{page}");
    for copy in ["baseline", "render"] {
        let copied = fs::read(folder.join(format!("comparison-{copy}.mp4"))).unwrap();
        assert_eq!(copied, fs::read(test.state().with_file_name(format!("{copy}.mp4"))).unwrap());
    }
    for part in ["frames below 30.00 dB: 1", "PSNR of every frame, dB", "lambda-compare", "FAIL", "Audio, track 1"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(read("render-frames.csv").lines().count(), 61);
    let reported: Value = serde_json::from_str(&read("comparison.json")).unwrap();
    assert_valid(SCHEMA, &reported);
    assert_eq!(reported["passed"], json!(false));
}

#[test]
fn another_shape_is_reported_without_figures() {
    let (_, ran) = compare(&Video { width: 128, ..Video::default() }, &["--json"]);
    let reported: Value = serde_json::from_str(&ran.exit(5).stdout).unwrap();
    assert_eq!((&reported["psnr"], &reported["findings"][0]["gate"]), (&json!(null), &json!("structure")));
    assert_valid(SCHEMA, &reported);
    let (_, ran) = compare(&Video { width: 128, ..Video::default() }, &[]);
    assert_snapshot!(ran.exit(5).stdout, @r"
    audio   no-audio-on-either
      size: 128x36 in the render, 64x36 in the baseline
      frames' size and format: 128x36 yuv420p in the render, 64x36 yuv420p in the baseline
      the picture and the sound were not compared, because the structure differs
    FAIL  does not match the baseline (exit 5)
    ");
}

#[test]
fn files_that_cant_be_compared_are_reported() {
    let test = Test::new();
    let good = test.repository.baseline().display().to_string();
    let write = |name: &str, content: &str| {
        let path = test.state().with_file_name(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let pointer = write("pointer.mp4", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
    let text = write("text.mp4", "no video");
    test.run(&["lambda-compare", "nowhere.mp4", &good]).exit(1).warns("error: nowhere.mp4: No such file");
    test.run(&["lambda-compare", &good, &pointer])
        .exit(1)
        .warns("pointer.mp4 is a git-LFS pointer, not the file itself; run `git lfs pull`");
    test.run(&["lambda-compare", &pointer, &good]).exit(1).warns("pointer.mp4 is a git-LFS pointer");
    test.run(&["lambda-compare", &pointer, &pointer]).exit(1).warns("2 files are git-LFS pointers");
    test.run(&["lambda-compare", &good, &text])
        .exit(1)
        .warns("error: the baseline: ")
        .warns("can't be read as a video");
    test.run(&["lambda-compare", &text, &good]).exit(4).warns("text.mp4 can't be read as a video");
    test.run(&["lambda-compare", &good, &good, "--psnr-threshold", "40dB"]).exit(1).warns("write 40, not 40dB");
}
