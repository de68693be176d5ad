//! Things of someone else that an output, a journal or a name leads to: none of them is used, stopped, emptied or deleted.

use serde_json::{Value, json};

use crate::{
    kill_one, killed, left,
    support::{STACK, Test},
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:shared";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:prod-render";

/// Someone's bucket and function, with a log group as old as it.
fn share(test: &Test) {
    let mut account = test.aws.account();
    let bucket = account.buckets.entry("shared".to_owned()).or_default();
    bucket.tags = vec![("Owner".to_owned(), "team".to_owned())];
    bucket.put("precious", "null", b"data");
    account.functions.insert("shared".to_owned());
    account.log_groups.insert("/aws/lambda/shared".to_owned());
}

const SHARED: [&str; 3] = ["bucket shared (1 objects)", "function shared", "logGroup /aws/lambda/shared"];

#[test]
fn an_output_that_names_something_outside_the_stack_ends_the_run_before_it_is_used() {
    for (output, named) in [("bucket", "shared"), ("function", FUNCTION), ("machine", MACHINE)] {
        let deploy = format!("outputs='{output}={named}\\n'; make_stack; exit");
        let test = Test::new().tool("sam deploy", &deploy);
        share(&test);
        test.smoke(&[])
            .exit(3)
            .warns(&format!("names {named}, which is not a resource of the stack"))
            .says("clean-up verified");
        assert_eq!(left(&test), SHARED, "{output}");
        assert!(!test.aws.calls().contains(&"StartExecution".to_owned()), "{output}");
    }
}

#[test]
fn a_bucket_of_the_runs_name_that_someone_else_created_is_left_alone() {
    let test = Test::new()
        .account(|account| account.bucket_is_taken = true)
        .tool("sam deploy", "make_stack; echo 'Error: ROLLBACK_COMPLETE' >&2; exit 1");
    test.smoke(&[]).exit(3).warns("is left alone: nothing proves that a run created it");
    let left = left(&test);
    assert!(left.len() == 1 && left[0].ends_with("-123456789012 (1 objects)"), "{left:?}");
}

#[test]
fn force_deletes_what_is_in_the_stack_and_not_what_its_outputs_name() {
    let test = Test::new();
    share(&test);
    let lines = format!("project=theirs\nrun=\nartifacts=\nbucket=shared\nfunction={FUNCTION}\n");
    test.aws.account().add_stack(STACK, &lines);
    test.teardown(&[STACK, "--force", "--yes"]).exit(0);
    assert_eq!(left(&test), SHARED);
}

#[test]
fn a_journal_that_was_edited_to_name_other_things_proves_nothing() {
    let test = killed();
    share(&test);
    let edited = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        if entry["resource"]["facts"].is_object() {
            let names = json!({"bucket": ["shared"], "function": ["shared"], "logGroup": ["/aws/lambda/shared"]});
            entry["resource"]["facts"] = names;
        }
        format!("{entry}\n")
    };
    test.rewrite_journal(|text| text.lines().map(edited).collect());
    test.teardown(&[STACK]).exit(0);
    assert_eq!(left(&test), SHARED);
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
    test.aws.account().every_log_group_is_old = true;
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
    test.teardown(&[STACK]).exit(7).warns("-render is not proved to be a run's any more, so it is left alone");
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
    test.teardown(&[STACK]).exit(7).warns("is not proved to be a run's any more, so it is left alone");
    assert!(test.aws.is_changed() && left(&test).contains(&line), "{:?}", left(&test));
}
