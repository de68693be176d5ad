//! Runs that pass.

use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;

use crate::support::{Test, video::Video};

/// Over two fixtures, without a local leg, whose times would differ from run to run.
const TWO: [&str; 3] = ["--fixtures", "f,other-fixture", "--skip-local"];

#[test]
fn one_look_says_how_long_for_what_money_and_how_equal() {
    let test = Test::new().nth_render(3, |render| render.ended += 1.5);
    let ran = test.eval(&[&TWO[..], &["--iterations", "3"]].concat());
    assert_snapshot!(ran.exit(0).stdout, @r"
    NOTE  These are times of an emulator, whose chunks share the processors of one machine, not of AWS Lambda; USD is what the same calls would cost on AWS.

    Time and cost (medians of the warm executions, if there are any)
    fixture        chunks  Lambda    min - max      USD
    f              1 of 4   6.1 s  6.1 - 6.1 s  0.00013
    other-fixture  1 of 4   6.1 s  6.1 - 7.6 s  0.00013

    Where the time of these executions goes (medians)
    fixture        chunks  queue   plan  chunks take  slowest  median  imbalance  assemble  efficiency
    f              1 of 4  0.1 s  0.4 s        0.5 s    0.2 s   0.2 s       1.00     0.7 s       100 %
    other-fixture  1 of 4  0.1 s  0.4 s        0.5 s    0.2 s   0.2 s       1.00     0.7 s       100 %

    Comparison with the baseline (the worst of all iterations)
    fixture        chunks  PSNR mean  worst frame               audio
    f              1 of 4   45.48 dB     44.25 dB  no-audio-on-either  ok
    other-fixture  1 of 4   45.48 dB     44.25 dB  no-audio-on-either  ok

    chunks: how many the plan has, of how many were requested
    USD per execution: Lambda's GB-seconds and requests, and state transitions (2026-11, us-east-1); S3, logs, data transfer and the free tier are not included

    PASS  6 of 6 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    test.assert_account_clean();
}

#[test]
fn one_stack_serves_all_and_every_composition_is_uploaded_once() {
    let test = Test::new();
    let ran = test.eval(&[&TWO[..], &["--iterations", "2"]].concat());
    assert_snapshot!(ran.exit(0).stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    [<s>] preflight all 3 tools found, in versions that work
    [<s>] baseline  f: 60 frames, 64x36, 30 fps, no sound
    [<s>] baseline  other-fixture: 60 frames, 64x36, 30 fps, no sound
    [<s>] build     handler ZIP 0.0 MiB, 1.0 MiB unzipped (as found: --skip-build)
    [<s>] deploy    sam deploy smoke-test
    [<s>] deploy    bucket smoke-test-<run>-123456789012
    [<s>] render    f N=4 #1: 60 frames a chunk
    [<s>] render    f N=4 #1: 1 chunk in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB (warm)
    [<s>] render    other-fixture N=4 #1: 60 frames a chunk
    [<s>] render    other-fixture N=4 #1: 1 chunk in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB (warm)
    [<s>] render    other-fixture N=4 #2: 60 frames a chunk
    [<s>] render    other-fixture N=4 #2: 1 chunk in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB (warm)
    [<s>] render    f N=4 #2: 60 frames a chunk
    [<s>] render    f N=4 #2: 1 chunk in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB (warm)
    [<s>] teardown  6 objects deleted from smoke-test-<run>-123456789012
    [<s>] teardown  deleting stack smoke-test
    [<s>] teardown  1 object deleted from hyperframes-smoke-a222bf3f-<run>
    [<s>] teardown  verified: 7 resources gone
    ");
    let deploys = test.tools.calls().iter().filter(|call| call.starts_with("sam deploy")).count();
    assert_eq!(deploys, 1);
    let uploads = test.aws.calls().iter().filter(|call| *call == "PutObject").count();
    assert_eq!(uploads, 2);
}

#[test]
fn executions_go_round_robin_under_the_scripts_names() {
    let test = Test::new();
    test.eval(&[&TWO[..], &["--iterations", "2", "--warmup", "1"]].concat()).exit(0);
    let account = test.aws.account();
    let mut names: Vec<(usize, String)> = Vec::new();
    for execution in account.executions.values() {
        names.push((execution.nth, crate::support::redacted(&execution.name)));
        assert_eq!(execution.input["Config"]["chunkSize"], 60);
        assert_eq!(execution.input["Config"]["maxParallelChunks"], 4);
    }
    names.sort();
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    assert_json_snapshot!(names, @r#"
    [
      "eval-f-<epoch>-w1",
      "eval-other-fixture-<epoch>-w1",
      "eval-other-fixture-<epoch>-1",
      "eval-f-<epoch>-1",
      "eval-f-<epoch>-2",
      "eval-other-fixture-<epoch>-2"
    ]
    "#);
}

#[test]
fn results_csv_begins_with_the_scripts_header() {
    let test = Test::new();
    test.eval(&TWO).exit(0);
    let csv = std::fs::read_to_string(test.artifacts().join("results.csv")).unwrap();
    assert_snapshot!(csv, @r"
    fixture,localMs,lambdaMs,speedup,psnrLambdaVsBaselineDb,audioStatus,audioResidualRmsDb,chunkCount,plannedChunkCount,iterations,failed,passed,lambdaMinMs,lambdaMaxMs,lambdaMadMs,coldExecutions,warmLambdaMs,localRendererMs,rendererSpeedup,speedupLow95,speedupHigh95,worstFrameDb,queueMs,planMs,slowestChunkMs,medianChunkMs,imbalance,assembleMs,parallelEfficiency,usd,coldLambdaMs,coldUsd,memoryMb,memoryUsedMb
    f,,6125,,45.479,no-audio-on-either,,4,1,1,0,true,6125,6125,0,0,6125,,,,,44.250,100,400,200,200,1.000,700,1.000,0.000126,,,,
    other-fixture,,6125,,45.479,no-audio-on-either,,4,1,1,0,true,6125,6125,0,0,6125,,,,,44.250,100,400,200,200,1.000,700,1.000,0.000126,,,,
    ");
}

#[test]
fn results_json_has_every_sample_with_its_row() {
    let test = Test::new();
    test.eval(&["--skip-local", "--iterations", "2"]).exit(0);
    let results = test.artifact("results.json");
    assert_json_snapshot!(results["cases"]);
    let samples = results["lambdaSamples"].as_array().unwrap();
    assert_eq!(samples.len(), 2);
    let second = &samples[1];
    assert_eq!((&second["fixture"], &second["iteration"], &second["start"]), (&json!("f"), &json!(2), &json!("warm")));
    assert_eq!((&second["render"]["wallClockMs"], &second["render"]["passed"]), (&json!(6125), &json!(true)));
    assert_eq!(second["render"]["history"], "renders/f-N4-2-history.json");
    assert_eq!(second["render"]["picture"]["framesUnlikeFirst"], 0);
    assert_eq!(results["prices"]["asOf"], "2026-11, us-east-1");
}

#[test]
fn every_iterations_files_are_kept() {
    let test = Test::new();
    test.eval(&["--skip-local", "--iterations", "2"]).exit(0);
    assert_eq!(
        test.files(),
        [
            ".gitignore",
            ".run.lock",
            "cleanup-verification.json",
            "hyperfine.json",
            "journal.jsonl",
            "junit.xml",
            "logs/sam.log",
            "renders/baseline-f.mp4",
            "renders/f-N4-1-frames.csv",
            "renders/f-N4-1-history.json",
            "renders/f-N4-1-output.mp4",
            "renders/f-N4-1-worst-baseline.png",
            "renders/f-N4-1-worst-difference.png",
            "renders/f-N4-1-worst-render.png",
            "renders/f-N4-2-frames.csv",
            "renders/f-N4-2-history.json",
            "renders/f-N4-2-output.mp4",
            "renders/f-N4-2-worst-baseline.png",
            "renders/f-N4-2-worst-difference.png",
            "renders/f-N4-2-worst-render.png",
            "report.html",
            "report.md",
            "results.csv",
            "results.json",
            "run.json",
            "samples.csv",
            "samples.jsonl",
        ]
    );
}

#[test]
fn a_render_of_any_iteration_that_is_unequal_fails_the_gate() {
    let bad = Video::levels(&[("45.500000", 59), ("12.000000", 1)]);
    let test = Test::new().nth_render(2, |render| render.video = bad.bytes());
    let ran = test.eval(&["--skip-local", "--iterations", "3"]);
    ran.exit(5)
        .says("f N=4 #2: frames below 30.00 dB: 1, allowed: 0")
        .says("FAIL  1 of 3 renders does not match the baseline");
    let case = &test.artifact("results.json")["cases"][0];
    assert_eq!((&case["passed"], &case["failed"], &case["worstFrameDb"]), (&json!(false), &json!(0), &json!(12.0)));
    test.assert_account_clean();
}

#[test]
fn run_json_says_what_was_asked_for() {
    let test = Test::new().env("ITERATIONS", "2");
    test.eval(&["--skip-local"]).exit(0);
    let run = test.artifact("run.json");
    assert_eq!((&run["command"], &run["exitCode"]), (&json!("lambda-eval"), &json!(0)));
    let asked =
        ["fixtures", "chunkCounts", "chunkSize", "iterations", "warmup", "localLeg"].map(|key| run[key].clone());
    assert_json_snapshot!(asked, @r#"
    [
      {
        "f": {
          "psnrDb": 40.0,
          "secondPsnrDb": 37.0,
          "framePsnrDb": 30.0,
          "maxFrameFailures": 0,
          "regionLevels": 1.5,
          "toneLevels": 0.6,
          "detailLevels": 2.4,
          "sharpnessDb": 2.6,
          "histogramLevels": 0.34,
          "shiftFrames": 0.35,
          "displacementSamples": 0.5,
          "audioResidualDbfs": -50.0,
          "audioWindowDbfs": -40.0,
          "audioMomentDb": -12.0,
          "audioClickDb": -6.0,
          "audioBandDb": 6.0
        }
      },
      [
        4
      ],
      60,
      2,
      0,
      false
    ]
    "#);
    let stages: Vec<&str> = run["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert!(stages.contains(&"f N=4 #1") && stages.contains(&"f N=4 #2"), "{stages:?}");
}

#[test]
fn other_prices_are_used_and_reported() {
    let test = Test::new();
    let file = test.artifacts().with_file_name("prices.json");
    std::fs::write(&file, r#"{"asOf":"a test","gbSecondUsd":1,"requestUsd":0,"transitionUsd":0}"#).unwrap();
    let ran = test.eval(&["--skip-local", "--prices", &file.display().to_string()]);
    ran.exit(0).says("(a test)");
    let results = test.artifact("results.json");
    let row = &results["lambdaSamples"][0]["render"];
    assert_eq!(row["cost"]["usd"], row["cost"]["gbSeconds"]);
}

#[test]
fn samples_are_exported_for_other_programs() {
    let test = Test::new();
    test.eval(&["--skip-local", "--iterations", "2"]).exit(0);
    let text = |name: &str| std::fs::read_to_string(test.artifacts().join(name)).unwrap();
    let csv = text("samples.csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "fixture,leg,protocol,chunkCount,plannedChunkCount,iteration,start,wallMs,usd,psnrAvgDb,passed,failure,memoryMb,memoryUsedMb"
    );
    assert!(lines.len() == 3 && lines[1].starts_with("f,lambda,v2,4,1,1,warm,6125,0.000"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(text("samples.jsonl").lines().nth(1).unwrap()).unwrap();
    assert_eq!((&json["iteration"], &json["wallMs"], &json["failure"]), (&json!(2), &json!(6125), &json!(null)));
    let hyperfine: serde_json::Value = serde_json::from_str(&text("hyperfine.json")).unwrap();
    let result = &hyperfine["results"][0];
    assert_eq!((&result["command"], &result["times"]), (&json!("f N=4"), &json!([6.125, 6.125])));
    assert_eq!((&result["median"], &result["exit_codes"]), (&json!(6.125), &json!([0, 0])));
}
