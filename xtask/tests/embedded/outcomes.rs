//! How runs end on a real emulator, with a real sam and a stand-in for the renderer.

use serde_json::json;

use crate::{
    emulator::Emulator,
    python::listing,
    repository::{Repository, video},
    run::{Runner, run},
};

#[test]
fn a_green_run_reports_every_stage_and_leaves_the_account_as_it_was() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let before = listing(&emulator);
    let (code, reported) = run(runner.smoke(&["--chunk-counts", "2,4"]));
    assert_eq!(code, Some(0), "{reported}");
    assert!(reported.contains("PASS  2 of 2 renders match the baseline; clean-up verified"), "{reported}");
    let rows = runner.json("results.json");
    let planned: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["plannedChunkCount"].clone()).collect();
    assert_eq!(planned, [2, 4]);
    assert_eq!(rows[0]["psnrAvgDb"], 100.0);
    assert_eq!(runner.json("run.json")["verdict"]["outcome"], "pass");
    assert_eq!(runner.json("cleanup-verification.json")["clean"], true);
    let events = runner.json("renders/N4-history.json")["events"].clone();
    assert_eq!(events[0]["type"], "ExecutionStarted");
    assert_eq!(listing(&emulator), before);

    // The version before: the same composition by the first plan protocol.
    let (code, reported) = run(runner.smoke(&["--plan-protocol", "v1"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(runner.json("results.json")[0]["planProtocol"], "v1");
}

#[test]
fn a_handler_that_throws_is_named_with_state_error_and_cause() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"throwIn": "assemble"}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let before = listing(&emulator);
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(4), "{reported}");
    for line in
        ["  state    AssembleV2, attempt 5 of 5", "  cause    asked to fail in assemble", "the end of /aws/lambda/"]
    {
        assert!(reported.contains(line), "{line:?} is not in\n{reported}");
    }
    assert_eq!(runner.json("run.json")["executionFailure"]["error"], "STAND_IN_FAILURE");
    assert_eq!(runner.json("renders/N2-execution.json")["status"], "FAILED");
    assert!(runner.json("renders/N2-history.json")["events"].as_array().unwrap().len() > 10);
    assert_eq!(listing(&emulator), before);
}

#[test]
fn another_video_fails_the_gate_and_is_torn_down() {
    let emulator = Emulator::start();
    for (stand_in, finding) in [
        (json!({"video": "other.mp4"}), "is below 40.00 dB"),
        (json!({"video": "short.mp4"}), "frames: 30 in the render, 60 in the baseline"),
    ] {
        let repository = Repository::new(stand_in);
        let runner = Runner::new(&repository, &emulator.endpoint);
        let before = listing(&emulator);
        let (code, reported) = run(runner.smoke(&[]));
        assert_eq!(code, Some(5), "{reported}");
        assert!(reported.contains(finding), "{reported}");
        assert_eq!(listing(&emulator), before);
    }
}

#[test]
fn records_that_contradict_the_video_are_a_semantic_mismatch() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"framesEncoded": 59}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(6), "{reported}");
    assert!(reported.contains("Assemble reported 59 frames, the delivered video has 60"), "{reported}");
}

#[test]
fn a_replaced_baseline_is_found_before_or_at_the_gate() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    video("mandelbrot=size=64x36:rate=30", &repository.baseline());
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(5), "{reported}");
    std::fs::write(repository.baseline(), b"\0\0\0\x20ftypisom but no video").unwrap();
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(1), "{reported}");
    assert!(reported.contains("the baseline of f can't be measured"), "{reported}");
}
