//! Fixtures of format png-sequence: frames are measured as a video's are.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    Ran, Test,
    frames::{Frames, name, png},
    video::Video,
};

fn world() -> Test {
    Test::new().sequence(&Frames::of(60))
}

/// Runs with a delivery of its own; the account must be clean after it.
fn smoke_of(delivered: &Frames) -> (Test, Ran) {
    let test = world().delivers(delivered);
    let ran = test.smoke(&[]);
    test.assert_account_clean();
    (test, ran)
}

/// Frames with a gray of their own each, 4 levels of 255 apart.
fn apart() -> Frames {
    (0..60).fold(Frames::of(60), |frames, i| frames.with(name(i), png(i * 4, "")))
}

#[test]
fn identical_frames_pass_as_videos_do() {
    let test = world();
    let ran = test.smoke(&["--chunk-counts", "2,4"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean  worst frame  unlike first  audio
         2        2       6.1 s  100.00 dB    identical         first   none  ok
         4        4       6.1 s  100.00 dB    identical          none   none  ok

    PASS  2 of 2 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    ran.warns("baseline  f: 60 frames, 64x36, 30 fps, no sound");
    let row = &test.artifact("results.json")[1];
    let planes: Vec<_> =
        row["picture"]["planes"].as_array().unwrap().iter().map(|p| p["plane"].as_str().unwrap()).collect();
    assert_eq!((planes.concat().as_str(), &row["picture"]["identicalFrames"]), ("rgba", &json!(60)));
    assert_eq!(
        (&row["media"], &row["exact"], &row["audioStatus"]),
        (&json!(null), &json!(null), &json!("no-audio-on-either"))
    );
    let files = test.files();
    for file in ["renders/N2-output.tar.gz", "renders/N2-frames.csv", "report.html", "junit.xml"] {
        assert!(files.iter().any(|found| found == file), "{file} is not in {files:?}");
    }
    let csv = std::fs::read_to_string(test.artifacts().join("renders/N2-frames.csv")).unwrap();
    assert!(csv.lines().nth(31).is_some_and(|line| line.starts_with("30,1.000000,inf,")), "{csv}");
    let account = test.aws.account();
    let input = &account.executions.values().next().unwrap().input;
    assert_eq!(input["Config"]["format"], "png-sequence");
    assert!(input["OutputS3Uri"].as_str().unwrap().ends_with("/output.tar.gz"));
    // Neither ffmpeg nor ffprobe has anything to look at.
    let calls = test.tools.calls();
    assert!(!calls.iter().any(|call| call.contains("output")), "{calls:?}");
}

#[test]
fn the_same_pixels_in_other_bytes_are_identical() {
    let (test, ran) = smoke_of(&Frames::of(60).encoded_again());
    ran.exit(0).warns("N=2: 2 chunks in 6.1 s, every frame identical");
    assert_eq!(test.artifact("results.json")[0]["picture"]["identicalFrames"], 60);
}

#[test]
fn a_ruined_frame_is_exit_5_and_kept_to_look_at() {
    let (test, ran) = smoke_of(&Frames::of(60).with(name(7), png(200, "")));
    assert_snapshot!(ran.exit(5).stdout, @r"
    chunks  planned  wall clock  PSNR mean   worst frame  audio
         2        2       6.1 s   98.37 dB  2.42 dB (#7)   none  FAIL

      N=2: the second that starts at frame 0 has 17.19 dB by its mean squared error, below 37.00 dB (chunk 0)
      N=2: frames below 30.00 dB: 1, allowed: 0; the worst is frame 7 (from 0, at 0.233 s) with 2.42 dB (chunk 0)
      N=2: a region of 32x24 pixels at (0, 0) is 193.0 levels higher in plane r than in the baseline (1.5 are allowed there) in frame 7 (at 0.233 s) (chunk 0)
      N=2: the whole of plane r is 193.00 levels higher than in the baseline in frame 7 (at 0.233 s): another brightness or color (chunk 0)
      N=2: plane r is 3.9 frames early in every other one of frames 5 to 7 (from 0.167 s to 0.233 s), by the blocks that move: frames are repeated, dropped, swapped, or blended, or what moves stands aside (chunk 0)
    FAIL  1 of 1 renders does not match the baseline (exit 5); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let row = &test.artifact("results.json")[0];
    assert_eq!((&row["picture"]["worstFrame"], &row["worstFrameImages"]["frame"]), (&json!(7), &json!(7)));
    for part in ["baseline", "render", "difference"] {
        let picture = std::fs::read(test.artifacts().join(format!("renders/N2-worst-{part}.png"))).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
    }
    let page = std::fs::read_to_string(test.artifacts().join("report.html")).unwrap();
    assert!(page.contains("The worst frame #7") && page.contains("PSNR of every frame"));
}

#[test]
fn the_fixtures_limits_hold_for_frames() {
    let meta = r#"{"minPsnr":40,"maxFrameFailures":1,"renderConfig":{"fps":30,"format":"png-sequence"}}"#;
    let test = world().fixture_file("meta.json", meta).delivers(&Frames::of(60).with(name(7), png(200, "")));
    test.smoke(&[]).exit(0).says("(#7)");
    test.smoke(&["--psnr-threshold", "99"]).exit(5).says("is below 99.00 dB");
}

#[test]
fn frames_that_show_their_neighbors_are_exit_5() {
    let test = Test::new().sequence(&apart()).delivers(&apart().with(name(20), png(19 * 4, "re-encoded")));
    test.smoke(&[]).exit(5).says("frame 20 shows the baseline's frame 19 (inf dB) instead of its own");
}

#[test]
fn a_render_that_stands_still_is_exit_5() {
    // The second half is the first over again, but for one level of gray in the baseline.
    let nearly =
        |brighter: u8| (30..60).fold(Frames::of(60), |frames, i| frames.with(name(i), png(i - 30 + brighter, "")));
    let test = Test::new().sequence(&nearly(1)).delivers(&nearly(0));
    test.smoke(&[])
        .exit(5)
        .says("the render is frozen: chunks 0 and 1 have the same frames, but the baseline changes between them");
}

#[test]
fn a_still_beginning_hides_no_frozen_end() {
    // Chunks 0 and 1 are alike in both; 3 is 2 over again, but for one level of gray in the baseline.
    let halves = |brighter: u8| {
        (0..60).fold(Frames::of(60), |frames, i| {
            let gray = if i < 30 { i % 15 } else { 100 + i % 15 };
            frames.with(name(i), png(if i < 45 { gray } else { gray + brighter }, ""))
        })
    };
    let test = Test::new().sequence(&halves(1)).delivers(&halves(0));
    let frozen =
        "N=4: the render is frozen: chunks 2 and 3 have the same frames, but the baseline changes between them";
    test.smoke(&["--chunk-counts", "4"]).exit(5).says(frozen);
    Test::new().sequence(&halves(0)).delivers(&halves(0)).smoke(&["--chunk-counts", "4"]).exit(0);
}

#[test]
fn other_numbers_sizes_and_formats_are_reported_without_figures() {
    let (test, ran) = smoke_of(&Frames::of(59));
    ran.exit(5).says("  N=2: frames: 59 in the render, 60 in the baseline\n");
    assert_eq!(test.artifact("results.json")[0]["picture"], json!(null));
    let (_, ran) = smoke_of(&Frames::of(61).without(20));
    ran.exit(5).says("  N=2: frame 20: missing in the render, present in the baseline\n");
    let opaque = {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 64, 36);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&[7; 64 * 36 * 3]).unwrap();
        file
    };
    let (_, ran) = smoke_of(&Frames::of(60).with(name(7), opaque));
    ran.exit(5).says("pixel format of frame 7: 8-bit rgb in the render, 8-bit rgba in the baseline");
}

#[test]
fn audio_with_the_frames_is_measured() {
    let with = |sound: &[u8]| Frames::of(60).with("audio.m4a", sound);
    let sound = |samples| Video { audio_tracks: 1, samples, ..Video::default() }.bytes();
    let of = |delivered: &Frames| {
        let test = Test::new().sequence(&with(&sound("AAAAAAAA"))).delivers(delivered);
        let ran = test.smoke(&[]);
        (test, ran)
    };
    let (test, ran) = of(&with(&sound("AAAAAAAA")));
    ran.exit(0).says("-inf dBFS").warns("30 fps, sound");
    assert_eq!(test.artifact("results.json")[0]["audioStatus"], "OK");
    let (test, ran) = of(&with(&sound("AAAAAA\u{1}\u{1}")));
    ran.exit(5).says("audio track 0: the residual of");
    assert_eq!(test.artifact("results.json")[0]["audioStatus"], "DRIFT");
    let (test, ran) = of(&Frames::of(60));
    ran.exit(5).says("audio.m4a: missing in the render, present in the baseline");
    assert_eq!(test.artifact("results.json")[0]["audioStatus"], "audio-stream-mismatch");
    let stereo = Video { audio_tracks: 2, ..Video::default() }.bytes();
    let (_, ran) = of(&with(&stereo));
    ran.exit(5).says("audio tracks of audio.m4a: 2 in the render, 1 in the baseline");
}

#[test]
fn what_has_no_sound_must_be_the_same_bytes() {
    let with = |bytes: &[u8]| Frames::of(60).with("notes.txt", bytes);
    let test = Test::new().sequence(&with(b"one"));
    test.smoke(&[]).exit(0);
    test.delivers(&with(b"two")).smoke(&[]).exit(5).says("bytes of notes.txt: sha256 ");
}

#[test]
fn a_record_of_frames_is_written_and_held() {
    let test = world();
    test.smoke(&["--update-expected"]).exit(0).warns("N=2: new, mean PSNR 100.00 dB");
    test.smoke(&[]).exit(0);
    let test = test.delivers(&Frames::of(60).encoded_again());
    test.smoke(&[]).exit(5).says("the hash of all decoded frames is");
}

#[test]
fn both_plan_protocols_must_deliver_the_same_frames() {
    let test = world();
    test.smoke(&["--plan-protocol", "both", "--require-encoded-sha-equal"])
        .exit(0)
        .warns("v1 and v2 delivered identical files");
    let other = Frames::of(60).with(name(3), png(4, ""));
    let test = test.account(|account| account.renders.v1 = Some(other.tar_gz()));
    test.smoke(&["--plan-protocol", "both", "--max-tone-difference", "2"])
        .exit(6)
        .says("decoded frames: 1 of 60 differ, the first is 3");
}

#[test]
fn exact_fails_on_other_bytes_with_the_same_pixels() {
    let test = world().in_process(&Frames::of(60)).delivers(&Frames::of(60).encoded_again());
    test.smoke(&["--exact"]).exit(5).says("have the same pixels, encoded to other bytes");
}

#[test]
fn what_is_no_whole_archive_is_exit_4() {
    let whole = Frames::of(60).tar_gz();
    let test = world().render(|render| render.video = whole[..whole.len() / 2].to_vec());
    test.smoke(&[]).exit(4).warns("it is not a tar.gz, or it is truncated or damaged");
    test.assert_account_clean();
}

#[test]
fn a_baseline_that_is_no_sequence_is_refused_before_anything_is_created() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    for (baseline, reported) in [
        (Frames::of(0), "output/frames has no frames, such as frame_000001.png"),
        (Frames::of(60).without(20), "frame_000021.png is missing"),
        (Frames::of(60).with(name(3), *b"<html>"), "frame_000004.png is not a frame: it is not a PNG file"),
        (Frames::of(60).with(name(3), pointer), "output/frames/frame_000004.png is a git-LFS pointer"),
        (Frames::of(60).with("cover.png", png(0, "")), "cover.png is not the name of a frame"),
    ] {
        let test = Test::new().sequence(&baseline);
        test.smoke(&[]).exit(1).warns(reported);
        test.assert_account_clean();
        assert!(!test.aws.calls().iter().any(|call| call.starts_with("Create")), "{:?}", test.aws.calls());
    }
}

#[test]
fn a_baseline_of_frames_is_rendered_and_replaced() {
    let test = world().in_process(&Frames::of(60).with(name(7), png(9, "")));
    let frame = test.repository.fixture_file("output/frames/frame_000008.png");
    test.run(&["lambda-baseline", "f"])
        .exit(5)
        .says("differs: PSNR 99.")
        .says("FAIL  the committed baseline differs from what the renderer makes now (exit 5)")
        .says("59 of 60 frames identical")
        .says("is unchanged");
    assert_eq!(std::fs::read(&frame).unwrap(), png(7, ""));
    test.run(&["lambda-baseline", "f", "--update"]).exit(0).says("output/frames is replaced");
    assert_eq!(std::fs::read(&frame).unwrap(), png(9, ""));
    test.run(&["lambda-baseline", "f"]).exit(0).says("the new render is identical to the committed baseline");
    let left = std::fs::read_dir(test.repository.fixture_file("output")).unwrap().count();
    assert_eq!(left, 3, "frames, output.mp4 and provenance.json");
}

#[test]
fn any_two_sequences_are_compared() {
    let test = world().delivers(&Frames::of(60).with(name(7), png(200, "")));
    let baseline = test.repository.fixture_file("output/frames").display().to_string();
    let dir = test.state().with_file_name("compared");
    std::fs::create_dir(&dir).unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        std::fs::write(dir.join(name), bytes).unwrap();
        dir.join(name).display().to_string()
    };
    let same = file("same.tar.gz", Frames::of(60).encoded_again().tar_gz());
    assert_snapshot!(test.run(&["lambda-compare", &same, &baseline]).exit(0).stdout, @r"
    PSNR    mean 100.00 dB (r 100.00, g 100.00, b 100.00, a 100.00), from mean MSE inf dB
    frames  60, 60 identical; worst inf dB (#0, at 0.000 s), 1st percentile inf dB
    SSIM    mean 1.0000, worst 1.0000 (#0)
    local   at most: region 0.00, tone 0.00, detail 0.00, histogram 0.00 levels, sharpness 0.00 dB, shift 0.00 frames, 0.00 samples
    audio   no-audio-on-either
    PASS  matches the baseline
    ");
    let other = file("other.tar.gz", Frames::of(60).with(name(30), png(200, "")).tar_gz());
    let reported = test.run(&["lambda-compare", &other, &baseline, "--fps", "10", "--json"]).exit(5).stdout.clone();
    let reported: serde_json::Value = serde_json::from_str(&reported).unwrap();
    assert_eq!((&reported["render"]["frames"], &reported["baseline"]["width"]), (&json!(60), &json!(64)));
    assert!(
        reported["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|found| found["message"].as_str().unwrap().contains("at 3.000 s"))
    );
    test.run(&["lambda-compare", &baseline, &baseline]).exit(0);
    test.run(&["lambda-compare", &baseline, &same]).exit(1).warns("output/frames is no file");
    let pointer = file("pointer.tar.gz", b"version https://git-lfs.github.com/spec/v1\n".to_vec());
    test.run(&["lambda-compare", &pointer, &baseline]).exit(1).warns("pointer.tar.gz is a git-LFS pointer");
    let text = file("text.tar.gz", b"no archive".to_vec());
    test.run(&["lambda-compare", &text, &baseline]).exit(4).warns("it is not a tar.gz");
}
