//! A fixture of frames among those of an eval.

use serde_json::json;

use crate::support::{
    Test,
    frames::{Frames, name, png},
};

#[test]
fn frames_are_measured_and_local_ones_are_kept_and_compared() {
    let test = Test::new().sequence(&Frames::of(60)).in_process(&Frames::of(60).with(name(7), png(9, "")));
    let ran = test.eval(&["--keep-local", "--iterations", "2"]);
    ran.exit(0).warns("f #1 compared with the baseline: PSNR 99.").warns("59 of 60 identical");
    ran.warns("f N=4 #2 compared with the local render: PSNR 99.");
    let results = test.artifact("results.json");
    let sample = &results["lambdaSamples"][0];
    assert_eq!((&sample["render"]["psnrAvgDb"], &sample["render"]["media"]), (&json!(100.0), &json!(null)));
    let local = &results["localSamples"][0];
    assert_eq!((&local["output"], &local["againstBaseline"]["frames"]), (&json!("renders/f-local-1"), &json!(60)));
    let kept = std::fs::read(test.artifacts().join("renders/f-local-2/frame_000008.png")).unwrap();
    assert_eq!(kept, png(9, ""));
    test.assert_account_clean();
}

#[test]
fn local_frames_that_are_not_kept_leave_nothing() {
    let test = Test::new().sequence(&Frames::of(60)).in_process(&Frames::of(60));
    test.eval(&["--warmup", "1"]).exit(0);
    let left: Vec<String> = test.files().into_iter().filter(|file| file.contains("local")).collect();
    assert_eq!(left, ["logs/f-local-1.log", "logs/f-local-w1.log"]);
}

#[test]
fn unequal_frames_fail_an_eval() {
    let test = Test::new().sequence(&Frames::of(60)).delivers(&Frames::of(60).with(name(7), png(200, "")));
    test.eval(&["--skip-local"]).exit(5).says("the worst is frame 7");
}
