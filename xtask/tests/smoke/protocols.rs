//! `--plan-protocol both`: v1 and v2 at each chunk count, and against each other.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Test, video::Video};

const BOTH: [&str; 2] = ["--plan-protocol", "both"];

/// A world in which one of the protocols delivers another video.
fn unequal(v1: &Video) -> Test {
    Test::new().account(|account| account.renders.v1 = Some(v1.bytes()))
}

#[test]
fn equal_renders_are_reported_as_equal() {
    let test = Test::new();
    let ran = test.smoke(&["--chunk-counts", "2,4", "--plan-protocol", "both", "--require-encoded-sha-equal"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  unlike first  audio
      v1 2        2       6.1 s   45.48 dB  44.25 dB (#59)         first   none  ok
         2        2       6.1 s   45.48 dB  44.25 dB (#59)          none   none  ok
      v1 4        4       6.1 s   45.48 dB  44.25 dB (#59)          none   none  ok
         4        4       6.1 s   45.48 dB  44.25 dB (#59)          none   none  ok

    PASS  4 of 4 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    ran.warns("compare   N=2: v1 and v2 delivered identical files")
        .warns("compare   N=4: v1 and v2 delivered identical files");
    let rows = test.artifact("results.json");
    let files: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["output"].as_str().unwrap()).collect();
    assert_eq!(
        files,
        ["renders/v1-N2-output.mp4", "renders/N2-output.mp4", "renders/v1-N4-output.mp4", "renders/N4-output.mp4"]
    );
    assert_eq!(rows[0]["planProtocol"], "v1");
    let compared = test.artifact("semantic-comparisons.json");
    assert_eq!((&compared[0]["chunkCount"], &compared[1]["chunkCount"]), (&json!(2), &json!(4)));
    assert_eq!((&compared[0]["semanticallyEqual"], &compared[0]["encodedShaEqual"]), (&json!(true), &json!(true)));
    test.assert_account_clean();
}

#[test]
fn other_frames_are_exit_6() {
    let test = unequal(&Video { mark: "11", ..Video::default() });
    let ran = test.smoke(&BOTH);
    ran.exit(6).says("  N=2: v1 and v2 differ in decoded frames: 60 of 60 differ, the first is 0 (from 0)\n");
    ran.says("FAIL  histories contradict their videos, or the plan protocols each other (exit 6)");
    assert_eq!(test.artifact("semantic-comparisons.json")[0]["semanticallyEqual"], json!(false));
    assert_eq!(test.artifact("results.json")[1]["passed"], json!(false));
}

#[test]
fn other_bytes_are_exit_6_only_when_asked_for() {
    let test = unequal(&Video { ssim: "0.990001", ..Video::default() });
    test.smoke(&BOTH).exit(0).warns("v1 and v2 rendered the same video, encoded differently");
    let ran = test.smoke(&["--plan-protocol", "both", "--require-encoded-sha-equal"]);
    ran.exit(6).says("v1 and v2 differ in encoded bytes of the files differ");
}

#[test]
fn a_render_below_the_gate_outranks_a_difference() {
    let test = unequal(&Video { mark: "11", ..Video::levels(&[("20.000000", 60)]) });
    test.smoke(&BOTH).exit(5).says("  v1 N=2: mean PSNR 20.00 dB is below 40.00 dB").says("v1 and v2 differ in");
}

#[test]
fn equal_bytes_need_both_protocols() {
    let ran = Test::new().smoke(&["--require-encoded-sha-equal"]);
    ran.exit(1).only_error("--require-encoded-sha-equal compares two plan protocols: it needs --plan-protocol both");
}
