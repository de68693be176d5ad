//! Before spending: `--dry-run` and `--max-cost-usd`.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Test, fake_aws::End};

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let test = Test::new();
    let ran = test.build_and_smoke(&["--dry-run", "--chunk-counts", "2,4"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    lambda-smoke would run on the emulator at <endpoint>, us-east-1

    create
      bucket hyperframes-smoke-a222bf3f-<run>, for what sam uploads, tagged with run and stack
      stack smoke-test, from <dir>/repository/examples/aws-lambda/template.yaml
        bucket smoke-test-<run>-<account>
        function smoke-test-<run>-render, 10240 MB, x86_64, for assemble, plan, renderChunk, reserved concurrency 16
        state machine smoke-test-<run>-render
        4 x AWS::CloudWatch::Alarm, 2 x AWS::IAM::Role, 2 x AWS::Logs::LogGroup

    call
      bun install --frozen-lockfile --ignore-scripts (in <dir>/repository/examples/aws-lambda/handler, unless installed)
      bun run bundle.ts <staging folder> (unless the ZIP is of these inputs)
      zip -X -D -q -@ <staging folder>/handler.zip
      sam validate --lint --template-file <dir>/repository/examples/aws-lambda/template.yaml --region us-east-1
      sam deploy --template-file <dir>/repository/examples/aws-lambda/template.yaml --stack-name smoke-test --s3-bucket hyperframes-smoke-a222bf3f-<run> --s3-prefix smoke-test --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar --parameter-overrides ProjectName=smoke-test-<run> ChromeSource=sparticuz ReservedConcurrency=16 --tags HyperframesSmokeRun=<run> --region us-east-1

    render
      N=2: 60 frames in 2 chunks, 30 frames each at most
      N=4: 60 frames in 4 chunks, 15 frames each at most

    remove
      all of it, and check that each resource is gone

    cost: about 0.01262 USD (736 GB-s, 10 requests, 14 state transitions), by a default of 5 s a plan, 8 s + 80 ms a frame for each chunk, 3 s an assembly; S3, logs and data transfer are left out
    dry run: nothing was created, and AWS was not called
    ");
    assert_eq!(ran.stderr, "");
    test.assert_nothing_happened();
}

#[test]
fn a_function_with_less_memory_costs_less() {
    let test = Test::new();
    let ran = test.smoke(&["--dry-run", "--chunk-counts", "2,4", "--memory-mb", "3008"]);
    ran.exit(0).says("-render, 3008 MB, ").says("cost: about 0.00396 USD (216 GB-s, ");
    let ran = test.smoke(&["--dry-run", "--memory-mb", "128"]);
    ran.exit(1).warns("Parameters.LambdaMemoryMb (line 17) accepts 1024 to 10240, not 128, and --memory-mb gives it");
    test.assert_nothing_happened();
}

#[test]
fn a_dry_run_of_an_unknown_length_says_so() {
    let html = r#"<div data-composition-id="f" data-duration="auto"></div>"#;
    let test = Test::new().fixture_file("src/index.html", html);
    let ran = test.smoke(&["--dry-run"]);
    ran.exit(0).says("cost: not known, because the composition does not say how long it is");
    ran.says("N=2: the number of frames follows from its baseline");
    test.assert_nothing_happened();
}

#[test]
fn a_dry_run_is_refused_for_what_the_run_would_be() {
    let test = Test::new();
    test.smoke(&["--dry-run", "--fixture", "nope"]).exit(1).warns("there is no fixture \"nope\"");
    let ran = test.smoke(&["--dry-run", "--max-cost-usd", "0.0001"]);
    ran.exit(1).says("dry run: nothing was created").warns("--max-cost-usd allows 0.0001 USD");
    test.assert_nothing_happened();
}

#[test]
fn the_estimate_is_by_what_chunks_took_last_time() {
    let test = Test::new();
    test.smoke(&[]).exit(0);
    let ran = test.smoke(&["--dry-run"]);
    ran.exit(0).says("by what its chunks took in <dir>/artifacts/results.json");
    assert!(test.artifact("results.json").is_array(), "the dry run took the last run's results away");
}

#[test]
fn more_than_the_ceiling_is_refused_before_anything_is_created() {
    let test = Test::new();
    let ran = test.smoke(&["--max-cost-usd", "0.001"]);
    ran.exit(1).warns("error: the planned renders: about 0.0").warns("--max-cost-usd allows 0.001 USD");
    test.assert_account_clean();
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    Test::new().env("MAX_COST_USD", "0.001").smoke(&[]).exit(1);
    test.smoke(&["--max-cost-usd", "1"]).exit(0);
}

#[test]
fn a_run_that_comes_to_the_ceiling_ends_with_what_it_has() {
    // The first render costs more than was to be foreseen.
    let costly = json!({"asOf": "a test", "gbSecondUsd": 0, "requestUsd": 0.01, "transitionUsd": 0});
    let test = Test::new().render_of(2, |render| render.planned = Some(60));
    let prices = test.artifacts().with_file_name("prices.json");
    std::fs::write(&prices, costly.to_string()).unwrap();
    // 4 and 6 requests are planned for, of which the first render makes 62.
    let args = ["--chunk-counts", "2,4", "--max-cost-usd", "0.5", "--prices", &prices.display().to_string()];
    let ran = test.smoke(&args);
    ran.exit(4)
        .warns("error: N=4: about 0.06")
        .says("N=4 was not run: N=4: about 0.06")
        .says("FAIL  stopped by --max-cost-usd before N=4 (exit 4)");
    assert_eq!(test.aws.calls().iter().filter(|call| *call == "StartExecution").count(), 1);
    test.assert_account_clean();
}

#[test]
fn an_execution_that_could_pass_the_ceiling_is_stopped() {
    let test = Test::new();
    // Its chunks took milliseconds, so little is to be foreseen.
    test.smoke(&[]).exit(0);
    test.aws.account().renders.usual.end = End::Never;
    // All of a second of 2 chunks at once would cost 0.00034 USD.
    let ran = test.smoke(&["--max-cost-usd", "0.0005"]);
    ran.exit(4).warns("render N=2 ABORTED");
    assert!(test.aws.calls().iter().any(|call| call == "StopExecution"));
    test.assert_account_clean();
}

#[test]
fn an_amount_that_is_none_is_reported() {
    let test = Test::new();
    test.smoke(&["--max-cost-usd", "cheap"]).exit(1).warns("\"cheap\" is not an amount of USD above 0 (example: 0.50)");
    test.smoke(&["--max-cost-usd", "-1"]).exit(1).warns("is not an amount of USD above 0");
    test.assert_nothing_happened();
}
