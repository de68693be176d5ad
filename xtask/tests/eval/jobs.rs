//! Executions that run at the same time.

use serde_json::json;

use crate::support::Test;

#[test]
fn measured_executions_of_a_round_run_side_by_side_and_say_so() {
    let test = Test::new().render(|render| render.polls = 3);
    let args = ["--skip-local", "--jobs", "2", "--chunk-counts", "1,2,20", "--iterations", "2", "--warmup", "1"];
    let ran = test.eval(&args);
    let text = "up to 2 renders ran at the same time (--jobs), so their times are not those of a single render";
    ran.exit(0).says(&format!("note: {text}")).says("22 chunks exceed the reserved concurrency of the function, 16");
    // The second execution of a group starts before the first one has ended.
    let started: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.split_once("render    ")).map(|(_, line)| line).collect();
    let begins = |nth: usize, with: &str| assert!(started[nth].starts_with(with), "{with}: {started:#?}");
    begins(0, "f N=2 #1: 30 frames");
    begins(1, "f N=20 #1: 3 frames");
    begins(4, "f N=1 #1: 60 frames");
    let results = test.artifact("results.json");
    let samples = results["lambdaSamples"].as_array().unwrap();
    assert_eq!(samples.len(), 6);
    for sample in samples {
        assert!(sample["render"]["notes"].as_array().unwrap().contains(&json!(text)), "{sample}");
    }
    assert_eq!(test.artifact("run.json")["jobs"], 2);
    test.assert_account_clean();
}

#[test]
fn one_that_fails_leaves_its_neighbor() {
    let test = Test::new().render_of(2, |render| render.end = crate::support::fake_aws::End::Fails("BOOM", "no chunk"));
    let ran = test.eval(&["--skip-local", "--jobs", "3", "--chunk-counts", "1,2,4"]);
    ran.exit(4).says("f N=2 #1 was not measured");
    let results = test.artifact("results.json");
    let failed: Vec<bool> =
        results["lambdaSamples"].as_array().unwrap().iter().map(|s| s["failure"].is_string()).collect();
    assert_eq!(failed.iter().filter(|failed| **failed).count(), 1);
    assert_eq!(failed.len(), 3);
}

#[test]
fn what_would_make_the_times_or_the_cost_meaningless_is_refused() {
    let test = Test::new();
    let refused = |args: &[&str], why: &str| {
        test.run(&[&["lambda-eval", "--jobs", "2"], args].concat()).exit(1).warns(why);
    };
    refused(&["--local"], "--jobs: the renders of --local share the processors of this machine");
    refused(&["--max-cost-usd", "1"], "--max-cost-usd counts one render after the other");
    refused(&["--jobs", "17"], "");
    let ran = test.run(&["lambda-ab", "--a", "checkout", "--jobs", "2", "--local"]);
    ran.exit(1).warns("--jobs: the renders of --local share the processors of this machine");
    assert!(test.aws.calls().is_empty());
}
