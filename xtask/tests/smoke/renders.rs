//! Renders that fail, or can't be measured.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    STACK, Test,
    fake_aws::{End, Fault},
    video::Video,
};

const FAILS: End = End::Fails("PLAN_HASH_MISMATCH", "the plan has another hash");

#[test]
fn a_failed_execution_is_exit_4_with_state_error_and_cause() {
    let test = Test::new().render_of(4, |render| render.end = FAILS);
    let ran = test.smoke(&["--chunk-counts", "2,4,8"]);
    assert_snapshot!(ran.exit(4).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)   none  ok

      N=4 was not measured: render N=4 FAILED: state RenderChunk failed with PLAN_HASH_MISMATCH: the plan has another hash; see renders/N4-execution.json
      N=8 was not run: the run ended at N=4
    FAIL  a render failed (exit 4); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let execution = test.artifact("renders/N4-execution.json");
    assert_eq!((&execution["status"], &execution["error"]), (&json!("FAILED"), &json!("PLAN_HASH_MISMATCH")));
    assert_eq!(execution["stopDate"], "2023-11-14T22:13:26.375000+00:00");
    let history = test.artifact("renders/N4-history.json");
    assert_eq!(history["events"].as_array().unwrap().last().unwrap()["type"], "ExecutionFailed");
    let run = test.artifact("run.json");
    let reported = json!({"state": "RenderChunk", "error": "PLAN_HASH_MISMATCH", "cause": "the plan has another hash", "attempts": 1});
    assert_eq!(run["executionFailure"], reported);
    test.assert_account_clean();
}

#[test]
fn what_was_measured_before_a_failure_is_kept() {
    let test = Test::new().render_of(4, |render| render.end = FAILS);
    test.smoke(&["--chunk-counts", "2,4,8"]).exit(4);
    assert_eq!(test.artifact("results.json").as_array().unwrap().len(), 1);
    assert_eq!(test.aws.calls().iter().filter(|call| *call == "StartExecution").count(), 2);
}

#[test]
fn a_video_that_does_not_decode_is_exit_4() {
    let test = Test::new().render(|render| render.video = b"<html>".to_vec());
    let ran = test.smoke(&[]);
    ran.exit(4)
        .warns("error: <dir>/artifacts/renders/N2-output.mp4 can't be read as a video")
        .warns("Invalid data found");
    ran.says("FAIL  a render failed (exit 4); clean-up verified");
    test.assert_account_clean();
}

#[test]
fn a_video_that_ffmpeg_gives_up_on_is_exit_4() {
    let test = Test::new().tool("ffmpeg psnr", "echo 'n:1 psnr_avg:45.0'; echo 'corrupt frame' >&2; exit 69");
    test.smoke(&[]).exit(4).warns("comparing the picture").warns("corrupt frame");
    // An ffmpeg that compares fewer frames, and says that all is well.
    let one = ". \"$video\"; log_frames; levels=45.0x1; each_frame psnr_line > psnr; : > before; : > after; each_frame ssim_line > ssim; echo \"YUV4MPEG2 W$width H36\"; each_frame raw_frame";
    let test = Test::new().tool("ffmpeg psnr", &format!("{one}; exit"));
    test.smoke(&[])
        .exit(4)
        .warns("1 of 60 frames of <dir>/artifacts/renders/N2-output.mp4 have PSNR: not all were compared");
}

#[test]
fn an_execution_that_delivers_no_video_is_exit_4() {
    let test = Test::new().fault("GetObject", 99, Fault::Error(404, "NoSuchKey"));
    test.smoke(&[]).exit(4).warns("downloading s3://smoke-test-").warns("NoSuchKey");
    test.assert_account_clean();
}

#[test]
fn credentials_that_expire_in_the_middle_are_exit_4_with_the_command_to_finish_it() {
    let expired = Fault::Error(400, "ExpiredTokenException");
    let test = Test::new().fault("DescribeExecution", 9, expired);
    // The first one is of the new artifact bucket.
    test.aws.faults().add("GetBucketTagging", 2..=10, expired);
    let ran = test.smoke(&[]);
    ran.exit(4).warns("error: watching execution arn:aws:states:").warns("ExpiredTokenException");
    ran.warns("error: clean-up: ").says("the clean-up failed; finish the clean-up with: cargo xtask lambda-teardown");
    test.aws.faults().clear();
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn the_wall_clock_is_the_executions_own_to_the_millisecond() {
    let test = Test::new().render(|render| render.ended = 1_700_000_006.35);
    test.smoke(&[]).exit(0);
    assert_eq!(test.artifact("results.json")[0]["wallClockMs"], 6100);
}

#[test]
fn a_history_that_lags_behind_its_execution_is_waited_for() {
    let test = Test::new().render(|render| render.history_lag = 2);
    test.smoke(&[]).exit(0);
    let history = test.artifact("renders/N2-history.json");
    assert_eq!(history["events"].as_array().unwrap().last().unwrap()["type"], "ExecutionSucceeded");
}

#[test]
fn findings_before_a_failure_are_reported_too() {
    let ruined = Video::levels(&[("20.000000", 60)]).bytes();
    let test = Test::new().render_of(2, |render| render.video = ruined).render_of(4, |render| render.end = FAILS);
    let ran = test.smoke(&["--chunk-counts", "2,4"]);
    ran.exit(4).says("  N=2: mean PSNR 20.00 dB is below 40.00 dB\n").says("  N=4 was not measured: render N=4 FAILED");
    assert_eq!(test.artifact("run.json")["verdict"]["outcome"], "incomplete");
}

#[test]
fn an_undecodable_video_is_exit_4_although_frames_are_missing_too() {
    let half = Video { frames: 31, ..Video::default() };
    let corrupt = "case $line in *N2-output*) echo 'corrupt packet' >&2; exit 69;; esac";
    let test = Test::new().video(&half).tool("ffmpeg decode", corrupt).tool("ffmpeg psnr", corrupt);
    test.smoke(&[]).exit(4).warns("N2-output.mp4 does not decode from end to end").warns("corrupt packet");
}
