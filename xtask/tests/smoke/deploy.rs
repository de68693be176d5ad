//! Deployments that go wrong.

use crate::support::{
    FOREIGN, STACK, Test,
    fake_aws::{Fault, Rival},
};

#[test]
fn a_template_that_is_not_valid_is_exit_3_and_nothing_is_created() {
    let test = Test::new().tool("sam validate", "echo 'E1001 Additional properties' >&2; exit 1");
    let ran = test.smoke(&[]);
    ran.exit(3).warns("error: the template is not valid: sam validate --region us-east-1").warns("E1001");
    ran.says("FAIL  the stack was not deployed (exit 3); nothing was created");
    test.assert_account_clean();
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()));
}

#[test]
fn a_deployment_that_fails_at_once_is_torn_down() {
    let test = Test::new().tool("sam deploy", "echo 'Error: limit exceeded' >&2; exit 1");
    let ran = test.smoke(&[]);
    ran.exit(3).warns("Error: limit exceeded").warns("its log is <dir>/artifacts/logs/sam.log");
    ran.says("FAIL  the stack was not deployed (exit 3); clean-up verified");
    test.assert_account_clean();
    assert_eq!(test.artifact("cleanup-verification.json")["clean"], true);
}

#[test]
fn a_deployment_that_leaves_half_a_stack_is_torn_down() {
    // ROLLBACK_FAILED: the stack is there, without outputs.
    let half = Test::new().tool("sam deploy", "project= make_stack; exit 1");
    half.smoke(&[]).exit(3).says("clean-up verified").warns("deleting stack smoke-test");
    half.assert_account_clean();
    // All was created, and sam died in the end.
    let whole = Test::new().tool("sam deploy", "make_stack; exit 1");
    whole.smoke(&[]).exit(3).says("clean-up verified").warns("deleting stack smoke-test");
    whole.assert_account_clean();
}

#[test]
fn a_stack_that_someone_else_deployed_meanwhile_is_left_alone() {
    let test = Test::new().tool("sam deploy", "project=theirs run= make_stack; exit");
    let ran = test.smoke(&[]);
    ran.exit(3).warns("does not carry this run's tag: it is not this run's");
    let listing = test.aws.account().listing();
    assert!(listing.contains(&format!("stack {STACK}")) && listing.contains(&"function theirs-render".to_owned()));
    assert!(!listing.iter().any(|line| line.starts_with("bucket hyperframes-smoke-")), "{listing:?}");
    assert!(!test.aws.calls().contains(&"DeleteStack".to_owned()));
}

/// What is in the account apart from what it always holds.
fn left(test: &Test) -> Vec<String> {
    test.aws.account().listing().into_iter().filter(|line| !FOREIGN.contains(&line.as_str())).collect()
}

#[test]
fn a_stack_that_someone_creates_right_before_the_run_does_stays_as_it_is() {
    let test = Test::new();
    test.aws.before("CreateChangeSet", 1, |account| account.add_foreign(STACK, "theirs"));
    let ran = test.smoke(&[]);
    ran.exit(3).warns("Stack [smoke-test] already exists and cannot be created again").says("clean-up verified");
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    assert_eq!(left(&test).len(), 6, "{:?}", left(&test));
    assert!(left(&test).contains(&"bucket theirs-123456789012 (1 objects)".to_owned()));
}

#[test]
fn a_stack_in_review_that_someone_creates_right_before_the_run_does_is_left_to_them() {
    let test = Test::new();
    test.aws.before("CreateChangeSet", 1, |account| account.add_change_set(STACK, "theirs", ""));
    test.smoke(&[]).exit(3).warns("someone else created stack smoke-test at this moment").says("clean-up verified");
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    assert_eq!(left(&test), [format!("stack {STACK}")]);
    let names: Vec<String> = test.aws.account().change_sets.iter().map(|set| set.name.clone()).collect();
    assert_eq!(names, ["theirs"]);
}

