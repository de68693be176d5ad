//! `--reuse-stack`: runs on a stack that an earlier run kept.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::{
    signals::send,
    support::{
        Ran, STACK, Test,
        fake_aws::{End, Fault},
        repository::zip,
    },
};

const REUSE: [&str; 2] = ["--reuse-stack", STACK];

/// A world with a kept stack.
fn kept() -> Test {
    let test = Test::new();
    test.smoke(&["--keep-stack"]).exit(0).says("stack smoke-test is kept; run on it again by --reuse-stack smoke-test");
    test
}

impl Test {
    /// The calls of `sam deploy` so far.
    fn deployments(&self) -> Vec<String> {
        self.tools.calls().into_iter().filter(|call| call.starts_with("sam deploy")).collect()
    }

    /// Another handler ZIP, of this many KiB.
    fn edit_handler(&self, kib: u32) {
        fs::write(self.repository.handler_zip(), zip(kib << 10)).unwrap();
    }

    fn created(&self, what: &str) -> usize {
        self.aws.calls().iter().filter(|call| *call == what).count()
    }

    /// Asserts that a run was refused, and that the account is as it was.
    #[track_caller]
    fn refuses(&self, args: &[&str], why: &str) -> Ran {
        let (before, deployments) = (self.aws.account().contents(), self.deployments().len());
        let ran = self.smoke(args);
        ran.exit(1).warns(why).never_says("PASS");
        assert_eq!((self.aws.account().contents(), self.deployments().len()), (before, deployments), "{ran}");
        ran
    }
}

#[test]
fn the_same_zip_is_not_deployed_again_and_another_one_is_once() {
    let test = kept();
    let owner = test.artifact("run.json")["runId"].clone();
    let ran = test.smoke(&REUSE);
    ran.exit(0)
        .warns("deploy    stack smoke-test is reused as it is: it has this handler ZIP")
        .says(
            "PASS  1 of 1 renders match the baseline; stack smoke-test is kept; run on it again by --reuse-stack smoke-test",
        )
        .never_says("deleting stack");
    let run = test.artifact("run.json");
    assert_eq!((&run["reuses"], &run["teardown"]["outcome"]), (&owner, &json!("kept")));
    assert_ne!(run["runId"], owner);
    let read = |name: &str| fs::read_to_string(test.artifacts().join(name)).unwrap();
    assert!(read("report.html").contains("Reuses the stack of run"), "{}", read("report.html"));
    assert!(read("report.md").contains("stack smoke-test is kept because of --reuse-stack"), "{}", read("report.md"));
    assert!(read("junit.xml").contains("the stack is kept because of --reuse-stack"), "{}", read("junit.xml"));
    // The first deployment is the only one, and nothing but that created a bucket or a stack.
    assert_eq!((test.deployments().len(), test.created("CreateBucket"), test.created("CreateChangeSet")), (1, 1, 1));

    test.edit_handler(700);
    test.smoke(&REUSE).exit(0).warns("sam deploy smoke-test, which is reused, with another handler ZIP");
    test.smoke(&REUSE).exit(0).warns("it has this handler ZIP");
    let deployments = test.deployments();
    assert_eq!((deployments.len(), test.created("CreateBucket"), test.created("CreateChangeSet")), (2, 1, 1));
    let tag = format!("HyperframesSmokeRun={}", owner.as_str().unwrap());
    assert!(deployments.iter().all(|call| call.contains(&tag)), "{deployments:#?}");
    test.teardown(&[STACK]).exit(0).says("smoke-test is gone");
    test.assert_account_clean();
    test.refuses(&REUSE, "no journal on this machine knows a stack of this name that a run kept");
}

#[test]
fn another_zip_of_a_second_function_is_deployed_too() {
    let test = Test::checkout();
    let own = test.repository.render_chunks_from_their_own_zip();
    fs::write(&own, zip(700 << 10)).unwrap();
    test.smoke(&["--keep-stack"]).exit(0);
    test.smoke(&REUSE).exit(0).warns("it has this handler ZIP");
    fs::write(&own, zip(800 << 10)).unwrap();
    test.smoke(&REUSE).exit(0).warns("sam deploy smoke-test, which is reused, with another handler ZIP");
    test.smoke(&REUSE).exit(0).warns("it has this handler ZIP");
    assert_eq!(test.deployments().len(), 2);
}

