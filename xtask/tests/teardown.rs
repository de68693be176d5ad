//! `lambda-teardown`: what it deletes, what it refuses, and what it proves.

#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod support;

use std::fs;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::{
    FOREIGN, STACK, Test,
    fake_aws::{End, Fault},
};

/// A world in which a run on `STACK` was killed in the middle of its execution.
fn killed() -> Test {
    let test = Test::new();
    kill_one(&test, STACK);
    test
}

/// Kills one more run, on `stack`, as soon as its execution has started.
fn kill_one(test: &Test, stack: &str) {
    test.aws.account().renders.usual.end = End::Never;
    test.aws.faults().add("StartExecution", 1..=1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&["--stack-name", stack]).status, None);
    test.render_ends();
}

/// A world in which a run was killed when it had claimed the name, and had no stack yet.
fn claimed() -> Test {
    let test = Test::new().fault("PutPublicAccessBlock", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    assert!(left(&test).len() == 1 && left(&test)[0].starts_with("bucket hyperframes-smoke-"));
    test
}

/// What the account holds beyond what it always holds.
fn left(test: &Test) -> Vec<String> {
    test.aws.account().listing().into_iter().filter(|line| !FOREIGN.contains(&line.as_str())).collect()
}

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
    [<s>] teardown  sam delete smoke-test
    [<s>] teardown  1 object deleted from hyperframes-smoke-a222bf3f-<run>
    ");
    test.assert_account_clean();
    assert_eq!(test.artifact("cleanup-verification.json")["clean"], true);
    assert!(test.journals()[0].ends_with("{\"record\":\"finished\",\"kept\":false}\n"));
}

#[test]
fn the_journal_knows_the_target() {
    let test = killed();
    test.run(&["lambda-teardown", STACK]).exit(0).warns("target    emulator at <endpoint>");
    test.assert_account_clean();
}

#[test]
fn a_second_call_finds_nothing_left() {
    let test = killed();
    test.teardown(&[STACK]).exit(0);
    let deletions = test.tools.calls().iter().filter(|call| call.starts_with("sam delete")).count();
    let ran = test.teardown(&[STACK]);
    assert_snapshot!(ran.exit(0).stdout, @"nothing is left of smoke-test: 7 resources verified absent");
    assert_eq!(test.tools.calls().iter().filter(|call| call.starts_with("sam delete")).count(), deletions);
}

#[test]
fn a_stack_of_nobodys_run_is_refused() {
    let test = Test::new();
    let ran = test.teardown(&["production"]);
    assert_snapshot!(ran.exit(1).stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    error: stack production is not a run's and is left untouched: it has no tag HyperframesSmokeRun; `--force` deletes it all the same, after its name is typed again
    ");
    test.assert_account_clean();
}

#[test]
fn an_unknown_name_is_told_with_its_neighbours() {
    let test = killed();
    let ran = test.teardown(&["smoke-tset"]);
    ran.exit(1).warns("knows a stack smoke-tset; the nearest names in the journals: smoke-test");
    Test::new().teardown(&["x"]).exit(1).warns("no journal here knows any stack");
}

#[test]
fn force_asks_for_the_name_unless_it_is_told_not_to() {
    let test = Test::new();
    let ran = test.teardown(&["production", "--force"]);
    ran.exit(1).warns("error: --force asks for the stack's name to be typed, and there is no terminal; add --yes");
    test.assert_account_clean();
    test.teardown(&["production", "--force", "--yes"]).exit(0).warns("production: forced by the caller");
    assert_eq!(test.aws.account().listing(), [""; 0]);
}

#[test]
fn force_deletes_nothing_else() {
    let test = killed();
    let of_the_run = left(&test);
    test.teardown(&["production", "--force", "--yes"]).exit(0);
    assert_eq!(test.aws.account().listing(), of_the_run);
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
    let test = test
        .tool("sam delete", "[ $stack = smoke-test ] && { echo 'Error: DELETE_FAILED' >&2; exit 1; }")
        .fault("DeleteStack", 99, Fault::Error(403, "AccessDenied"));
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).says("another").warns("error: smoke-test: ").warns("DELETE_FAILED");
    ran.warns("error: 1 of 2 runs could not be finished: smoke-test");
    assert!(left(&test).contains(&"stack smoke-test".to_owned()) && !left(&test).contains(&"stack another".to_owned()));
}

