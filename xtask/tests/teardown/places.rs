//! Which AWS is looked at: that of the flags, or that of the journal.

use std::fs;

use insta::assert_snapshot;

use crate::{
    killed, left,
    support::{STACK, Test},
};

#[test]
fn the_journal_knows_the_target() {
    let test = killed();
    test.run(&["lambda-teardown", STACK]).exit(0).warns("target    emulator at <endpoint>");
    test.assert_account_clean();
}

#[test]
fn a_run_of_another_account_is_not_looked_for_here() {
    let test = killed();
    test.rewrite_journal(|text| text.replace("\"account\":\"123456789012\"", "\"account\":\"999999999999\""));
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).warns("its run was in account 999999999999, but these credentials are for account 123456789012");
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
    test.rewrite_journal(|text| text.replace("\"kind\":\"endpoint\"", "\"kind\":\"embedded\""));
    test.run(&["lambda-teardown", STACK]).exit(0).says("the embedded AWS that it was on has ended");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
}

#[test]
fn a_kept_stack_is_looked_for_where_it_is_whatever_ran_after_it() {
    let test = Test::new();
    test.smoke(&["--keep-stack"]).exit(0);
    // A run on an embedded AWS with the same name, which ended since.
    let journal = test.journals()[0].replace("\"kind\":\"endpoint\"", "\"kind\":\"embedded\"");
    let journal = journal.replace("\"kept\":true", "\"kept\":false");
    let (old, later) = (test.artifact("run.json")["runId"].as_str().unwrap().to_owned(), "b".repeat(12));
    let name = test.journal().file_name().unwrap().to_str().unwrap().replace(&old, &later);
    fs::write(test.state().join(name), journal.replace(&old, &later)).unwrap();
    test.run(&["lambda-teardown", STACK]).exit(0).warns("target    emulator at <endpoint>").says("smoke-test is gone");
    test.assert_account_clean();
}

#[test]
fn one_runs_command_leaves_another_run_alone() {
    let test = Test::new();
    test.smoke(&["--keep-stack"]).exit(0);
    let there = left(&test);
    let other = ["--run", &"b".repeat(12)].map(str::to_owned);
    let ran = test.teardown(&[STACK, &other[0], &other[1]]);
    ran.exit(1).warns("it belongs to run <run>");
    assert_eq!(left(&test), there);
    let run = test.artifact("run.json")["runId"].as_str().unwrap().to_owned();
    test.teardown(&[STACK, "--run", &run]).exit(0).says("smoke-test is gone");
    test.assert_account_clean();
}

#[test]
fn a_run_whose_aws_is_gone_can_be_forgotten() {
    let test = killed();
    test.rewrite_journal(|text| text.replace(&test.aws.endpoint, "http://127.0.0.1:9"));
    let hint = "if that AWS is gone for good: cargo xtask lambda-teardown smoke-test --forget";
    test.run(&["lambda-teardown", STACK]).exit(1).warns(hint);
    test.run(&["lambda-teardown", "--unfinished"]).exit(7).warns(hint);
    let ran = test.run(&["lambda-teardown", STACK, "--forget"]);
    assert_snapshot!(ran.exit(0).stdout, @"1 run of smoke-test: the journal is closed; AWS was not checked for leftovers");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
    let again = test.run(&["lambda-teardown", STACK, "--forget"]);
    again.exit(1).only_error("no journal on this machine lists an unfinished run on stack smoke-test");
}

#[test]
fn a_stack_that_is_in_another_account_is_reported_with_its_place() {
    let test = killed();
    test.rewrite_journal(|text| text.replace("\"account\":\"123456789012\"", "\"account\":\"999999999999\""));
    test.aws.account().buckets.retain(|name, _| name.starts_with("prod-"));
    fs::remove_file(test.tools.stacks().join(STACK)).unwrap();
    let ran = test.run(&["lambda-teardown", STACK]);
    ran.exit(1).warns("account 123456789012); its run was in account 999999999999: use that account's credentials, and --region us-east-1");
}

#[test]
fn an_unknown_name_is_reported_with_its_neighbors() {
    let test = killed();
    let ran = test.teardown(&["smoke-tset"]);
    ran.exit(1).warns("knows a stack smoke-tset; the nearest names in the journals: smoke-test");
    Test::new().teardown(&["x"]).exit(1).warns("no journal on this machine names a stack");
}