#[test]
fn an_eval_reuses_a_stack_too() {
    let test = kept();
    let args = ["--reuse-stack", STACK, "--chunk-counts", "2", "--skip-local"];
    test.eval(&args).exit(0).warns("it has this handler ZIP").says("stack smoke-test is kept");
    assert_eq!(test.deployments().len(), 1);
}

#[test]
fn what_no_run_kept_is_refused_before_aws_is_called() {
    let test = Test::new();
    let ran = test.smoke(&["--reuse-stack", "production"]);
    ran.exit(1).warns(
        "error: --reuse-stack production: no journal on this machine knows a stack of this name that a run kept, so \
         nothing was touched; create one with --keep-stack --stack-name production",
    );
    assert_eq!((test.tools.calls(), test.aws.calls()), (vec![], vec![]));
    // A run that was killed left half a stack.
    let test = test.fault("DescribeStateMachine", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&["--keep-stack"]).status, None);
    test.refuses(&REUSE, "did not come to its end, so its stack may be half created; remove it with: cargo xtask");
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_stack_of_someone_else_under_the_name_is_refused_and_left() {
    let test = kept();
    test.aws.account().change_stack(STACK, |stack| stack.run = String::new());
    test.refuses(&REUSE, "stack smoke-test is not the one that run <run> created and kept");
    let owner = test.artifact("run.json")["runId"].as_str().unwrap().to_owned();
    // The tag is there, and the ARN is another.
    test.aws.account().change_stack(STACK, |stack| (stack.run, stack.id) = (owner, "arn:another/1".to_owned()));
    test.refuses(&REUSE, "someone replaced it, or took its tag, so it is left alone");
}

#[test]
fn a_stack_that_something_is_at_work_on_or_that_failed_is_refused() {
    let test = kept();
    for (status, todo) in [
        ("UPDATE_IN_PROGRESS", "wait until that has ended, then run this again"),
        ("DELETE_IN_PROGRESS", "wait until that has ended, then run this again"),
        ("ROLLBACK_COMPLETE", "so it can't be reused; remove it with: cargo xtask lambda-teardown smoke-test --run"),
        ("DELETE_FAILED", "so it can't be reused; remove it with: cargo xtask lambda-teardown smoke-test --run"),
    ] {
        test.aws.account().change_stack(STACK, |stack| stack.status = status.to_owned());
        test.refuses(&REUSE, &format!("stack smoke-test is {status}"));
        test.refuses(&REUSE, todo);
    }
    test.aws.account().delete_stack(STACK);
    test.refuses(&REUSE, "stack smoke-test is gone");
}

#[test]
fn another_template_other_parameters_and_another_target_are_refused() {
    let test = kept();
    let other = "parameter LambdaMemoryMb is the template's own there and 3008 here";
    test.refuses(&[&REUSE[..], &["--memory-mb", "3008"]].concat(), other);
    let region = [&REUSE[..], &["--region", "eu-west-1"]].concat();
    test.refuses(&region, "was kept in account 123456789012 (--region us-east-1 --endpoint-url <endpoint>)");
    let template = test.repository.root().join("examples/aws-lambda/template.yaml");
    let text = fs::read_to_string(&template).unwrap();
    fs::write(&template, text.clone() + "# edited\n").unwrap();
    test.refuses(&REUSE, "the template has changed since; give the same parameters, or remove it with: cargo xtask");
    fs::write(&template, text).unwrap();
    // A journal of a version that did not note what it deployed.
    test.rewrite_journal(|journal| {
        journal.lines().filter(|line| !line.contains("deployed")).fold(String::new(), |all, line| all + line + "\n")
    });
    test.refuses(&REUSE, "the journal does not say what stack smoke-test was deployed from");
}