/// sam works by name, so it updates whatever stack has the name by then, and gives the run's tag to all that is in it.
#[test]
fn a_stack_that_replaced_the_runs_is_neither_used_nor_deleted_although_it_has_the_runs_tag() {
    let test = Test::new();
    test.aws.before("DescribeStacks", 3, |account| {
        let run = account.stack(STACK).unwrap().1.run;
        account.delete_stack(STACK);
        account.buckets.retain(|name, _| !name.starts_with(STACK));
        account.add_stack(STACK, &format!("project=theirs\nrun={run}\n"));
        account.buckets.get_mut("theirs-123456789012").unwrap().put("precious", "null", b"data");
    });
    let ran = test.smoke(&[]);
    ran.exit(3).warns("someone replaced it, so it is left alone").says("clean-up verified");
    ran.warns("it is not the stack that the run created, although it has the run's tag");
    let theirs = left(&test);
    assert!(theirs.contains(&"bucket theirs-123456789012 (1 objects)".to_owned()) && theirs.len() == 6, "{theirs:?}");
    // The command that deletes by name knows it too.
    test.teardown(&[STACK]).exit(1).warns("is not the stack that the run created");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0);
    assert_eq!(left(&test), theirs);
}

/// Before it has created its change set, sam would update that stack.
#[test]
fn a_stack_that_is_deleted_while_sam_uploads_ends_sam_before_it_works_on_another_one() {
    let stopped = r#"exec 2> /dev/null; trap 'echo sam was stopped >> "$dir/calls"; exit 143' TERM"#;
    let test =
        Test::new().tool("sam deploy", &format!("{stopped}\nfor i in $(seq 600); do sleep 0.05; done; make_stack"));
    test.aws.before("DescribeStacks", 3, |account| {
        account.delete_stack(STACK);
        account.add_foreign(STACK, "theirs");
    });
    test.smoke(&[]).exit(3).warns("someone deleted stack smoke-test while sam uploaded").says("clean-up verified");
    assert!(test.tools.calls().iter().any(|call| call == "sam was stopped"));
    let theirs = left(&test);
    assert!(theirs.contains(&"bucket theirs-123456789012 (1 objects)".to_owned()) && theirs.len() == 6, "{theirs:?}");
}

#[test]
fn a_lost_answer_to_the_creation_of_the_stack_is_survived() {
    let test = Test::new().fault("CreateChangeSet", 1, Fault::Reset);
    test.smoke(&[]).exit(0);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_stack_without_its_resources_is_exit_3() {
    let test = Test::new().tool("sam deploy", "project= make_stack; exit 0");
    test.smoke(&[]).exit(3).warns("the stack has no bucket RenderBucket").says("clean-up verified");
    test.assert_account_clean();
}

#[test]
fn an_artifact_bucket_that_cant_be_made_is_exit_3() {
    for operation in ["CreateBucket", "PutBucketTagging", "PutPublicAccessBlock"] {
        let test = Test::new().fault(operation, 99, Fault::Error(403, "AccessDenied"));
        test.smoke(&[]).exit(3).warns("AccessDenied").says("clean-up verified");
        test.assert_account_clean();
    }
}

#[test]
fn an_artifact_bucket_that_someone_else_created_meanwhile_is_left_alone() {
    for (rival, objects, region) in
        [(Rival::Fills, 1, "us-east-1"), (Rival::Tags, 0, "us-east-1"), (Rival::Fills, 1, "eu-west-1")]
    {
        let test = Test::new().account(|account| account.rival = Some(rival));
        let ran = test.smoke(&["--region", region]);
        ran.exit(3).warns("someone else in this account created it; it is left alone").says("clean-up verified");
        let theirs = left(&test);
        assert!(theirs.len() == 1 && theirs[0].ends_with(&format!("({objects} objects)")), "{rival:?} {theirs:?}");
    }
}

#[test]
fn a_template_is_checked_once_for_each_content_of_it() {
    let test = Test::new();
    let checks = |test: &Test| test.tools.calls().iter().filter(|call| call.starts_with("sam validate")).count();
    test.smoke(&[]).exit(0);
    test.smoke(&[]).exit(0).warns("validate  skipped: this version of sam has validated this template before");
    assert_eq!(checks(&test), 1);
    let path = test.repository.root().join("examples/aws-lambda/template.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}# changed\n")).unwrap();
    test.smoke(&[]).exit(0);
    assert_eq!(checks(&test), 2);
    // One that is not valid is asked about each time.
    let test = Test::new().tool("sam validate", "echo 'E3002 is not valid' >&2; exit 1");
    test.smoke(&[]).exit(3);
    test.smoke(&[]).exit(3);
    assert_eq!(checks(&test), 2);
}

