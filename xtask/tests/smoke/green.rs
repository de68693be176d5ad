//! Runs that pass.

use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;

use crate::support::{STACK, Test, video::Video};

#[test]
fn every_stage_is_reported_and_nothing_is_left() {
    let test = Test::new();
    let ran = test.smoke(&["--chunk-counts", "2,4"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  unlike first  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)         first   none  ok
         4        4       6.1 s   45.48 dB  44.25 dB (#59)          none   none  ok

    PASS  2 of 2 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert_snapshot!(ran.stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    [<s>] preflight all 3 tools found, in versions that work
    [<s>] baseline  f: 60 frames, 64x36, 30 fps, no sound
    [<s>] build     handler ZIP 0.0 MiB, 1.0 MiB unzipped (as found: --skip-build)
    [<s>] deploy    sam deploy smoke-test
    [<s>] deploy    bucket smoke-test-<run>-123456789012
    [<s>] render    N=2: 30 frames a chunk
    [<s>] render    N=2: 2 chunks in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB
    [<s>] render    N=4: 15 frames a chunk
    [<s>] render    N=4: 4 chunks in 6.1 s, PSNR 45.48 dB, worst frame 44.25 dB
    [<s>] teardown  3 objects deleted from smoke-test-<run>-123456789012
    [<s>] teardown  deleting stack smoke-test
    [<s>] teardown  1 object deleted from hyperframes-smoke-a222bf3f-<run>
    [<s>] teardown  verified: 7 resources gone
    ");
    test.assert_account_clean();
    assert_json_snapshot!(test.files(), @r#"
    [
      ".gitignore",
      ".run.lock",
      "cleanup-verification.json",
      "journal.jsonl",
      "junit.xml",
      "logs/sam.log",
      "renders/N2-frames.csv",
      "renders/N2-history.json",
      "renders/N2-output.mp4",
      "renders/N2-worst-baseline.png",
      "renders/N2-worst-difference.png",
      "renders/N2-worst-render.png",
      "renders/N4-frames.csv",
      "renders/N4-history.json",
      "renders/N4-output.mp4",
      "renders/N4-worst-baseline.png",
      "renders/N4-worst-difference.png",
      "renders/N4-worst-render.png",
      "renders/baseline-f.mp4",
      "report.html",
      "report.md",
      "results.json",
      "run.json"
    ]
    "#);
}

#[test]
fn the_state_machine_and_sam_get_what_was_asked_for() {
    let test = Test::new();
    let args = ["--chunk-counts", "3", "--chunk-size", "25", "--plan-protocol", "v1", "--reserved-concurrency", "0"];
    let further = ["--region", "eu-west-1", "--psnr-threshold", "33.5", "--memory-mb", "3008"];
    test.smoke(&[&args[..], &further].concat()).exit(0);
    let account = test.aws.account();
    let execution = account.executions.values().next().unwrap();
    assert_eq!(execution.input["PlanProtocol"], "v1");
    let expected = json!({
        "codec": "h264", "fps": 30, "width": 64, "height": 36, "format": "mp4", "chunkSize": 25,
        "maxParallelChunks": 3, "runtimeCap": "lambda",
    });
    assert_eq!(execution.input["Config"], expected);
    let calls = test.tools.calls();
    let deploy = calls.iter().find(|call| call.starts_with("sam deploy")).unwrap();
    assert!(deploy.contains(" ReservedConcurrency=-1 ") && deploy.contains(" --region eu-west-1 "), "{deploy}");
    assert!(deploy.contains(" LambdaMemoryMb=3008 "), "{deploy}");
    assert_eq!(test.artifact("run.json")["gate"]["psnrDb"], 33.5);
}

#[test]
fn another_number_of_chunks_than_asked_for_is_said() {
    let test = Test::new().render_of(8, |render| render.planned = Some(6));
    let ran = test.smoke(&["--chunk-counts", "2,8"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  unlike first  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)         first   none  ok
         8       6*       6.1 s   45.48 dB  44.25 dB (#59)          none   none  ok
    * 8 chunks were requested, the plan has 6 (chunk size 8)

    PASS  2 of 2 renders match the baseline; clean-up verified, 7 resources gone
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert_eq!(test.artifact("results.json")[1]["plannedChunkCount"], 6);
}

#[test]
fn identical_frames_pass() {
    let test = Test::new().video(&Video::levels(&[("inf", 60)]));
    test.smoke(&[]).exit(0).says("100.00 dB    identical");
    let row = &test.artifact("results.json")[0];
    assert_eq!((&row["psnrAvgDb"], &row["picture"]["identicalFrames"]), (&json!(100.0), &json!(60)));
}

#[test]
fn equal_sound_passes() {
    let video = Video { audio_tracks: 2, ..Video::default() };
    let test = Test::new().video(&video).fixture_file("output/output.mp4", video.bytes());
    test.smoke(&[]).exit(0).says("-inf dBFS, -inf dBFS  ok");
}

#[test]
fn a_hyperframes_checkout_is_a_repository_too() {
    let test = Test::checkout();
    test.smoke(&[]).exit(0).says("PASS  1 of 1 renders");
    test.assert_account_clean();
}

#[test]
fn environment_variables_stand_in_for_flags() {
    let test = Test::new()
        .env("FIXTURE", "f")
        .env("CHUNK_COUNTS", "5")
        .env("CHUNK_SIZE", "15")
        .env("PLAN_PROTOCOL", "v1")
        .env("PSNR_THRESHOLD", "44")
        .env("STACK_NAME", "by-environment")
        .env("RESERVED_CONCURRENCY", "3")
        .env("AWS_REGION", "eu-west-1");
    let artifacts = test.artifacts().display().to_string();
    let test = test.env("ARTIFACTS", &artifacts);
    test.run(&["lambda-smoke", "--skip-build", "--endpoint-url", &test.aws.endpoint]).exit(0);
    let run = test.artifact("run.json");
    assert_eq!(
        (&run["stack"], &run["region"], &run["fixture"]),
        (&json!("by-environment"), &json!("eu-west-1"), &json!("f"))
    );
    assert_eq!((&run["chunkCounts"], &run["gate"]["psnrDb"]), (&json!([5]), &json!(44.0)));
    let row = &test.artifact("results.json")[0];
    assert_eq!((&row["chunkSize"], &row["planProtocol"]), (&json!(15), &json!("v1")));
    assert!(test.tools.calls().iter().any(|call| call.contains(" ReservedConcurrency=3 ")));
}

#[test]
fn a_kept_stack_stays_until_it_is_torn_down() {
    let test = Test::new();
    let ran = test.smoke(&["--keep-stack"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)   none  ok

    PASS  1 of 1 renders match the baseline; stack smoke-test is kept; run on it again by --reuse-stack smoke-test; remove it with: cargo xtask lambda-teardown smoke-test --run <run> --region us-east-1 --endpoint-url <endpoint>
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert!(test.aws.account().listing().contains(&format!("stack {STACK}")));
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn an_account_gets_the_users_own_keys_and_an_endpoint_by_variable() {
    let test = Test::new();
    let endpoint = test.aws.endpoint.clone();
    let test = test.env("AWS_ENDPOINT_URL", &endpoint);
    let args = ["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2"];
    let ran = test.run(&[&args[..], &["--artifacts", &test.artifacts().display().to_string()]].concat());
    ran.exit(0).warns("target    emulator at <endpoint>, account 123456789012, us-east-1");
    assert!(test.tools.environments("sam").iter().any(|env| env.contains("AWS_SECRET_ACCESS_KEY=")));
    test.assert_account_clean();
}
