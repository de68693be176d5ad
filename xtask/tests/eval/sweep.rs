//! Several chunk counts of each fixture.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Test, fake_aws::Fault};

/// Executions that take as long as a machine with one chunk at a time would.
fn world() -> Test {
    let take = |seconds: f64| move |render: &mut crate::support::fake_aws::Render| render.ended += seconds;
    Test::new().render_of(1, take(9.0)).render_of(2, take(5.0)).render_of(4, take(3.0))
}

#[test]
fn a_sweep_splits_by_count_and_recommends() {
    let test = world();
    let ran = test.eval(&["--skip-local", "--chunk-counts", "1,2,4"]);
    ran.exit(0).says("Scaling of f");
    let results = test.artifact("results.json");
    let cases = results["cases"].as_array().unwrap();
    let counts: Vec<u64> = cases.iter().map(|case| case["plannedChunkCount"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 4]);
    let efficiency: Vec<f64> = cases.iter().map(|case| case["parallelEfficiency"].as_f64().unwrap()).collect();
    let walls = [15.125, 11.125, 9.125];
    for (i, chunks) in [1.0, 2.0, 4.0].into_iter().enumerate() {
        assert!((efficiency[i] - walls[0] / (chunks * walls[i])).abs() < 1e-9, "{efficiency:?}");
    }
    assert_eq!(results["scaling"]["f"]["measured"].as_array().unwrap().len(), 3);
    let names: Vec<String> =
        test.aws.account().executions.values().map(|e| crate::support::redacted(&e.name)).collect();
    assert_eq!(names, ["eval-f-N1-<epoch>-1", "eval-f-N2-<epoch>-1", "eval-f-N4-<epoch>-1"]);
}

#[test]
fn a_size_that_is_pinned_makes_the_plan_differ_and_that_is_reported() {
    let test = Test::new();
    let ran = test.eval(&["--skip-local", "--chunk-counts", "2,4", "--chunk-size", "30"]);
    ran.exit(0).says("\nf        2 of 4   6.1 s");
}

/// The sizes that functions were given, in order.
fn given(test: &Test) -> Vec<(String, u64)> {
    let account = test.aws.account();
    let of = |(function, update): &(String, Value)| {
        assert_eq!(update.as_object().unwrap().len(), 1, "{update}");
        (crate::support::redacted(function), update["MemorySize"].as_u64().unwrap())
    };
    account.updates.iter().map(of).collect()
}

