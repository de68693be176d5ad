//! The fixture's known-good metrics.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Test, video::Video};

/// A world whose fixture has known-good metrics of renders with 2 chunks.
fn recorded() -> Test {
    let test = Test::new();
    test.smoke(&["--update-expected"]).exit(0);
    test
}

fn metrics(test: &Test) -> Value {
    serde_json::from_slice(&fs::read(test.repository.fixture_file("known-good.json")).unwrap()).unwrap()
}

#[test]
fn metrics_are_written_on_request_and_compared_with_every_render() {
    let test = Test::new();
    test.smoke(&[]).exit(0).never_says("record");
    let ran = test.smoke(&["--update-expected", "--chunk-counts", "2,4"]);
    ran.exit(0).warns("record    N=2: new, mean PSNR 45.48 dB").warns("fixtures/f/known-good.json is rewritten");
    assert_eq!(metrics(&test)["renders"].as_array().unwrap().len(), 2);
    assert_eq!(metrics(&test)["renders"][0]["madeBy"]["machine"]["kind"], "emulator");
    test.smoke(&["--strict"]).exit(0).never_says("record");
    test.smoke(&["--update-expected"]).exit(0).warns("record    N=2: unchanged");
}

#[test]
fn other_frames_fail_where_renders_are_reproducible() {
    let test = recorded().video(&Video { mark: "11", ..Video::default() });
    let ran = test.smoke(&[]);
    ran.exit(5)
        .says("  N=2: the hash of all decoded frames is ")
        .says("(from the same versions on the same kind of machine)");
    assert_eq!(test.artifact("results.json")[0]["findings"][0]["gate"], "record");
    let ran = test.smoke(&["--update-expected"]);
    ran.exit(0).warns("record    N=2: mean PSNR 45.48 -> 45.48 dB, worst frame 44.25 -> 44.25 dB, mean SSIM 0.9900 -> 0.9900, other frames");
    test.smoke(&[]).exit(0);
}

#[test]
fn mild_damage_above_the_threshold_deviates_from_the_metrics() {
    let blurred = Video { mark: "11", ssim: "0.980000", ..Video::levels(&[("42.100000", 60)]) };
    let ran = recorded().video(&blurred).smoke(&[]);
    assert_snapshot!(ran.exit(5).stdout, @r"
    chunks  planned  wall clock  PSNR mean    worst frame  audio
         2        2       6.1 s   42.10 dB  42.10 dB (#0)   none  FAIL

      N=2: the hash of all decoded frames is <run>, known good is <run> (from the same versions on the same kind of machine)
      N=2: mean PSNR is 42.10 dB, known good is 45.48 ± 0.5 dB
      N=2: mean PSNR of plane y is 42.10 dB, known good is 45.48 ± 0.5 dB
      N=2: PSNR of the worst frame is 42.10 dB, known good is 44.25 ± 1.5 dB
      N=2: mean SSIM is 0.9800, known good is 0.9900 ± 0.002
    FAIL  1 of 1 renders does not match the baseline (exit 5); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
}

#[test]
fn an_unknown_chunk_split_is_a_note_and_fails_when_strict() {
    let test = recorded();
    let note = "note: the known-good metrics have no render that is split like this one; if all other gates pass, lambda-smoke --update-expected rewrites them";
    test.smoke(&["--chunk-counts", "4"]).exit(0).says(note);
    test.smoke(&["--chunk-counts", "4", "--strict"]).exit(5).says("  N=4: the known-good metrics have no render");
    // Without any metrics, too.
    Test::new().env("STRICT", "1").smoke(&[]).exit(5).says("the known-good metrics have no render that is split");
}

#[test]
fn metrics_of_another_baseline_fail_until_they_are_rewritten() {
    let test = recorded().fixture_file("output/output.mp4", Video { ssim: "0.98", ..Video::default() }.bytes());
    test.smoke(&[]).exit(5).says("the known-good metrics belong to another composition or baseline");
    test.smoke(&["--update-expected"]).exit(0).warns("the old metrics belonged to another composition or baseline");
    test.smoke(&[]).exit(0);
}

#[test]
fn a_render_that_fails_is_not_recorded() {
    let test = Test::new().video(&Video::levels(&[("20.000000", 60)]));
    test.smoke(&["--update-expected"])
        .exit(5)
        .warns("the known-good metrics are not rewritten, because not all renders pass");
    assert!(!test.repository.fixture_file("known-good.json").exists());
}

#[test]
fn unreadable_metrics_are_reported_before_anything_happens() {
    let test = Test::new().fixture_file("known-good.json", "{}");
    test.smoke(&[])
        .exit(1)
        .warns("error: the known-good metrics <dir>/repository/fixtures/f/known-good.json: missing field");
    assert_eq!(json!(test.aws.calls()), json!([]));
}
