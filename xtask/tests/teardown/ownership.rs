//! What is proved to be a run's, and what is left alone.

use std::fs;

use insta::assert_snapshot;
use rustix::process::Signal;

use crate::{
    kill_one, killed, left, locked,
    support::{STACK, Test, fake_aws::Fault},
};

#[test]
fn a_stack_of_nobodys_run_is_refused() {
    let test = Test::new();
    let ran = test.teardown(&["production"]);
    assert_snapshot!(ran.exit(1).stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    error: stack production does not belong to a run, so it was not touched: it has no tag HyperframesSmokeRun; `--force` deletes it anyway, after you type its name again
    ");
    test.assert_account_clean();
}

#[test]
fn force_asks_for_the_name_unless_yes_is_given() {
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
fn leftovers_next_to_a_foreign_stack_go_and_the_stack_stays() {
    let test = killed();
    // The stack was deleted by hand, and someone deployed another one of that name.
    fs::remove_file(test.tools.stacks().join(STACK)).unwrap();
    test.aws.account().add_foreign(STACK, "theirs");
    let ran = test.teardown(&[STACK]);
    ran.exit(1)
        .says("everything that runs left outside of stack smoke-test is gone")
        .warns("stack smoke-test does not belong to a run");
    let left = left(&test);
    assert!(
        left.contains(&format!("stack {STACK}")) && left.contains(&"bucket theirs-123456789012 (1 objects)".to_owned())
    );
    assert!(!left.iter().any(|line| line.contains("hyperframes-smoke-")), "{left:?}");
}

#[test]
fn force_takes_leftovers_and_the_stack_next_to_them() {
    let test = locked();
    test.aws.account().add_foreign(STACK, "theirs");
    test.teardown(&[STACK, "--force", "--yes"]).exit(0).warns("smoke-test: forced by the caller");
    test.assert_account_clean();
}

#[test]
fn a_stack_made_by_others_after_a_name_lock_is_left() {
    let test = locked();
    test.aws.account().add_foreign(STACK, "theirs");
    let theirs: Vec<String> =
        left(&test).into_iter().filter(|line| !line.starts_with("bucket hyperframes-smoke-")).collect();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).warns("stack smoke-test is left alone: it has no tag");
    assert_eq!(left(&test), theirs);
    test.teardown(&[STACK]).exit(1);
    assert_eq!(left(&test), theirs);
}

#[test]
fn a_stack_in_review_is_deleted_by_the_tags_of_its_change_sets_and_not_by_a_lock_on_its_name() {
    // A run that was killed as soon as it had created its stack.
    let test = Test::new().fault("CreateChangeSet", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    assert!(left(&test).contains(&format!("stack {STACK}")));
    test.teardown(&[STACK]).exit(0).warns("it has the tag HyperframesSmokeRun=<run>");
    test.assert_account_clean();
    // Someone else's change sets, next to a name lock, or next to one of the run.
    for with_one_of_the_run in [false, true] {
        let test = locked();
        let run = left(&test)[0].chars().filter(|c| *c != ' ').collect::<String>();
        let run = run.split("a222bf3f-").nth(1).unwrap()[..12].to_owned();
        test.aws.account().add_change_set(STACK, "theirs", "");
        if with_one_of_the_run {
            test.aws.account().add_change_set(STACK, "sam", &run);
        }
        let ran = test.teardown(&[STACK]);
        ran.exit(1).says("everything that runs left outside of stack smoke-test is gone");
        ran.warns(
            "stack smoke-test does not belong to a run, so it was not touched: it has no tag HyperframesSmokeRun",
        );
        assert_eq!(left(&test), [format!("stack {STACK}")]);
    }
}

#[test]
fn a_change_set_of_nobodys_run_is_left() {
    let test = Test::new();
    test.aws.account().add_change_set(STACK, "theirs", "");
    test.teardown(&[STACK]).exit(1).warns("stack smoke-test does not belong to a run, so it was not touched");
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
fn a_name_lock_in_another_region_is_left() {
    let test = locked();
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
    test.teardown(&[STACK]).exit(0).warns("only its tagged buckets are left");
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
