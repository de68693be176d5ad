//! The fixture's record of sound renders.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Test, video::Video};

/// A world whose fixture has a record of its renders at 2 chunks.
fn recorded() -> Test {
    let test = Test::new();
    test.smoke(&["--update-expected"]).exit(0);
    test
}

fn record(test: &Test) -> Value {
    serde_json::from_slice(&fs::read(test.repository.fixture_file("expected.json")).unwrap()).unwrap()
}

#[test]
fn the_record_is_written_on_request_and_held_against_every_render() {
    let test = Test::new();
    test.smoke(&[]).exit(0).never_says("record");
    let ran = test.smoke(&["--update-expected", "--chunk-counts", "2,4"]);
    ran.exit(0).warns("record    N=2: new, mean PSNR 45.48 dB").warns("fixtures/f/expected.json is rewritten");
    assert_eq!(record(&test)["renders"].as_array().unwrap().len(), 2);
    assert_eq!(record(&test)["renders"][0]["madeBy"]["machine"]["kind"], "emulator");
    test.smoke(&["--strict"]).exit(0).never_says("record");
    test.smoke(&["--update-expected"]).exit(0).warns("record    N=2: as recorded");
}

#[test]
fn other_frames_than_recorded_fail_where_renders_repeat() {
    let test = recorded().video(&Video { mark: "11", ..Video::default() });
    let ran = test.smoke(&[]);
    ran.exit(5)
        .says("  N=2: the hash of all decoded frames is ")
        .says("(made by the same versions on a machine like this)");
    assert_eq!(test.artifact("results.json")[0]["findings"][0]["gate"], "record");
    let ran = test.smoke(&["--update-expected"]);
    ran.exit(0).warns("record    N=2: mean PSNR 45.48 -> 45.48 dB, other frames");
    test.smoke(&[]).exit(0);
}

#[test]
fn mild_damage_above_the_threshold_leaves_the_record() {
    let blurred = Video { mark: "11", ssim: "0.980000", ..Video::levels(&[("42.100000", 60)]) };
    let ran = recorded().video(&blurred).smoke(&[]);
    assert_snapshot!(ran.exit(5).stdout, @r"
    chunks  planned  wall clock  PSNR mean    worst frame  audio
         2        2       6.1 s   42.10 dB  42.10 dB (#0)   none  FAIL

      N=2: the hash of all decoded frames is <run>, recorded is <run> (made by the same versions on a machine like this)
      N=2: mean PSNR is 42.10 dB, recorded is 45.48 ± 0.5 dB
      N=2: mean PSNR of plane y is 42.10 dB, recorded is 45.48 ± 0.5 dB
      N=2: PSNR of the worst frame is 42.10 dB, recorded is 44.25 ± 1.5 dB
      N=2: mean SSIM is 0.9800, recorded is 0.9900 ± 0.002
    FAIL  renders are not equal enough to the baseline (exit 5); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
}

#[test]
fn a_split_that_is_not_recorded_is_said_and_fails_when_strict() {
    let test = recorded();
    let note = "note: the fixture's record has no render that is split like this one; lambda-smoke --update-expected writes it";
    test.smoke(&["--chunk-counts", "4"]).exit(0).says(note);
    test.smoke(&["--chunk-counts", "4", "--strict"]).exit(5).says("  N=4: the fixture's record has no render");
    // Without any record, too.
    Test::new().env("STRICT", "1").smoke(&[]).exit(5).says("the fixture's record has no render that is split");
}

#[test]
fn a_record_of_another_baseline_fails_until_it_is_rewritten() {
    let test = recorded().fixture_file("output/output.mp4", Video { ssim: "0.98", ..Video::default() }.bytes());
    test.smoke(&[]).exit(5).says("the fixture's record is of another composition or baseline");
    test.smoke(&["--update-expected"]).exit(0).warns("the old record was of another composition or baseline");
    test.smoke(&[]).exit(0);
}

#[test]
fn a_render_that_fails_is_not_recorded() {
    let test = Test::new().video(&Video::levels(&[("20.000000", 60)]));
    test.smoke(&["--update-expected"]).exit(5).warns("the fixture's record is not rewritten, as not all renders pass");
    assert!(!test.repository.fixture_file("expected.json").exists());
}

#[test]
fn a_record_that_cant_be_read_is_told_before_anything_happens() {
    let test = Test::new().fixture_file("expected.json", "{}");
    test.smoke(&[]).exit(1).warns("error: the record <dir>/repository/fixtures/f/expected.json: missing field");
    assert_eq!(json!(test.aws.calls()), json!([]));
}
