//! `--jobs`: renders side by side.

use crate::support::{Test, fake_aws::End};

#[test]
fn renders_go_on_side_by_side_and_are_reported_in_the_plans_order() {
    // The first of the plan ends last.
    let test = Test::new().render(|render| render.polls = 3).render_of(2, |render| render.polls = 20);
    let ran = test.smoke(&["--chunk-counts", "2,4,8", "--jobs", "2"]);
    ran.exit(0).says("note: up to 2 renders ran at the same time (--jobs)");
    let rows = test.artifact("results.json");
    let counts: Vec<u64> = rows.as_array().unwrap().iter().map(|row| row["chunkCount"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 4, 8]);
    // Two were started before one had ended, and the third after that.
    let calls = test.aws.calls();
    let order: Vec<&String> =
        calls.iter().filter(|call| ["StartExecution", "GetObject"].contains(&call.as_str())).collect();
    assert_eq!(order[..4], ["StartExecution", "StartExecution", "GetObject", "StartExecution"], "{order:?}");
    test.assert_account_clean();
}

#[test]
fn one_that_fails_ends_the_others_and_leaves_nothing() {
    let fails = End::Fails("PLAN_HASH_MISMATCH", "the plan has another hash");
    let test = Test::new().render(|render| render.polls = 1000).render_of(4, |render| {
        render.polls = 2;
        render.end = fails;
    });
    let ran = test.smoke(&["--chunk-counts", "2,4,8", "--jobs", "3"]);
    ran.exit(4).warns("error: render N=4 FAILED").warns("stopping 2 running executions");
    let stopped = test.aws.calls().iter().filter(|call| *call == "StopExecution").count();
    assert_eq!(stopped, 2);
    test.assert_account_clean();
}

#[test]
fn one_render_after_the_other_is_usual_and_not_mentioned() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "2,4"]).exit(0).never_says("at once");
    test.smoke(&["--jobs", "4"]).exit(0).never_says("at once");
    test.smoke(&["--jobs", "0"]).exit(1).warns("\"0\" is not a number of renders at once (1 to 16)");
    let reported = "--max-cost-usd counts one render after the other, so it can't be combined with --jobs";
    test.smoke(&["--jobs", "2", "--max-cost-usd", "1"]).exit(1).warns(reported);
}