#[test]
fn one_run_at_a_time_uses_a_stack() {
    let test = kept();
    let calls = test.aws.calls().len();
    let test = test.render(|render| render.end = End::Never);
    let first = test.spawn_smoke(&REUSE);
    for _ in 0..1000 {
        if test.aws.calls()[calls..].iter().any(|call| call == "DescribeExecution") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let another = ["lambda-smoke", "--skip-build", "--fixture", "f", "--endpoint-url", &test.aws.endpoint];
    let second = test.spawn(&[&another[..], &REUSE].concat());
    let second = second.wait_with_output().unwrap();
    let reported = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{reported}");
    assert!(reported.contains("--reuse-stack smoke-test: another run is using the stack"), "{reported}");
    let torn = test.spawn(&["lambda-teardown", STACK, "--endpoint-url", &test.aws.endpoint]);
    let torn = torn.wait_with_output().unwrap();
    let reported = String::from_utf8_lossy(&torn.stderr).into_owned();
    assert_eq!(torn.status.code(), Some(1), "{reported}");
    assert!(reported.contains("a run is using stack smoke-test of run"), "{reported}");
    send(&first, Signal::INT);
    let first = test.finish(first);
    first.exit(130).warns("SIGINT: stopping; stack smoke-test is left as it is because of --reuse-stack.");
    let listing = test.aws.account().listing();
    assert!(listing.contains(&format!("stack {STACK}")), "{listing:?}");
    assert!(!listing.iter().any(|line| line.starts_with("running execution")), "{listing:?}\n{first}");
    test.render_ends();
    test.smoke(&REUSE).exit(0);
}

#[test]
fn whatever_ends_a_run_leaves_the_stack_and_an_update_that_was_cut_off_is_done_again() {
    for (signal, status) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let test = kept();
        test.edit_handler(700);
        test.tools.hook("sam deploy", &format!("kill -{signal} $PPID; while :; do sleep 0.05; done"));
        assert_eq!(test.smoke(&REUSE).status, status, "{signal}");
        assert!(test.aws.account().listing().contains(&format!("stack {STACK}")), "{signal}");
        test.tools.unhook("sam deploy");
        // Which ZIP the stack has by now is not known, so the first one is deployed again as well.
        test.edit_handler(1 << 10);
        test.smoke(&REUSE).exit(0).warns("sam deploy smoke-test, which is reused").never_says("did not clean up");
        test.teardown(&[STACK]).exit(0);
        test.assert_account_clean();
    }
    let test = kept();
    test.edit_handler(700);
    let test = test.tool("sam deploy", "echo 'no way' >&2; exit 1").account(|account| {
        account.stack_failures = vec![["RenderFunction", "UPDATE_FAILED", "the ZIP is odd"]];
    });
    let ran = test.smoke(&REUSE);
    ran.exit(3).warns("RenderFunction (AWS::Lambda::Function) could not be updated: the ZIP is odd");
    ran.says("FAIL  the stack was not deployed (exit 3); stack smoke-test is kept");
    assert!(test.aws.account().listing().contains(&format!("stack {STACK}")));
}

#[test]
fn a_stack_that_is_replaced_while_it_is_reused_is_left_alone() {
    let test = kept();
    test.aws.before("StartExecution", 1, |account| {
        account.change_stack(STACK, |stack| stack.run = String::new());
    });
    let ran = test.smoke(&REUSE);
    ran.exit(7).warns("error: clean-up: stack smoke-test is gone or has been replaced, so nothing was touched");
    assert!(test.aws.account().listing().contains(&format!("stack {STACK}")));
}

#[test]
fn a_dry_run_says_what_is_reused() {
    let test = kept();
    let before = test.aws.calls().len();
    let ran = test.smoke(&[&REUSE[..], &["--dry-run"]].concat());
    ran.exit(0)
        .says("  nothing: stack smoke-test of run <run> is reused, and updated only if the ZIP differs")
        .says("(unless the stack has this ZIP)")
        .says("  nothing: --reuse-stack; `cargo xtask lambda-teardown smoke-test` does");
    assert_eq!(test.aws.calls().len(), before);
    let none = test.smoke(&["--reuse-stack", "nobodys", "--dry-run"]);
    none.exit(1).warns("no journal on this machine knows a stack of this name");
}
