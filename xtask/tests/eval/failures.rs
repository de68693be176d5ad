//! Samples that fail.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    Test,
    fake_aws::{End, Fault},
};

const FAILS: End = End::Fails("VIDEO_SOURCE_UNRENDERABLE", "clip.mp4 can't be decoded");

#[test]
fn a_failed_iteration_is_reported_and_the_good_ones_stay() {
    let test = Test::new().nth_render(2, |render| render.end = FAILS);
    let ran = test.eval(&["--skip-local", "--iterations", "3"]);
    assert_snapshot!(ran.exit(4).stdout, @r"
    NOTE  These are times of an emulator, whose chunks share the processors of one machine, not of AWS Lambda; USD is what the same calls would cost on AWS.

    Time and cost (medians of the warm executions, if there are any)
    fixture  chunks            Lambda    min - max      USD
    f        1 of 4  6.1 s (1 failed)  6.1 - 6.1 s  0.00013

    Where the time of these executions goes (medians)
    fixture  chunks  queue   plan  chunks take  slowest  median  imbalance  assemble  efficiency
    f        1 of 4  0.1 s  0.4 s        0.5 s    0.2 s   0.2 s       1.00     0.7 s       100 %

    Comparison with the baseline (the worst of all iterations)
    fixture  chunks  PSNR mean  worst frame               audio
    f        1 of 4   45.48 dB     44.25 dB  no-audio-on-either  FAIL

    chunks: how many the plan has, of how many were requested
    USD per execution: Lambda's GB-seconds and requests, and state transitions (2026-11, us-east-1); S3, logs, data transfer and the free tier are not included

      f N=4 #2 was not measured: render f N=4 #2 FAILED: state RenderChunk failed with VIDEO_SOURCE_UNRENDERABLE: clip.mp4 can't be decoded; see renders/f-N4-2-execution.json
    FAIL  not every planned render was measured (exit 4); clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    let results = test.artifact("results.json");
    let failed = &results["lambdaSamples"][1];
    assert_eq!(failed.get("render"), None);
    assert!(failed["failure"].as_str().unwrap().contains("VIDEO_SOURCE_UNRENDERABLE"), "{failed}");
    assert_eq!((&results["cases"][0]["failed"], &results["cases"][0]["lambdaMs"]["count"]), (&json!(1), &json!(2)));
    test.assert_account_clean();
}

#[test]
fn a_fixture_that_never_renders_leaves_the_others_complete() {
    let test = Test::new().render_of_fixture("f", |render| render.end = FAILS);
    let ran = test.eval(&["--skip-local", "--fixtures", "f,other-fixture", "--iterations", "2"]);
    ran.exit(4);
    ran.says(
        "f N=4 #1 was not measured: render f N=4 #1 FAILED: state RenderChunk failed with VIDEO_SOURCE_UNRENDERABLE",
    );
    let csv = std::fs::read_to_string(test.artifacts().join("results.csv")).unwrap();
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert!(rows[0].starts_with("f,,,,,,,4,,2,2,false,"), "{csv}");
    assert!(rows[1].starts_with("other-fixture,,6125,,45.479,no-audio-on-either,,4,1,2,0,true,"), "{csv}");
    test.assert_account_clean();
}

#[test]
fn what_failed_is_repeated_at_its_own_chunk_counts_and_in_chunks_of_the_same_size() {
    // The second round begins with the next fixture and the next chunk count.
    let test = Test::new().nth_render(6, |render| render.end = FAILS);
    let all = ["--skip-local", "--fixtures", "f,other-fixture", "--iterations", "2"];
    test.eval(&[&all[..], &["--chunk-counts", "1,2", "--chunk-size", "60"]].concat()).exit(4);
    let failed = test.artifact("run.json")["runId"].clone();
    let ran = test.eval(&["--skip-local", "--rerun-failed"]);
    ran.exit(0).warns("note: repeating renders of run").warns(": other-fixture N=1\n");
    let run = test.artifact("run.json");
    assert_eq!((&run["repeats"], &run["chunkCounts"], &run["chunkSize"]), (&failed, &json!([1]), &json!(60)));
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 1);
    test.eval(&["--skip-local", "--rerun-failed"]).exit(1).warns("--rerun-failed: every render of run");
    for (given, flag) in [("--chunk-count", "--chunk-count <N>"), ("--chunk-counts", "--chunk-counts <N,N,..>")] {
        let both = test.eval(&["--skip-local", "--rerun-failed", "latest", given, "2"]);
        both.exit(1).warns(&format!("cannot be used with '{flag}'"));
    }
    test.eval(&["--skip-local", "--dry-run", "--rerun-failed", failed.as_str().unwrap()]).exit(0).never_says("N=2");
    test.assert_account_clean();
}

