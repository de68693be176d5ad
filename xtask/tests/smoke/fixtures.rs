//! Fixtures as they are in HyperFrames checkouts: what is taken, and what is refused
//! before anything is created.

use serde_json::json;

use crate::support::{Ran, Test, frames::Frames, video::Video};

/// Runs with a meta.json of its own.
fn smoke_of(meta: &serde_json::Value, args: &[&str]) -> (Test, Ran) {
    let test = Test::new().fixture_file("meta.json", meta.to_string());
    let ran = test.smoke(args);
    test.assert_account_clean();
    (test, ran)
}

/// A run that is refused before any tool or service is called.
#[track_caller]
fn assert_refused(meta: &serde_json::Value, reported: &str) {
    let (test, ran) = smoke_of(meta, &[]);
    ran.exit(1).warns(reported);
    assert_eq!((test.tools.calls(), test.aws.calls()), (vec![], vec![]));
}

#[test]
fn a_wrong_field_is_refused_with_the_files_path_and_the_fields_name() {
    let file = "<dir>/repository/fixtures/f/meta.json: ";
    assert_refused(
        &json!({"minPsnr": "40"}),
        &format!("error: fixture f: {file}minPsnr is \"40\"; it must be a number"),
    );
    assert_refused(&json!({"renderConfig": []}), &format!("{file}renderConfig is []; it must be an object"));
    let size = json!({"renderConfig": {"chunkSize": 1.5}});
    assert_refused(
        &size,
        &format!("{file}renderConfig.chunkSize is 1.5; it must be a whole number of frames, 1 to 3600"),
    );
}

#[test]
fn what_only_the_in_process_harness_reads_does_not_reach_the_handler() {
    let config = json!({"fps": "24/1", "workers": 1, "captureMode": "beginframe", "tonemap": "newer"});
    let (test, ran) = smoke_of(&json!({"name": "x", "renderConfig": config}), &[]);
    ran.exit(0);
    let account = test.aws.account();
    let config = &account.executions.values().next().unwrap().input["Config"];
    assert_eq!((&config["fps"], &config["tonemap"]), (&json!(24), &json!("newer")));
    assert_eq!((config.get("workers"), config.get("captureMode")), (None, None));
}

#[test]
fn a_rate_that_plan_protocol_v2_refuses_is_rendered_by_v1() {
    let meta = json!({"renderConfig": {"fps": 25}});
    for named in [&[][..], &["--plan-protocol", "v1"], &["--plan-protocol", "both"]] {
        let (test, ran) = smoke_of(&meta, named);
        ran.exit(0);
        let said = "fixture f is rendered by plan protocol v1: renderConfig.fps is 25, and plan protocol v2 accepts";
        assert_eq!(ran.stderr.contains(said), !named.contains(&"v1"), "{}", ran.stderr);
        let account = test.aws.account();
        let input = &account.executions.values().next().unwrap().input;
        assert_eq!((&input["Config"]["fps"], &input["PlanProtocol"]), (&json!(25), &json!("v1")));
    }
    // New handlers take it, and whoever names the protocol knows theirs.
    let (test, ran) = smoke_of(&meta, &["--plan-protocol", "v2"]);
    ran.exit(0);
    assert_eq!(test.aws.account().executions.values().next().unwrap().input["PlanProtocol"], "v2");
    let (_, ran) = smoke_of(&json!({"renderConfig": {"fps": 10}}), &["--plan-protocol", "v2"]);
    ran.exit(1)
        .warns("renderConfig.fps is 10, and plan protocol v2 accepts only 24, 30, 60, and in new versions 25 frames")
        .warns("lambda-smoke --plan-protocol v1 renders it");
}

#[test]
fn a_template_that_offers_only_v2_takes_the_rates_of_new_handlers() {
    let smoke = |fps: u32| {
        let test = Test::checkout();
        let template = test.repository.root().join("examples/aws-lambda/template.yaml");
        std::fs::write(template, include_str!("../data/checkout/today.yaml")).unwrap();
        let test = test.fixture_file("meta.json", json!({"renderConfig": {"fps": fps}}).to_string());
        test.run(&["lambda-smoke", "--fixture", "f", "--dry-run"])
    };
    smoke(25).exit(0);
    smoke(12).exit(1).warns("renderConfig.fps is 12, and plan protocol v2 accepts only 24, 30, 60");
}

#[test]
fn a_template_without_a_choice_shows_by_its_execution_which_rates_it_takes() {
    let meta = json!({"renderConfig": {"fps": 10}}).to_string();
    let test = Test::checkout().fixture_file("meta.json", meta);
    test.smoke(&[]).exit(0);
    assert_eq!(test.aws.account().executions.values().next().unwrap().input["Config"]["fps"], 10);
}