#[test]
fn a_run_of_another_account_is_not_looked_for_here() {
    let test = killed();
    let journal = test.state().join(fs::read_dir(test.state()).unwrap().next().unwrap().unwrap().file_name());
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("\"account\":\"123456789012\"", "\"account\":\"999999999999\"")).unwrap();
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).warns("its run was in account 999999999999, these credentials are of 123456789012");
    assert_eq!(left(&test).len(), 8);
}

#[test]
fn a_look_at_another_emulator_does_not_finish_a_run() {
    let test = killed();
    let other = Test::new();
    test.run(&["lambda-teardown", STACK, "--endpoint-url", &other.aws.endpoint]);
    assert!(!test.journals()[0].contains("finished"));
}

#[test]
fn a_run_whose_emulator_has_ended_left_nothing() {
    let test = killed();
    let journal = test.state().join(fs::read_dir(test.state()).unwrap().next().unwrap().unwrap().file_name());
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("\"kind\":\"endpoint\"", "\"kind\":\"embedded\"")).unwrap();
    test.run(&["lambda-teardown", STACK]).exit(0).says("the embedded AWS that it was on has ended");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
}

#[test]
fn a_run_whose_aws_is_gone_can_be_forgotten() {
    let test = killed();
    let journal = test.state().join(fs::read_dir(test.state()).unwrap().next().unwrap().unwrap().file_name());
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace(&test.aws.endpoint, "http://127.0.0.1:9")).unwrap();
    let hint = "if that AWS is gone for good: cargo xtask lambda-teardown smoke-test --forget";
    test.run(&["lambda-teardown", STACK]).exit(1).warns(hint);
    test.run(&["lambda-teardown", "--unfinished"]).exit(7).warns(hint);
    let ran = test.run(&["lambda-teardown", STACK, "--forget"]);
    assert_snapshot!(ran.exit(0).stdout, @"1 run of smoke-test forgotten; whether anything is left of it was not looked at");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
    let again = test.run(&["lambda-teardown", STACK, "--forget"]);
    again.exit(1).only_error("no journal here knows an unfinished run on stack smoke-test");
}

#[test]
fn a_stack_that_is_in_another_account_is_told_with_its_place() {
    let test = killed();
    let journal = test.state().join(fs::read_dir(test.state()).unwrap().next().unwrap().unwrap().file_name());
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("\"account\":\"123456789012\"", "\"account\":\"999999999999\"")).unwrap();
    test.aws.account().buckets.retain(|name, _| name.starts_with("prod-"));
    fs::remove_file(test.tools.stacks().join(STACK)).unwrap();
    let ran = test.run(&["lambda-teardown", STACK]);
    ran.exit(1).warns("account 123456789012); its run was in account 999999999999: use that account's credentials, and --region us-east-1");
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
fn leftovers_beside_a_foreign_stack_go_and_the_stack_stays() {
    let test = killed();
    // The stack was deleted by hand, and someone deployed another one of that name.
    fs::remove_file(test.tools.stacks().join(STACK)).unwrap();
    test.aws.account().add_foreign(STACK, "theirs");
    let ran = test.teardown(&[STACK]);
    ran.exit(1).says("what runs left beside smoke-test is gone").warns("stack smoke-test is not a run's");
    let left = left(&test);
    assert!(
        left.contains(&format!("stack {STACK}")) && left.contains(&"bucket theirs-123456789012 (1 objects)".to_owned())
    );
    assert!(!left.iter().any(|line| line.contains("hyperframes-smoke-")), "{left:?}");
}

#[test]
fn force_takes_leftovers_and_the_stack_beside_them() {
    let test = claimed();
    test.aws.account().add_foreign(STACK, "theirs");
    test.teardown(&[STACK, "--force", "--yes"]).exit(0).warns("smoke-test: forced by the caller");
    test.assert_account_clean();
}