#[test]
fn what_failed_is_repeated_with_its_own_sizes_of_memory() {
    // In the first round, of N=1 and N=2 with 2048 MB, then with 4096 MB, and then with 6144 MB.
    let test = Test::new().nth_render(2, |render| render.end = FAILS).nth_render(5, |render| render.end = FAILS);
    test.eval(&["--skip-local", "--chunk-counts", "1,2", "--memory-mb", "2048,4096,6144", "--iterations", "1"]).exit(4);
    let failed = test.artifact("run.json")["runId"].clone();
    let again = |args: &[&str]| {
        test.eval(&[&["--skip-local", "--rerun-failed", failed.as_str().unwrap(), "--iterations", "1"], args].concat())
    };
    again(&["--memory-mb", "4096"]).exit(1).warns("had 2048 MB, 6144 MB; leave out --memory-mb");
    again(&[]).exit(0).warns(": f 2048 MB N=2, f 6144 MB N=1\n");
    assert_eq!(test.artifact("run.json")["memoryMb"], json!([2048, 6144]));
    let ids = |results: &serde_json::Value| {
        let samples = results["lambdaSamples"].as_array().unwrap();
        samples.iter().map(|one| [one["memoryMb"].clone(), one["chunkCount"].clone()]).collect::<Vec<_>>()
    };
    assert_eq!(ids(&test.artifact("results.json")), [[2048, 2], [6144, 1]]);
    again(&["--memory-mb", "6144"]).exit(0);
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 1);
    test.assert_account_clean();
}

#[test]
fn when_everything_fails_the_run_does() {
    let test = Test::new().render(|render| render.end = FAILS);
    test.eval(&["--skip-local"]).exit(4).says("FAIL  not every planned render was measured (exit 4)");
    test.assert_account_clean();
}

#[test]
fn a_failed_warm_up_fails_the_gate() {
    let test = Test::new().nth_render(1, |render| render.end = FAILS);
    let ran = test.eval(&["--skip-local", "--warmup", "1"]);
    ran.exit(4).says("f N=4 warm-up 1 failed: render f N=4 warm-up 1 FAILED: state RenderChunk failed");
    assert_eq!(test.artifact("results.json")["cases"][0]["failed"], 0);
    test.assert_account_clean();
}

#[test]
fn a_video_that_does_not_decode_is_a_failed_sample() {
    let test = Test::new().nth_render(1, |render| render.video = b"<html>".to_vec());
    let ran = test.eval(&["--skip-local", "--iterations", "2"]);
    ran.exit(4).says("f N=4 #1 was not measured: ").says("can't be read as a video");
    assert_eq!(test.artifact("results.json")["cases"][0]["lambdaMs"]["count"], 1);
}

#[test]
fn an_aws_that_is_gone_ends_the_run_with_what_was_measured() {
    let test = Test::new().nth_render(2, |render| render.end = FAILS).fault_at(
        "GetCallerIdentity",
        2,
        Fault::Error(403, "ExpiredToken"),
    );
    let ran = test.eval(&["--skip-local", "--iterations", "4"]);
    ran.exit(4).warns("nothing more can be measured");
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 2);
    ran.says("f N=4 #4 was not measured");
}

#[test]
fn ctrl_c_in_the_middle_keeps_the_samples_and_cleans_up() {
    let test = Test::new().fault_at("StartExecution", 3, Fault::Signal(rustix::process::Signal::INT));
    let ran = test.eval(&["--skip-local", "--iterations", "4"]);
    ran.exit(130).says("STOPPED");
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 2);
    test.assert_account_clean();
}
