//! Several chunk counts of each fixture.

use insta::assert_snapshot;

use crate::support::Test;

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

#[test]
fn a_count_above_the_reserved_concurrency_is_reported() {
    let test = Test::new();
    let ran = test.eval(&["--skip-local", "--chunk-counts", "2,20"]);
    ran.exit(0).says("note: 20 chunks exceed the reserved concurrency of the function, 16");
    let note = ran.stdout.lines().find(|line| line.contains("too few for a ranking")).unwrap();
    assert_snapshot!(note, @"note: --iterations 1 is too few for a ranking: the order of the medians may be chance; 3 more would be enough, and from 5 in all speed-ups have a confidence interval");
}
