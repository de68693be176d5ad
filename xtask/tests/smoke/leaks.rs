//! What is left, or can't be proved gone, after everything else.

use insta::assert_snapshot;

use crate::support::{
    STACK, Test,
    fake_aws::{End, Fault},
    video::Video,
};

#[test]
fn a_bucket_that_cant_be_deleted_is_exit_7() {
    let test = Test::new().fault("DeleteBucket", 99, Fault::Error(403, "AccessDenied"));
    let ran = test.smoke(&[]);
    assert_snapshot!(ran.exit(7).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)   none  ok

    LEAK  the renders pass, but the clean-up failed; finish the clean-up with: cargo xtask lambda-teardown smoke-test --run <run> --region us-east-1 --endpoint-url <endpoint>
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    ran.warns("error: clean-up: deleting bucket smoke-test-<run>-123456789012").warns("AccessDenied");
    test.assert_faults_met();
    // The printed command finishes it.
    test.aws.faults().clear();
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn an_object_that_cant_be_deleted_is_named_and_all_else_is_deleted() {
    let test = Test::new().fault("DeleteObjects", 99, Fault::EveryKey("AccessDenied"));
    let ran = test.smoke(&[]);
    ran.exit(7).warns("object").warns("can't be deleted from smoke-test-<run>-123456789012, such as ");
    ran.says("leaked: bucket smoke-test-<run>-123456789012 (Present: s3 HeadBucket)");
    ran.says("leaked: object s3://smoke-test-<run>-123456789012/").says("S3 refuses to delete it: no (AccessDenied)");
    // Three objects and their two buckets: neither stack, nor machine, nor function, nor log group.
    ran.says("but 5 resources leaked");
    assert_eq!(test.artifact("run.json")["teardown"]["outcome"], "leaked");
    // Once the hold is taken off, the printed command finishes it.
    test.aws.faults().clear();
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_function_that_outlives_its_stack_is_exit_7() {
    let test = Test::new().account(|account| account.functions_linger = true);
    let ran = test.smoke(&[]);
    assert_snapshot!(ran.exit(7).stdout, @r"
    chunks  planned  wall clock  PSNR mean     worst frame  audio
         2        2       6.1 s   45.48 dB  44.25 dB (#59)   none  ok

      leaked: function smoke-test-<run>-render (Present: lambda GetFunctionConfiguration)
      leaked: bucket hyperframes-smoke-a222bf3f-<run> (Present: s3 HeadBucket)
    LEAK  the renders pass, but 2 resources leaked or not proved gone; finish the clean-up with: cargo xtask lambda-teardown smoke-test --run <run> --region us-east-1 --endpoint-url <endpoint>
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert_eq!(test.artifact("cleanup-verification.json")["clean"], false);
}

#[test]
fn a_log_group_that_outlives_its_stack_is_deleted() {
    let test = Test::new().account(|account| account.log_groups_linger = true);
    test.smoke(&[]).exit(0).warns("deleting log group /aws/lambda/smoke-test-<run>-render, which outlived the stack");
    test.assert_account_clean();
}

#[test]
fn what_cant_be_seen_is_exit_7() {
    let denied = Fault::Error(400, "AccessDeniedException");
    let test = Test::new().fault("DescribeLogGroups", 1, denied);
    test.smoke(&[]).exit(1).warns("looking for log group /aws/").says("nothing was created");
    // After the proof that both names are unused, two pages each.
    let test = Test::new();
    test.aws.faults().add("DescribeLogGroups", 5..=999, denied);
    let ran = test.smoke(&[]);
    ran.exit(7).says("  leaked: logGroup /aws/lambda/smoke-test-<run>-render (Unverifiable: logs DescribeLogGroups: ");
    ran.says("AccessDeniedException").says("3 resources leaked or not proved gone");
}

#[test]
fn keys_that_expire_are_reported_once_with_what_to_do() {
    let expired = Fault::Error(400, "ExpiredToken");
    // The first listing is that of the new artifact bucket.
    let test = Test::new();
    test.aws.faults().add("ListObjectVersions", 2..=99, expired);
    let ran = test.smoke(&[]);
    ran.exit(7)
        .warns("error: clean-up: emptying bucket smoke-test-<run>-123456789012")
        .warns("renew them, for example with `aws sso login`");
    ran.says("finish the clean-up with: cargo xtask lambda-teardown smoke-test");
    assert!(!ran.stderr.contains("once more"), "what expired is not asked again: {}", ran.stderr);
    // The same from the command that finishes it, until someone logs in.
    test.teardown(&[STACK]).exit(7).warns("renew them, for example with `aws sso login`");
    test.aws.faults().clear();
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_bucket_that_s3_still_takes_for_full_is_emptied_again() {
    let test = Test::new().fault("DeleteBucket", 2, Fault::Error(409, "BucketNotEmpty"));
    let ran = test.smoke(&["--keep-stack"]);
    ran.exit(0);
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
    test.assert_faults_met();
}

#[test]
fn a_stack_that_cant_be_deleted_is_exit_7() {
    let test = Test::new().fault("DeleteStack", 99, Fault::Error(403, "AccessDenied"));
    test.smoke(&[]).exit(7).warns("AccessDenied").says("lambda-teardown smoke-test");
}

#[test]
fn after_a_failure_its_own_code_stays() {
    let leaks = || Test::new().account(|account| account.functions_linger = true);
    let bad = Video::levels(&[("20.000000", 60)]);
    leaks().video(&bad).smoke(&[]).exit(5).says("  leaked: function smoke-test-<run>-render");
    let failing = leaks().render(|render| render.end = End::Fails("E", "why"));
    failing.smoke(&[]).exit(4).says("  leaked: function").says("finish the clean-up with: cargo xtask lambda-teardown");
}

#[test]
fn a_bucket_with_a_history_is_emptied_to_its_last_version() {
    // Littered when the render bucket is there, and before its clean-up.
    let test = Test::new().render(|render| render.end = End::Never);
    let child = test.spawn_smoke(&[]);
    test.aws.wait_for("DescribeExecution");
    test.aws.account().buckets.iter_mut().filter(|(name, _)| name.starts_with(STACK)).for_each(|(_, b)| b.litter());
    crate::signals::send(&child, rustix::process::Signal::INT);
    test.finish(child)
        .exit(130)
        .says("clean-up verified")
        .warns("teardown  7 objects deleted from smoke-test-<run>-123456789012");
    test.assert_account_clean();
}
