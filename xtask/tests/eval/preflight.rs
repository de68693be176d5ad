//! What is refused before anything is created.

use crate::support::Test;

#[test]
fn every_missing_fixture_is_named_before_anything_is_started() {
    let test = Test::new();
    let ran = test.eval(&["--fixtures", "f,nope,neither"]);
    ran.exit(1).only_error(
        "fixtures:\n  - there is no fixture \"nope\"; there are: f, other-fixture\n  \
         - there is no fixture \"neither\"; there are: f, other-fixture",
    );
    test.assert_nothing_happened();
}

#[test]
fn a_fixture_without_baseline_is_refused() {
    let test = Test::new();
    std::fs::remove_file(test.repository.baseline()).unwrap();
    test.eval(&["--skip-local"]).exit(1).warns("the baseline").warns("lambda-baseline");
    test.assert_nothing_happened();
}

#[test]
fn wrong_values_are_reported_with_their_flag() {
    for (flag, value, reported) in [
        ("--fixtures", "f,f", "fixture f is listed twice"),
        ("--iterations", "0", "is not a number of iterations (1 to 100)"),
        ("--warmup", "x", "is not a number of warm-up rounds (0 to 100)"),
        ("--chunk-count", "257", "a chunk count is 1 to 256, not 257"),
        ("--chunk-counts", "", "the list of chunk counts is empty"),
        ("--chunk-size", "0", "a chunk size is 1 to 3600 frames"),
        ("--psnr-threshold", "40dB", "is not a number of decibels"),
        ("--prices", "/nowhere", "--prices /nowhere"),
    ] {
        let test = Test::new();
        test.eval(&["--skip-local", flag, value]).exit(1).warns(reported);
        test.assert_nothing_happened();
    }
}

#[test]
fn a_count_that_cant_be_rendered_is_reported_before_a_deployment() {
    let html = r#"<div data-composition-id="f" data-width="64" data-height="36" data-duration="500"></div>"#;
    let test = Test::new().fixture_file("src/index.html", html);
    test.eval(&["--skip-local", "--chunk-counts", "1,2"]).exit(1).warns("15000 frames can't be rendered in 1 chunks");
    test.assert_account_clean();
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
}

#[test]
fn a_dry_run_says_every_execution_and_does_nothing() {
    let test = Test::new();
    let ran = test.eval(&["--dry-run", "--iterations", "3", "--warmup", "1", "--chunk-counts", "1,4"]);
    ran.exit(0).says("f N=1, 4 times: 60 frames in 1 chunk, 60 frames each at most");
    ran.says("f N=4, 4 times: 60 frames in 4 chunks, 15 frames each at most");
    test.assert_nothing_happened();
}

#[test]
fn more_than_the_ceiling_is_refused() {
    let test = Test::new();
    test.eval(&["--skip-local", "--max-cost-usd", "0.001"]).exit(1).warns("error: the planned renders: about 0.0");
    test.assert_account_clean();
}
