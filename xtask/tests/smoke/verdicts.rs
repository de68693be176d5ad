//! Renders that are delivered, and do not match the baseline.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Ran, Test, video::Video};

/// Runs with a video of its own, and a baseline with sound where the video's samples matter.
fn smoke_of(video: &Video, baseline: &Video) -> (Test, Ran) {
    let test = Test::new().video(video).fixture_file("output/output.mp4", baseline.bytes());
    let ran = test.smoke(&[]);
    test.assert_account_clean();
    (test, ran)
}

#[test]
fn a_mean_below_the_gate_is_exit_5() {
    let (test, ran) = smoke_of(&Video::levels(&[("39.990000", 60)]), &Video::default());
    assert_snapshot!(ran.exit(5).stdout, @r"
    chunks  planned  wall clock  PSNR mean    worst frame  audio
         2        2       6.1 s   39.99 dB  39.99 dB (#0)   none  FAIL

      N=2: mean PSNR 39.99 dB is below 40.00 dB
      N=2: mean PSNR 39.99 dB of plane y is below 40.00 dB
    FAIL  1 of 1 renders does not match the baseline (exit 5); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let run = test.artifact("run.json");
    assert_eq!(run["verdict"]["outcome"], "unequal");
    let finding = json!({
        "gate": "psnr-mean", "value": "39.99 dB", "limit": "40.00 dB", "message": "mean PSNR 39.99 dB is below 40.00 dB",
    });
    assert_eq!(test.artifact("results.json")[0]["findings"][0], finding);
}

#[test]
fn the_threshold_itself_passes() {
    smoke_of(&Video::levels(&[("40.000000", 60)]), &Video::default()).1.exit(0);
}

#[test]
fn one_ruined_frame_is_exit_5_and_is_named() {
    let (_, ran) =
        smoke_of(&Video::levels(&[("50.000000", 41), ("5.000000", 1), ("50.000000", 18)]), &Video::default());
    ran.exit(5)
        .says("  N=2: frames below 30.00 dB: 1, allowed: 0; the worst is frame 41 (from 0, at 1.367 s) with 5.00 dB (chunk 1)\n");
    ran.says("49.25 dB  5.00 dB (#41)");
}

#[test]
fn identical_frames_do_not_hide_a_ruined_one() {
    let (_, ran) = smoke_of(&Video::levels(&[("inf", 59), ("29.000000", 1)]), &Video::default());
    ran.exit(5).says("98.82 dB  29.00 dB (#59)").says("frames below 30.00 dB: 1, allowed: 0");
    smoke_of(&Video::levels(&[("inf", 59), ("36.870000", 1)]), &Video::default()).1.exit(0);
}

#[test]
fn a_fixture_may_allow_ruined_frames_and_a_flag_another_margin() {
    let video = Video::levels(&[("45.000000", 58), ("29.000000", 2)]);
    let of = |meta: &str| Test::new().video(&video).fixture_file("meta.json", meta);
    of(r#"{"maxFrameFailures": 2}"#).smoke(&[]).exit(0);
    let strict = of(r#"{"maxFrameFailures": 1}"#);
    strict.smoke(&[]).exit(5).says("frames below 30.00 dB: 2, allowed: 1; the worst is frame 58");
    strict.smoke(&["--frame-psnr-margin", "11.5"]).exit(0);
    strict.smoke(&["--psnr-threshold", "38"]).exit(0);
}

#[test]
fn a_render_that_stands_still_is_named() {
    let test = Test::new().video(&Video { period: 30, ..Video::default() });
    test.smoke(&[]).exit(0);
    let moving = Video { still: "21.000000", ..Video::default() };
    let test = test.fixture_file("output/output.mp4", moving.bytes());
    let ran = test.smoke(&[]);
    ran.exit(5).says(
        "  N=2: the render is frozen: chunks 0 and 1 have the same frames, but the baseline changes between them",
    );
    assert_eq!(test.artifact("results.json")[0]["findings"][0]["gate"], "frozen-chunks");
}

#[test]
fn every_difference_in_shape_is_exit_5_and_no_psnr_is_reported() {
    let sound = Video { audio_tracks: 1, ..Video::default() };
    let cases = [
        (Video { width: 128, ..Video::default() }, "size: 128x36 in the render, 64x36 in the baseline"),
        (Video { rate: "24/1", ..Video::default() }, "frames a second: 24 in the render, 30 in the baseline"),
        (
            Video { pixels: "yuv444p", ..Video::default() },
            "pixel format: yuv444p in the render, yuv420p in the baseline",
        ),
        (
            Video { duration: "1.966667", ..Video::default() },
            "duration: 1.967 s in the render, 2.000 s in the baseline",
        ),
        (sound, "audio tracks: 1 in the render, 0 in the baseline"),
    ];
    for (video, finding) in cases {
        let (test, ran) = smoke_of(&video, &Video::default());
        ran.exit(5).says(&format!("  N=2: {finding}\n")).says("6.1 s          -            -");
        assert_eq!(test.artifact("results.json")[0]["psnrAvgDb"], json!(null));
    }
}

#[test]
fn a_missing_tail_is_exit_5() {
    let half = Video { frames: 31, duration: "1.033333", levels: vec![("45.000000", 60)], ..Video::default() };
    let (_, ran) = smoke_of(&half, &Video::default());
    ran.exit(5).says("  N=2: frames: 31 in the render, 60 in the baseline\n");
    // What contradicts the history is reported as well.
    ran.says("  N=2: the plan has 60 frames, the delivered video 31\n");
}

#[test]
fn lost_sound_is_exit_5() {
    let sound = Video { audio_tracks: 1, ..Video::default() };
    smoke_of(&Video::default(), &sound).1.exit(5).says("audio tracks: 0 in the render, 1 in the baseline");
}

#[test]
fn other_sound_is_exit_5() {
    let sound = Video { audio_tracks: 1, samples: "AAAAAAAA", ..Video::default() };
    let noise = Video { samples: "AAAAAA\u{1}\u{1}", ..sound.clone() };
    let (_, ran) = smoke_of(&noise, &sound);
    ran.exit(5).says("  N=2: audio track 0: the residual of -12.0 dBFS is above -50.00 dBFS\n");
}

#[test]
fn records_that_contradict_the_video_are_exit_6() {
    let test = Test::new().render(|render| render.assembled = 59);
    let ran = test.smoke(&[]);
    assert_snapshot!(ran.exit(6).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)   none  FAIL

      N=2: Assemble reported 59 frames, the delivered video has 60
    FAIL  histories contradict their videos, or the plan protocols each other (exit 6); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let test = Test::new().render(|render| render.frames = 90);
    test.smoke(&[]).exit(6).says("  N=2: the plan has 90 frames, the delivered video 60\n");
}

#[test]
fn the_fixtures_threshold_is_used_unless_a_flag_names_one() {
    let meta = r#"{"minPsnr": 46, "renderConfig": {"fps": 30}}"#;
    let test = Test::new().fixture_file("meta.json", meta);
    test.smoke(&[])
        .exit(5)
        .says("mean PSNR 45.48 dB is below 46.00 dB")
        .says("mean PSNR 45.48 dB of plane y is below 46.00 dB");
    test.smoke(&["--psnr-threshold", "45"]).exit(0);
}

#[test]
fn one_bad_render_among_good_ones_fails_the_run() {
    let test = Test::new().render_of(4, |render| render.video = Video::levels(&[("20.000000", 60)]).bytes());
    let ran = test.smoke(&["--chunk-counts", "2,4,8"]);
    ran.exit(5).says("FAIL  1 of 3 renders does not match the baseline (exit 5); clean-up verified");
    let passed: Vec<bool> =
        test.artifact("results.json").as_array().unwrap().iter().map(|row| row["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, false, true]);
}

#[test]
fn another_plan_protocol_than_asked_for_is_exit_6() {
    let test = Test::new().render(|render| render.protocol = Some("v1"));
    let ran = test.smoke(&[]);
    ran.exit(6).says("  N=2: plan protocol v2 was asked for, v1 ran\n");
    assert_eq!(test.artifact("results.json")[0]["planProtocol"], "v1");
    test.smoke(&["--plan-protocol", "v1"]).exit(0);
}

#[test]
fn a_checkouts_template_may_have_no_choice_of_plan_protocol() {
    let test = Test::checkout().render(|render| render.protocol = Some("v1"));
    test.smoke(&[]).exit(0);
    let row = &test.artifact("results.json")[0];
    assert_eq!((&row["planProtocol"], &row["askedPlanProtocol"]), (&json!("v1"), &json!(null)));
    test.smoke(&["--plan-protocol", "v1"]).exit(0);
    test.smoke(&["--plan-protocol", "v2"]).exit(1).warns("plans by v1, without a choice");
    test.smoke(&["--plan-protocol", "both"]).exit(1).warns("has no choice of plan protocol");
    // A template that plans by one protocol has to get that one.
    let test = Test::checkout().render(|render| render.protocol = Some("v2"));
    test.smoke(&[]).exit(6).says("plan protocol v1 was asked for, v2 ran");
}