#[test]
fn high_dynamic_range_is_refused_before_anything_is_created() {
    let reported = "error: fixture f: renderConfig.hdr is true, and every handler refuses";
    assert_refused(&json!({"renderConfig": {"hdr": true}}), reported);
    let test = Test::new().fixture_file("meta.json", json!({"renderConfig": {"hdr": true}}).to_string());
    test.eval(&["--skip-local"]).exit(1).warns(reported);
}

#[test]
fn a_fixtures_chunk_size_is_sent_and_the_chunk_count_runs() {
    let (test, ran) = smoke_of(&json!({"renderConfig": {"chunkSize": 20}}), &["--chunk-counts", "2,4"]);
    // Of 20 frames a chunk two chunks would not do: the planner makes larger ones.
    ran.exit(0).warns("render    N=2: 30 frames a chunk").warns("render    N=4: 15 frames a chunk");
    let mut sent: Vec<_> =
        test.aws.account().executions.values().map(|e| e.input["Config"]["chunkSize"].clone()).collect();
    sent.sort_by_key(serde_json::Value::as_u64);
    assert_eq!(sent, [15, 20]);
    let rows = test.artifact("results.json");
    let reported = |row: &serde_json::Value| (row["plannedChunkCount"].clone(), row["chunkSize"].clone());
    assert_eq!([reported(&rows[0]), reported(&rows[1])], [(json!(2), json!(30)), (json!(4), json!(15))]);
}

#[test]
fn a_flags_chunk_size_wins_over_the_fixtures() {
    let (test, ran) = smoke_of(&json!({"renderConfig": {"chunkSize": 20}}), &["--chunk-size", "25"]);
    ran.exit(0).warns("render    N=2: 30 frames a chunk");
    assert_eq!(test.aws.account().executions.values().next().unwrap().input["Config"]["chunkSize"], 25);
}

#[test]
fn an_h265_render_is_held_against_the_h264_that_the_in_process_renderer_makes() {
    let of = |codec| {
        let meta = json!({"renderConfig": {"codec": "h265"}}).to_string();
        let test = Test::new().fixture_file("meta.json", meta).video(&Video { codec, ..Video::default() });
        test.smoke(&[])
    };
    of(("hevc", "Main")).exit(0).says("45.48 dB");
    of(("h264", "High")).exit(5).says("codec: h264 in the render, hevc in the baseline");
    of(("hevc", "Main 10")).exit(5).says("codec profile: Main 10 in the render, Main in the baseline");
}

/// A fixture of a format with alpha, and its baseline.
fn with_alpha(format: &str) -> Test {
    let test = Test::new().fixture_file("meta.json", json!({"renderConfig": {"format": format}}).to_string());
    test.fixture_file(&format!("output/output.{format}"), Video::default().bytes())
}

#[test]
fn formats_with_alpha_are_rendered_where_ffmpeg_can() {
    for format in ["mov", "webm"] {
        let test = with_alpha(format);
        test.build_and_smoke(&[]).exit(0);
        let account = test.aws.account();
        let input = &account.executions.values().next().unwrap().input;
        assert_eq!((&input["Config"]["format"], input["Config"].get("codec")), (&json!(format), None));
        assert!(input["OutputS3Uri"].as_str().unwrap().ends_with(&format!("/output.{format}")));
    }
}

#[test]
fn a_zip_has_the_encoder_for_alpha_where_a_format_needs_it() {
    let packed = |test: &Test, args: &[&str]| {
        test.build_and_smoke(args).exit(0);
        std::fs::read_to_string(test.tools.packed_names()).unwrap().contains("bin/ffmpeg-alpha\n")
    };
    assert!(packed(&with_alpha("webm"), &[]));
    assert!(!packed(&Test::new(), &[]));
    // Frames are not encoded.
    let exact = with_alpha("mov").in_process(&Frames::of(60)).delivers(&Frames::of(60));
    assert!(!packed(&exact, &["--exact"]));
}

#[test]
fn the_in_process_renderer_encodes_alpha_with_the_same_ffmpeg() {
    let encoder = |format: &str| {
        let test = with_alpha(format);
        // The fake renderer leaves no video.
        test.run(&["lambda-baseline", "f"]).exit(4);
        let seen = test.tools.environments("node");
        assert!(!seen.is_empty(), "{format}");
        seen.iter().any(|env| env.contains("/toolbox/media/ffmpeg-alpha\n"))
    };
    assert!(encoder("mov") && encoder("webm"));
    assert!(!encoder("mp4"));
}
