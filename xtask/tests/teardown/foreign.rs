//! Things of someone else that an output, a journal or a name leads to: none of them is used, stopped, emptied or deleted.

use crate::{
    kill_one, killed, left,
    support::{STACK, Test},
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:shared";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:prod-render";

/// A bucket and a function of someone else, with a log group that is as old as the function.
fn share(test: &Test) {
    let mut account = test.aws.account();
    let bucket = account.buckets.entry("shared".to_owned()).or_default();
    bucket.tags = vec![("Owner".to_owned(), "team".to_owned())];
    bucket.put("precious", "null", b"data");
    account.functions.insert("shared".to_owned());
    account.log_groups.insert("/aws/lambda/shared".to_owned(), 1);
}

const SHARED: [&str; 3] = ["bucket shared (1 objects)", "function shared", "logGroup /aws/lambda/shared"];

#[test]
fn what_an_output_names_outside_the_stack_is_not_used() {
    for (output, named) in [("bucket", "shared"), ("function", FUNCTION), ("machine", MACHINE)] {
        let deploy = format!("outputs='{output}={named}\\n'; make_stack; exit");
        let test = Test::new().tool("sam deploy", &deploy);
        share(&test);
        test.smoke(&[]).exit(0).says("clean-up verified");
        assert_eq!(left(&test), SHARED, "{output}");
    }
}

#[test]
fn an_untagged_bucket_with_the_name_of_a_runs_is_only_deleted_while_it_is_empty() {
    let test = killed();
    let name = |run: &str| format!("hyperframes-smoke-a222bf3f-{run}");
    let theirs = name("0123456789ab");
    test.aws.account().buckets.entry(theirs.clone()).or_default().put("data", "null", b"theirs");
    test.aws.account().buckets.entry(name("cccccccccccc")).or_default();
    test.teardown(&[STACK]).exit(0).warns(&format!("bucket {} is left alone", name("<run>")));
    assert_eq!(left(&test), [format!("bucket {theirs} (1 objects)")]);
}

#[test]
fn a_log_group_that_is_older_than_the_stack_is_left_alone() {
    let test = Test::new().account(|account| account.log_groups_linger = true);
    let deploy = "make_stack; echo 'Error: it failed' >&2; exit 1";
    let test = test.tool("sam deploy", deploy);
    // After the proof that both names are unused, two pages each.
    test.aws.before("DescribeLogGroups", 5, |account| account.log_groups.values_mut().for_each(|created| *created = 1));
    test.smoke(&[]).exit(3).warns("is left alone: it is older than the stack");
    let left = left(&test);
    assert!(left.len() == 2 && left.iter().all(|line| line.starts_with("logGroup ")), "{left:?}");
}

#[test]
fn a_state_machine_that_is_another_runs_by_the_time_of_stopping_goes_on() {
    let test = killed();
    test.aws.before("ListTagsForResource", 2, |account| {
        let machines = account.machines.iter_mut().filter(|(arn, _)| arn.contains(STACK));
        machines.for_each(|(_, machine)| machine.tags = vec![("HyperframesSmokeRun".to_owned(), "b".repeat(12))]);
    });
    test.teardown(&[STACK]).exit(7).warns("-render can no longer be proved to belong to a run, so it is left alone");
    assert!(test.aws.is_changed() && left(&test).iter().any(|line| line.starts_with("running execution")));
}

#[test]
fn a_bucket_without_tags_that_has_left_the_stack_by_the_time_of_emptying_keeps_its_objects() {
    let test = Test::new().account(|account| account.tags_buckets = false);
    kill_one(&test, STACK);
    let bucket = test.aws.account().buckets.keys().find(|name| name.starts_with(STACK)).unwrap().clone();
    let (unlisted, line) = (bucket.clone(), format!("bucket {bucket} (1 objects)"));
    assert!(left(&test).contains(&line));
    // The artifact bucket and this one are looked at before.
    test.aws.before("GetBucketTagging", 3, move |account| _ = account.unlisted.insert(unlisted));
    test.teardown(&[STACK]).exit(7).warns("can no longer be proved to belong to a run, so it is left alone");
    assert!(test.aws.is_changed() && left(&test).contains(&line), "{:?}", left(&test));
}
