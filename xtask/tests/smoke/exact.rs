//! `--exact`: every frame must be the in-process one to the byte.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    Ran, Test,
    frames::{Frames, name, png},
};

/// A world in which the in-process renderer makes 60 frames.
fn world() -> Test {
    Test::new().in_process(&Frames::of(60)).delivers(&Frames::of(60))
}

/// Runs with a delivery of its own; the account must be clean after it.
fn smoke_of(delivered: &Frames) -> (Test, Ran) {
    let test = world().delivers(delivered);
    let ran = test.smoke(&["--exact"]);
    test.assert_account_clean();
    (test, ran)
}

#[test]
fn identical_frames_pass_and_no_baseline_is_needed() {
    let test = world();
    std::fs::remove_file(test.repository.baseline()).unwrap();
    let ran = test.smoke(&["--exact", "--chunk-counts", "2,4"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean         worst frame  unlike first  audio
         2        2       6.1 s      exact  60 of 60 identical             -      -  ok
         4        4       6.1 s      exact  60 of 60 identical             -      -  ok

    PASS  2 of 2 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    ran.warns("reference 60 frames in <dir>/artifacts/renders/exact-baseline");
    ran.warns("render    N=2: 2 chunks in 6.1 s, 60 of 60 frames identical");
    let row = &test.artifact("results.json")[1];
    let exact = &row["exact"];
    assert_eq!(
        (&exact["frames"], &exact["identicalFrames"], &row["psnrAvgDb"]),
        (&json!(60), &json!(60), &json!(null))
    );
    assert_eq!((&exact["differences"], &row["media"]), (&json!([]), &json!(null)));
    let files = test.files();
    for file in ["renders/N2-output.tar.gz", "renders/exact-baseline/frame_000060.png", "renders/exact-baseline.json"] {
        assert!(files.iter().any(|found| found == file), "{file} is not in {files:?}");
    }
    // The fixture's codec is for its video; the planner refuses it here.
    let account = test.aws.account();
    let config = &account.executions.values().next().unwrap().input["Config"];
    assert_eq!((&config["format"], config.get("codec")), (&json!("png-sequence"), None));
    drop(account);
    test.assert_account_clean();
}

#[test]
fn each_of_several_fixtures_is_compared_with_frames_of_its_own() {
    let test = world();
    let differs = Frames::of(60).with(name(30), png(7, ""));
    let test = test.render_of_fixture("other-fixture", |render| render.video = differs.tar_gz());
    let ran = test.smoke(&["--exact", "--fixtures", "f,other-fixture"]);
    ran.exit(5).warns("f N=2: 2 chunks in 6.1 s, 60 of 60 frames identical");
    ran.warns("other-fixture N=2: 2 chunks in 6.1 s, 59 of 60 frames identical");
    let rows = test.artifact("results.json");
    let identical = |nth: usize| (&rows[nth]["fixture"], &rows[nth]["exact"]["identicalFrames"]);
    assert_eq!([identical(0), identical(1)], [(&json!("f"), &json!(60)), (&json!("other-fixture"), &json!(59))]);
    let files = test.files();
    for file in [
        "renders/exact-baseline-f/frame_000060.png",
        "renders/exact-baseline-other-fixture/frame_000060.png",
        "renders/other-fixture-N2-frame_000031.png",
    ] {
        assert!(files.iter().any(|found| found == file), "{file} is not in {files:?}");
    }
    test.assert_account_clean();
}

#[test]
fn in_process_frames_are_done_before_the_first_execution() {
    let test = world().tool("node render", "sleep 1");
    test.smoke(&["--exact"]).exit(0);
    let run = test.artifact("run.json");
    let stages: Vec<&str> = run["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!(stages[stages.len() - 5..], ["reference", "deploy", "upload", "render N=2", "teardown"], "{stages:?}");
}

#[test]
fn a_pixel_that_differs_is_exit_5_and_its_frame_is_kept() {
    let (test, ran) = smoke_of(&Frames::of(60).with(name(7), png(77, "")));
    assert_snapshot!(ran.exit(5).stdout, @r"
    chunks  planned  wall clock  PSNR mean                     worst frame  audio
         2        2       6.1 s      exact  59 of 60 identical, #7: pixels      -  FAIL

      N=2: exact: 59 of 60 frames identical, 60 of 60 required: 1 differs in its pixels; the first is frame 7 (counted from 0), at 0.233 s (chunk 0)
    FAIL  1 of 1 renders does not match the baseline (exit 5); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let exact = &test.artifact("results.json")[0]["exact"];
    let difference = &exact["differences"][0];
    assert_eq!(
        (&exact["identicalFrames"], &difference["frame"], &difference["why"]),
        (&json!(59), &json!(7), &json!("pixels"))
    );
    assert!((difference["atS"].as_f64().unwrap() - 7.0 / 30.0).abs() < 1e-9);
    assert_eq!(std::fs::read(test.artifacts().join("renders/N2-frame_000008.png")).unwrap(), png(77, ""));
    assert_eq!(test.artifact("run.json")["verdict"]["outcome"], "unequal");
}

#[test]
fn other_bytes_of_the_same_pixels_are_exit_5_with_that_reason() {
    let (test, ran) = smoke_of(&Frames::of(60).with(name(7), png(7, "another encoder")));
    ran.exit(5).says("#7: encoding only").says("1 has the same pixels, encoded to other bytes");
    assert_eq!(test.artifact("results.json")[0]["exact"]["differences"][0]["why"], "encoding");
}

#[test]
fn missing_and_extra_frames_are_exit_5() {
    let (_, ran) = smoke_of(&Frames::of(59));
    ran.exit(5)
        .says("  N=2: exact: 59 of 60 frames identical, 60 of 60 required: 1 is missing; the first is frame 59 ");
    // What contradicts the history is reported as well.
    ran.says("  N=2: the plan has 60 frames, the delivered video 59\n");
    let (_, ran) = smoke_of(&Frames::of(60).without(20));
    ran.exit(5).says("1 is missing; the first is frame 20 (counted from 0), at 0.667 s");
    let (_, ran) = smoke_of(&Frames::of(61));
    ran.exit(5).says("60 of 60 frames identical, 60 of 60 required: 1 is an extra frame; the first is frame 60 ");
}

#[test]
fn lost_or_other_sound_is_exit_5() {
    let sound = |bytes: &[u8]| Frames::of(60).with("audio.m4a", bytes);
    let of = |delivered: &Frames| world().in_process(&sound(b"sound")).delivers(delivered).smoke(&["--exact"]);
    of(&sound(b"sound")).exit(0);
    of(&sound(b"noise"))
        .exit(5)
        .says("exact: audio.m4a, identical required: has different bytes from the in-process one");
    of(&Frames::of(60)).exit(5).says("exact: audio.m4a, identical required: is missing");
    let (_, ran) = smoke_of(&sound(b"sound"));
    ran.exit(5).says("exact: audio.m4a, identical required: is not in the in-process render");
}

#[test]
fn what_is_no_whole_archive_of_frames_is_exit_4() {
    let whole = Frames::of(60).tar_gz();
    let cut = "can't be read to its end: it is not a tar.gz, or it is truncated or damaged";
    for (bytes, reported) in [
        (whole[..whole.len() / 2].to_vec(), cut),
        (whole[..whole.len() - 4].to_vec(), cut),
        (Vec::new(), cut),
        (b"<html>".to_vec(), cut),
        (Frames::of(0).tar_gz(), "it contains no frames"),
        (Frames::of(60).with(name(7), *b"<html>").tar_gz(), "frame_000008.png is not a frame: it is not a PNG file"),
        (Frames::of(60).with(name(7), &png(7, "")[..80]).tar_gz(), "frame_000008.png is not a frame: it is truncated"),
        (Frames::of(60).with("frame_0.png", png(0, "")).tar_gz(), "frame_0.png: frames are numbered from 1"),
        (Frames::of(60).with("../frame_000061.png", png(0, "")).tar_gz(), "leads out of the archive's folder"),
    ] {
        let test = world().render(|render| render.video = bytes);
        let ran = test.smoke(&["--exact"]);
        ran.exit(4).warns("the archive of frames <dir>/artifacts/renders/N2-output.tar.gz").warns(reported);
        ran.says("FAIL  a render failed (exit 4); clean-up verified");
        let unpacked = |file: &&String| file.contains("frame_") && !file.starts_with("renders/exact-baseline/");
        assert_eq!(test.files().iter().find(unpacked), None);
        test.assert_account_clean();
    }
}

#[test]
fn an_in_process_render_that_can_not_be_compared_with_is_exit_4() {
    for (frames, reported) in [
        (Frames::of(0), "it contains no frames"),
        (Frames::of(60).without(20), "frame_000021.png is missing"),
        (Frames::of(60).with(name(7), *b"<html>"), "frame_000008.png is not a frame: it is not a PNG file"),
    ] {
        let test = world().in_process(&frames);
        let ran = test.smoke(&["--exact"]);
        ran.exit(4).warns("error: the in-process render can't be compared with: ").warns(reported);
        assert!(!test.aws.calls().iter().any(|call| call == "StartExecution"));
        test.assert_account_clean();
    }
    let test = world().tool("node render", "echo no browser >&2; exit 1");
    test.smoke(&["--exact"]).exit(4).warns("error: rendering f in-process: ").warns("no browser");
    test.assert_account_clean();
}

const SILENT: &str = r#"<div data-composition-id="f" data-width="64" data-height="36"></div>"#;

#[test]
fn a_composition_that_does_not_tell_its_length_is_planned_by_the_in_process_frames() {
    let test = world().in_process(&Frames::of(30)).delivers(&Frames::of(30)).fixture_file("src/index.html", SILENT);
    let test = test.render(|render| (render.frames, render.assembled) = (30, 30));
    test.smoke(&["--exact"]).exit(0).warns("render    N=2: 15 frames a chunk");
    // Nothing is created before that is known.
    let test = world().fixture_file("src/index.html", SILENT).tool("node render", "sleep 1; exit 1");
    test.smoke(&["--exact"]).exit(4).says("nothing was created");
}

#[test]
fn a_render_that_failed_is_never_a_pass() {
    use crate::support::fake_aws::End;
    let test = world().render_of(4, |render| render.end = End::Fails("PLAN_HASH_MISMATCH", "another hash"));
    let ran = test.smoke(&["--exact", "--chunk-counts", "2,4,8"]);
    ran.exit(4).says("60 of 60 identical").says("  N=4 was not measured: render N=4 FAILED");
}

#[test]
fn a_signal_ends_the_in_process_render_too() {
    let test = world().fixture_file("src/index.html", SILENT).tool("node render", "kill -INT $PPID; sleep 60");
    test.smoke(&["--exact"]).exit(130).says("STOPPED  nothing was created");
}

#[test]
fn records_that_contradict_identical_frames_are_exit_6() {
    let test = world().render(|render| render.assembled = 59);
    test.smoke(&["--exact"]).exit(6).says("Assemble reported 59 frames, the delivered video has 60");
}
