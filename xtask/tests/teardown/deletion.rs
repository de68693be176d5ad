//! What is deleted, how it is proved gone, and what is said when it is not.

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    kill_one, killed, left,
    support::{
        STACK, Test,
        fake_aws::{Account, End, Fault, NOW_MS},
    },
};

#[test]
fn everything_of_a_killed_run_is_deleted_and_proved_gone() {
    let test = killed();
    assert_eq!(left(&test).len(), 8);
    let ran = test.teardown(&[STACK]);
    assert_snapshot!(ran.exit(0).stdout, @"smoke-test is gone: 2 objects deleted, 7 resources verified absent");
    assert_snapshot!(ran.stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    [<s>] teardown  smoke-test: it has the tag HyperframesSmokeRun=<run>
    [<s>] teardown  stopping 1 running execution
    [<s>] teardown  1 object deleted from smoke-test-<run>-123456789012
    [<s>] teardown  deleting stack smoke-test
    [<s>] teardown  1 object deleted from hyperframes-smoke-a222bf3f-<run>
    ");
    test.assert_account_clean();
    assert_eq!(test.artifact("cleanup-verification.json")["clean"], true);
    assert!(test.journals()[0].ends_with("{\"record\":\"finished\",\"kept\":false}\n"));
}

/// The log group of the second function that a stack has.
const SECOND: &str = "/aws/lambda/smoke-test-ChunkFunction-A1b2C3d4E5f6";

/// A world in which a run was killed whose stack has a second function.
fn killed_with_two_functions() -> Test {
    let test = Test::new().account(|account| account.has_second_function = true);
    kill_one(&test, STACK);
    assert!(left(&test).contains(&format!("logGroup {SECOND}")));
    test
}

#[test]
fn every_function_and_the_log_group_that_lambda_made_for_it_are_proved_gone() {
    let test = killed_with_two_functions();
    let ran = test.teardown(&[STACK]);
    ran.exit(0).says("9 resources verified absent").warns(&format!("deleting log group {SECOND}, which outlived"));
    test.assert_account_clean();
    let proof = test.artifact("cleanup-verification.json");
    let names: Vec<&str> =
        proof["resources"].as_array().unwrap().iter().filter_map(|check| check["name"].as_str()).collect();
    assert!(names.contains(&SECOND) && names.contains(&SECOND.trim_start_matches("/aws/lambda/")), "{names:?}");
}

#[test]
fn a_run_that_is_killed_after_its_stack_is_gone_leaves_no_log_group() {
    let test = Test::new().account(|account| account.has_second_function = true);
    let test = test.fault("DeleteLogGroup", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    // The call that was on its way did not arrive.
    test.aws.account().log_groups.insert(SECOND.to_owned(), NOW_MS);
    assert!(!left(&test).contains(&format!("stack {STACK}")));
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_log_group_that_late_lines_bring_back_goes_too() {
    let test = killed_with_two_functions();
    let back = |account: &mut Account| _ = account.log_groups.insert(SECOND.to_owned(), NOW_MS);
    // After each of the three was looked for once.
    test.aws.before("DescribeLogGroups", 4, back);
    test.teardown(&[STACK]).exit(0);
    assert!(test.aws.is_changed());
    test.assert_account_clean();
    // And after the end of the clean-up.
    back(&mut test.aws.account());
    test.teardown(&[STACK]).exit(0).says("nothing is left of smoke-test").warns("deleting log group");
    test.assert_account_clean();
}

#[test]
fn a_second_call_finds_nothing_left() {
    let test = killed();
    test.teardown(&[STACK]).exit(0);
    let deletions = |test: &Test| test.aws.calls().iter().filter(|call| *call == "DeleteStack").count();
    assert_eq!(deletions(&test), 1);
    let ran = test.teardown(&[STACK]);
    assert_snapshot!(ran.exit(0).stdout, @"nothing is left of smoke-test: 7 resources verified absent");
    assert_eq!(deletions(&test), 1);
}

#[test]
fn a_live_run_is_not_torn_down() {
    let test = Test::new().render(|render| render.end = End::Never);
    let child = test.spawn_smoke(&[]);
    test.aws.wait_for("DescribeExecution");
    let ran = test.teardown(&[STACK]);
    ran.exit(1).only_error("run <run> is still using stack smoke-test; stop it with Ctrl-C, which cleans up too");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    test.finish(child).exit(130);
    test.assert_account_clean();
}

#[test]
fn all_unfinished_runs_are_finished() {
    let test = killed();
    kill_one(&test, "another");
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    assert_snapshot!(ran.exit(0).stdout, @r"
    nothing is left of smoke-test: 7 resources verified absent
    nothing is left of another: 7 resources verified absent
    ");
    test.assert_account_clean();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
}

#[test]
fn one_run_that_cant_be_finished_does_not_keep_the_others() {
    let test = killed();
    kill_one(&test, "another");
    // As often as it is tried for the first one.
    let test = test.fault("DeleteStack", 3, Fault::Error(403, "AccessDenied"));
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).says("another").warns("error: smoke-test: ").warns("AccessDenied");
    ran.warns("error: 1 of 2 runs could not be finished: smoke-test");
    assert!(left(&test).contains(&"stack smoke-test".to_owned()) && !left(&test).contains(&"stack another".to_owned()));
}

#[test]
fn what_cant_be_deleted_is_exit_7_with_the_command_to_repeat() {
    let test = killed().fault("DeleteBucket", 99, Fault::Error(403, "AccessDenied"));
    let ran = test.teardown(&[STACK]);
    ran.exit(7).warns("AccessDenied");
    ran.warns("run it again: cargo xtask lambda-teardown smoke-test --region us-east-1 --endpoint-url <endpoint>");
    test.aws.faults().clear();
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn what_is_still_there_is_exit_7_and_named() {
    let test = killed().account(|account| account.functions_linger = true);
    let ran = test.teardown(&[STACK]);
    ran.exit(7).warns("these are left, or can't be proved gone:\n  function smoke-test-<run>-render (Present: ");
    assert!(!test.journals()[0].contains("finished"));
    assert_eq!(test.artifact("cleanup-verification.json")["clean"], json!(false));
}

#[test]
fn what_cant_be_seen_is_not_touched() {
    for operation in
        ["DescribeStacks", "ListBuckets", "GetBucketTagging", "DescribeStateMachine", "ListTagsForResource"]
    {
        let test = killed().fault(operation, 99, Fault::Error(403, "AccessDenied"));
        let before = left(&test);
        test.teardown(&[STACK]).exit(1).warns("AccessDenied");
        assert_eq!(left(&test), before, "{operation}");
    }
}

#[test]
fn a_signal_stops_it_and_it_can_be_repeated() {
    let test = killed().fault("DeleteObjects", 1, Fault::Signal(Signal::INT));
    test.teardown(&[STACK]).exit(130).warns("SIGINT: stopping; the same command can be run again");
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn throttling_is_survived() {
    let test = killed()
        .fault("ListBuckets", 1, Fault::SLOW_DOWN)
        .fault("StopExecution", 1, Fault::SLOW_DOWN)
        .fault("DeleteObjects", 1, Fault::Reset)
        .fault("DeleteBucket", 1, Fault::Reset);
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_teardown_needs_no_tools() {
    let test = killed().without_tool("sam");
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}