#[test]
fn several_sizes_of_memory_are_measured_on_one_stack() {
    let test = Test::new().nth_render(1, |render| render.ended += 3.0).nth_render(2, |render| render.ended += 1.0);
    let args = ["--skip-local", "--memory-mb", "2048,4096", "--chunk-counts", "1,2", "--iterations", "2"];
    let ran = test.eval(&args);
    assert_snapshot!(ran.exit(0).stdout);
    assert_snapshot!(ran.stderr);
    // The second round begins with the size that the first one ended with.
    let function = || "smoke-test-<run>-render".to_owned();
    assert_eq!(given(&test), [(function(), 2048), (function(), 4096), (function(), 2048)]);
    assert!(test.tools.calls().iter().any(|call| call.contains("LambdaMemoryMb=2048")), "the first size is deployed");
    let results = test.artifact("results.json");
    let cases = results["cases"].as_array().unwrap();
    let of = |key: &str| cases.iter().map(|case| case[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("memoryMb"), [2048, 2048, 4096, 4096]);
    let gb_seconds = |nth: usize| results["lambdaSamples"][nth]["render"]["cost"]["gbSeconds"].as_f64().unwrap();
    assert!((gb_seconds(2) / gb_seconds(0) - 2.0).abs() < 1e-9, "a call is charged by the memory that it had");
    assert_eq!(results["tuning"]["f"]["cheapest"]["memoryMb"], 2048);
    let text = |name: &str| std::fs::read_to_string(test.artifacts().join(name)).unwrap();
    assert!(text("samples.csv").lines().nth(1).unwrap().ends_with(",,2048,"));
    let hyperfine: Value = serde_json::from_str(&text("hyperfine.json")).unwrap();
    assert_eq!(hyperfine["results"][2]["command"], "f 4096 MB N=1");
    assert_eq!(hyperfine["results"][2]["parameters"]["memory"], "4096");
    test.assert_account_clean();
}

#[test]
fn the_memory_that_calls_used_is_read_from_the_log_of_the_function() {
    let test = Test::new();
    // Of each execution the calls for the plan and for the first chunk; what others log is not theirs.
    test.aws.before("FilterLogEvents", 1, |account| {
        for execution in account.executions.values() {
            for (event, mb) in [(4, 500), (9, 700 + execution.nth)] {
                let line = format!(
                    "REPORT RequestId: {}-{event}\tMemory Size: 2048 MB\tMax Memory Used: {mb} MB",
                    execution.name
                );
                account.function_log.push(("stream", line));
            }
        }
        account.function_log.push(("stream", "REPORT RequestId: another\tMax Memory Used: 9000 MB".to_owned()));
    });
    let ran = test.eval(&["--skip-local", "--chunk-counts", "1,2", "--iterations", "2"]);
    ran.exit(0).says("memory used").says("  704 MB").warns("the log reports the memory used of 8 of 14 calls");
    let results = test.artifact("results.json");
    let used =
        |list: &str| results[list].as_array().unwrap().iter().map(|of| of["memoryUsedMb"].clone()).collect::<Vec<_>>();
    assert_eq!(used("lambdaSamples"), [701, 702, 703, 704]);
    // The second round begins with the other count.
    assert_eq!(used("cases"), [704, 703]);
    let text = |name: &str| std::fs::read_to_string(test.artifacts().join(name)).unwrap();
    assert!(text("samples.csv").lines().nth(1).unwrap().ends_with(",,,701"));
    assert!(text("report.md").contains("| 704 MB |"));
}

#[test]
fn a_size_that_lambda_or_the_template_refuses_ends_the_sweep() {
    let test =
        Test::new().fault_at("UpdateFunctionConfiguration", 2, Fault::Error(400, "InvalidParameterValueException"));
    let sizes = |sizes: &'static str| ["--skip-local", "--memory-mb", sizes];
    let ran = test.eval(&sizes("2048,4096"));
    ran.exit(3).warns("giving function smoke-test-<run>-render 4096 MB: InvalidParameterValueException");
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 1);
    test.assert_account_clean();
    let ran = Test::new().eval(&sizes("2048,128"));
    ran.exit(1).warns("LambdaMemoryMb (line 17) accepts 1024 to 10240, not 128");
}

#[test]
fn a_stack_that_someone_replaced_is_not_changed() {
    let test = Test::new();
    test.aws
        .before("StartExecution", 1, |account| account.change_stack("smoke-test", |stack| stack.run = "0".repeat(12)));
    let ran = test.eval(&["--skip-local", "--memory-mb", "2048,4096"]);
    ran.exit(3).warns("stack smoke-test does not carry this run's tag: it is not this run's");
    assert_eq!(given(&test).len(), 1, "only before it was replaced");
}

#[test]
fn a_sweep_of_memory_needs_a_stack_of_its_own() {
    let test = Test::new();
    let ran = test.eval(&["--memory-mb", "2048,4096", "--keep-stack"]);
    ran.exit(1).warns("--memory-mb with several sizes changes the functions of the stack");
    test.eval(&["--memory-mb", "2048,2048"]).exit(1).warns("--memory-mb: 2048 is listed twice");
    test.smoke(&["--memory-mb", "2048,4096"]).exit(1).warns("--memory-mb: only lambda-eval measures several sizes");
    assert!(test.aws.calls().is_empty());
}

#[test]
fn a_count_above_the_reserved_concurrency_is_reported() {
    let test = Test::new();
    let ran = test.eval(&["--skip-local", "--chunk-counts", "2,20"]);
    ran.exit(0).says("note: 20 chunks exceed the reserved concurrency of the function, 16");
    let note = ran.stdout.lines().find(|line| line.contains("too few for a ranking")).unwrap();
    assert_snapshot!(note, @"note: --iterations 1 is too few for a ranking: the order of the medians may be chance; 3 more would be enough, and from 5 in all speed-ups have a confidence interval");
}