#[test]
fn a_reservation_beyond_the_accounts_quota_is_refused_before_anything_is_created() {
    let test = Test::new();
    test.aws.account().unreserved = 10;
    let ran = test.smoke(&[]);
    ran.exit(1).warns("10 executions at once are unreserved, of which Lambda keeps 100: 16 can't be reserved");
    ran.warns("use --reserved-concurrency 0").says("nothing was created");
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()));
    let ran = test.smoke(&["--reserved-concurrency", "0", "--chunk-counts", "2,12"]);
    ran.exit(0).warns("12 chunks are more than the account's quota of 10: Lambda throttles the others");
}

#[test]
fn chunks_beyond_the_reserved_concurrency_are_reported() {
    let test = Test::new();
    test.smoke(&["--reserved-concurrency", "2", "--chunk-counts", "2,3"])
        .exit(0)
        .warns("3 chunks are more than the function's reserved concurrency of 2")
        .warns("--reserved-concurrency 3 or 0 helps");
    // A quota that may not be read is shown by the deployment, where it is too small.
    let test = Test::new().fault("GetAccountSettings", 99, Fault::Error(403, "AccessDeniedException"));
    test.smoke(&[]).exit(0);
}

#[test]
fn a_template_that_breaks_a_rule_of_the_linter_says_which_and_where() {
    let rules = "[[W1001: Ref to a conditional resource] (Ref to 'B') matched 20, [E3034: Check a number] (-1 is less) matched 9]";
    let test =
        Test::new().tool("sam validate", &format!("echo \"{rules}\"; echo 'Error: Linting failed.' >&2; exit 1"));
    test.smoke(&[]).exit(3).warns(
        "the template is not valid: line 20: W1001: Ref to a conditional resource (Ref to 'B'); \
         line 9: E3034: Check a number (-1 is less): sam validate",
    );
}

#[test]
fn what_sam_says_before_its_error_is_no_reason() {
    let sam = "echo 'File with same data already exists at p/abc, skipping upload' >&2; \
               echo 'Error: Failed to create changeset: parameter Layer failed to resolve' >&2; exit 1";
    let test = Test::new().tool("sam deploy", sam);
    test.smoke(&[]).exit(3).warns("parameter Layer failed to resolve").never_says("names a resource that");
    let test =
        Test::new().tool("sam deploy", &sam.replace("parameter Layer failed to resolve", "role r already exists"));
    test.smoke(&[]).exit(3).warns("the template names a resource that already exists");
}

#[test]
fn a_stack_that_is_rolled_back_says_the_resource_that_failed_and_why() {
    let sam = "project= make_stack; echo 'Error: ROLLBACK_COMPLETE' >&2; exit 1";
    let quota = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                 below its minimum value of [100].";
    let test = Test::new().tool("sam deploy", sam).account(|account| {
        account.stack_failures = vec![
            ["RenderBucket", "CREATE_FAILED", "Resource creation cancelled"],
            ["RenderFunction", "CREATE_FAILED", quota],
        ];
    });
    let ran = test.smoke(&[]);
    ran.exit(3).warns("RenderFunction (AWS::Lambda::Function) could not be created: Specified ReservedConcurrent");
    ran.warns("use --reserved-concurrency 0").warns("Error: ROLLBACK_COMPLETE").says("clean-up verified");
    assert!(!ran.stderr.contains("RenderBucket (AWS"), "{}", ran.stderr);
    // Without events there is what sam said.
    let test = Test::new().tool("sam deploy", sam).fault("DescribeStackEvents", 99, Fault::Error(403, "AccessDenied"));
    test.smoke(&[]).exit(3).warns("Error: ROLLBACK_COMPLETE");
}