#[test]
fn a_stack_made_by_others_after_a_claim_is_left() {
    let test = claimed();
    test.aws.account().add_foreign(STACK, "theirs");
    let theirs: Vec<String> =
        left(&test).into_iter().filter(|line| !line.starts_with("bucket hyperframes-smoke-")).collect();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).warns("stack smoke-test is left alone: it has no tag");
    assert_eq!(left(&test), theirs);
    test.teardown(&[STACK]).exit(1);
    assert_eq!(left(&test), theirs);
}

#[test]
fn a_change_set_that_was_never_executed_goes_with_the_claim_on_its_name() {
    let test = claimed();
    test.aws.account().add_stack(STACK, "status=REVIEW_IN_PROGRESS\n");
    test.teardown(&[STACK]).exit(0).warns("it is a change set that was never executed, and a run claimed its name");
    test.assert_account_clean();
}

#[test]
fn a_change_set_of_nobodys_run_is_left() {
    let test = Test::new();
    test.aws.account().add_stack(STACK, "status=REVIEW_IN_PROGRESS\n");
    test.teardown(&[STACK]).exit(1).warns("stack smoke-test is not a run's and is left untouched");
    assert_eq!(left(&test), [format!("stack {STACK}")]);
}

#[test]
fn a_stack_that_is_protected_keeps_its_data() {
    let test = killed();
    let file = test.tools.stacks().join(STACK);
    let lines = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    drop(test.aws.account());
    test.aws.account().add_stack(STACK, &format!("{lines}protected=true\n"));
    let before = left(&test);
    test.teardown(&[STACK]).exit(1).warns("termination protection");
    test.teardown(&[STACK, "--force", "--yes"]).exit(1).warns("termination protection");
    assert_eq!(left(&test), before);
}

#[test]
fn a_claim_of_another_region_is_left() {
    let test = claimed();
    let before = left(&test);
    test.teardown(&[STACK, "--region", "eu-central-1"])
        .exit(1)
        .warns("its run was in account 123456789012: use that account's credentials, and --region us-east-1");
    assert_eq!(left(&test), before);
}

#[test]
fn runs_with_names_that_begin_alike_are_left_alone() {
    let test = Test::new();
    let (dead, other) = ("hyperframes-lambda-smoke-1700000000-aaaaaa", "hyperframes-lambda-smoke-1700000001-bbbbbb");
    test.smoke(&["--stack-name", other, "--keep-stack"]).exit(0);
    let of_the_other = left(&test);
    kill_one(&test, dead);
    test.teardown(&[dead]).exit(0);
    assert_eq!(left(&test), of_the_other);
}

#[test]
fn a_bucket_that_outlived_everything_else_is_found_by_its_tags() {
    let test = killed();
    fs::remove_dir_all(test.state()).unwrap();
    fs::remove_file(test.tools.stacks().join(STACK)).unwrap();
    test.aws.account().buckets.retain(|name, _| !name.starts_with("hyperframes-smoke-"));
    let render_bucket = left(&test);
    assert!(render_bucket.len() == 1 + 1 && render_bucket[0].starts_with("bucket smoke-test-"), "{render_bucket:?}");
    test.teardown(&[STACK]).exit(0).warns("tagged buckets are left of it");
    assert!(!left(&test).iter().any(|line| line.starts_with("bucket")), "{:?}", left(&test));
}

#[test]
fn a_bucket_that_only_looks_like_a_runs_is_left_alone() {
    let test = killed();
    let name = "hyperframes-smoke-a222bf3f-0123456789ab".to_owned();
    let theirs = vec![("Owner".to_owned(), "someone".to_owned())];
    test.aws.account().buckets.entry(name.clone()).or_default().tags = theirs;
    test.aws.account().buckets.get_mut(&name).unwrap().put("data", "null", b"theirs");
    test.teardown(&[STACK]).exit(0);
    assert_eq!(left(&test), [format!("bucket {name} (1 objects)")]);
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
fn a_sam_that_is_too_old_is_refused() {
    let test = killed().tool("sam --version", "echo SAM CLI, version 1.99.0; exit");
    test.teardown(&[STACK]).exit(1).warns("error: pre-flight: <dir>/tools/bin/sam is 1.99, 1.100 or newer is needed");
    assert_eq!(left(&test).len(), 8);
}
