//! Signals, and what they leave: nothing, or a command that finishes it.

use std::{
    fs,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    STACK, Test,
    fake_aws::{End, Fault},
};

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_signal_in_the_middle_of_an_execution_stops_it_and_cleans_up() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let test = Test::new().render(|render| render.end = End::Never).fault_at(
            "DescribeExecution",
            2,
            Fault::Signal(signal),
        );
        let ran = test.smoke(&[]);
        ran.exit(status).says("STOPPED  clean-up verified, 7 resources gone").warns("stopping 1 running execution");
        assert!(test.aws.calls().contains(&"StopExecution".to_owned()));
        test.assert_account_clean();
        assert!(test.journals()[0].ends_with("\"finished\",\"kept\":false}\n"));
        assert_eq!(test.artifact("run.json")["exitCode"], status);
    }
}

#[test]
fn ctrl_c_says_what_it_does() {
    let test = Test::new().fault("StartExecution", 1, Fault::Signal(Signal::INT));
    let ran = test.smoke(&[]);
    assert_snapshot!(ran.exit(130).stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    [<s>] preflight all 3 tools found, in versions that work
    [<s>] baseline  f: 60 frames, 64x36, 30 fps, no sound
    [<s>] build     handler ZIP 0.0 MiB, 1.0 MiB unzipped (as found: --skip-build)
    [<s>] deploy    sam deploy smoke-test
    [<s>] deploy    bucket smoke-test-<run>-123456789012
    [<s>] render    N=2: 30 frames a chunk
    SIGINT: stopping; then cleaning up stack smoke-test and its buckets. A second signal ends that too, and prints the command that finishes it.
    [<s>] teardown  2 objects deleted from smoke-test-<run>-123456789012
    [<s>] teardown  deleting stack smoke-test
    [<s>] teardown  1 object deleted from hyperframes-smoke-a222bf3f-<run>
    [<s>] teardown  verified: 7 resources gone
    ");
}

#[test]
fn a_terminal_that_goes_away_does_not_keep_a_run_from_cleaning_up() {
    let test = Test::new().render(|render| render.end = End::Never);
    let mut child = test.spawn_smoke(&[]);
    test.aws.wait_for("DescribeExecution");
    drop((child.stdout.take(), child.stderr.take()));
    send(&child, Signal::HUP);
    let ran = test.finish(child);
    test.assert_account_clean();
    ran.exit(129);
}

#[test]
fn output_that_nobody_reads_does_not_keep_a_run_from_cleaning_up() {
    let test = Test::new().render(|render| render.polls = 3);
    let mut child = test.spawn_smoke(&[]);
    test.aws.wait_for("DescribeExecution");
    drop((child.stdout.take(), child.stderr.take()));
    let ran = test.finish(child);
    test.assert_account_clean();
    ran.exit(0);
}

#[test]
fn a_signal_before_anything_is_created_leaves_nothing() {
    for operation in ["GetCallerIdentity", "ListBuckets"] {
        let test = Test::new().fault(operation, 1, Fault::Signal(Signal::INT));
        test.smoke(&[]).exit(130).warns("SIGINT: stopping; nothing was created").says("STOPPED  nothing was created");
        test.assert_account_clean();
        assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()));
    }
}

#[test]
fn a_signal_during_sam_deploy_ends_sam_before_what_it_made_is_deleted() {
    // Nobody reads what it prints by then, and a shell prints that its sleep has ended.
    let stopped = r#"exec 2> /dev/null; trap 'echo sam was stopped >> "$dir/calls"; exit 143' TERM"#;
    let test = Test::new()
        .tool("sam deploy", &format!("{stopped}\nmake_stack; kill -INT $PPID; while :; do sleep 0.05; done"));
    let (calls, was_stopped) = (test.tools.stacks().with_file_name("calls"), Arc::new(AtomicBool::new(false)));
    let noted = Arc::clone(&was_stopped);
    test.aws.before("DeleteStack", 1, move |_| {
        noted.store(fs::read_to_string(calls).unwrap().contains("sam was stopped"), Ordering::SeqCst);
    });
    test.smoke(&[]).exit(130).says("STOPPED  clean-up verified").warns("deleting stack smoke-test");
    assert!(was_stopped.load(Ordering::SeqCst));
    test.assert_account_clean();
}

#[test]
fn a_bucket_that_comes_up_after_the_first_look_goes_too() {
    let test = Test::new()
        .account(|account| account.bucket_comes_late = true)
        .tool("sam deploy", "make_stack; kill -INT $PPID; while :; do sleep 0.05; done");
    test.smoke(&[])
        .exit(130)
        .says("STOPPED  clean-up verified")
        .warns("1 object deleted from smoke-test-renderbucket-");
    test.assert_account_clean();
}

#[test]
fn a_signal_during_a_build_ends_the_build() {
    let test = Test::checkout().tool("bun build:zip", "kill -TERM $PPID; exec sleep 60");
    test.build_and_smoke(&[]).exit(143).warns("SIGTERM: stopping; nothing was created");
    test.assert_account_clean();
}

#[test]
fn a_second_signal_ends_the_clean_up_and_says_how_to_finish_it() {
    let test = Test::new()
        .render(|render| render.end = End::Never)
        .fault("DescribeExecution", 1, Fault::Signal(Signal::INT))
        .fault("DeleteObjects", 1, Fault::Signal(Signal::INT));
    let ran = test.smoke(&[]);
    assert_snapshot!(ran.exit(130).stdout, @r"
    STOPPED  the clean-up was interrupted; finish the clean-up with: cargo xtask lambda-teardown smoke-test --run <run> --region us-east-1 --endpoint-url <endpoint>
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert!(!test.journals()[0].contains("finished"));
    test.render_ends();
    let next = test.smoke(&["--stack-name", "next"]);
    next.exit(0).warns("on stack smoke-test did not clean up; finish it with: cargo xtask lambda-teardown smoke-test --run <run> --region us-east-1 --endpoint-url <endpoint>");
    test.run(&["lambda-teardown", STACK]).exit(0);
    test.assert_account_clean();
    test.smoke(&["--stack-name", "after"]).exit(0).never_says("did not clean up");
}

#[test]
fn a_signal_in_the_clean_up_of_a_green_run_lets_it_end_and_is_no_success() {
    let test = Test::new().fault("DeleteObjects", 1, Fault::Signal(Signal::TERM));
    test.smoke(&[]).exit(143).says("STOPPED  clean-up verified").warns("SIGTERM: the clean-up continues");
    test.assert_account_clean();
}

#[test]
fn two_signals_in_the_clean_up_of_a_green_run_end_it() {
    // The first listing is that of the new artifact bucket.
    let test = Test::new().fault_at("ListObjectVersions", 2, Fault::Signal(Signal::INT)).fault(
        "DeleteObjects",
        1,
        Fault::Signal(Signal::INT),
    );
    test.smoke(&[])
        .exit(130)
        .says("the clean-up was interrupted; finish the clean-up with: cargo xtask lambda-teardown");
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_kept_stack_has_no_execution_that_runs_on() {
    let test =
        Test::new().render(|render| render.end = End::Never).fault("DescribeExecution", 1, Fault::Signal(Signal::INT));
    let ran = test.smoke(&["--keep-stack"]);
    ran.exit(130)
        .says("STOPPED  stack smoke-test is kept;")
        .says("; remove it with: cargo xtask lambda-teardown smoke-test");
    let listing = test.aws.account().listing();
    assert!(listing.contains(&format!("stack {STACK}")));
    assert!(!listing.iter().any(|line| line.starts_with("running execution")), "{listing:?}\n{ran}");
}

/// From the first thing that is created to the last that is deleted.
const KILLS: [(&str, usize); 16] = [
    ("CreateBucket", 1),
    ("PutBucketTagging", 1),
    ("PutPublicAccessBlock", 1),
    ("CreateChangeSet", 1),
    ("ListChangeSets", 1),
    ("DescribeStateMachine", 1),
    ("ListTagsForResource", 1),
    ("PutObject", 1),
    ("StartExecution", 1),
    ("DescribeExecution", 1),
    ("GetObject", 1),
    ("ListExecutions", 1),
    ("DeleteObjects", 1),
    ("DeleteBucket", 1),
    ("DeleteBucket", 2),
    ("DescribeLogGroups", 5),
];

#[test]
fn whenever_a_run_is_killed_teardown_by_name_leaves_nothing() {
    let kill = |(operation, call)| {
        let test = Test::new().fault_at(operation, call, Fault::Signal(Signal::KILL));
        assert_eq!(test.smoke(&[]).status, None, "killed at {operation}");
        test.assert_faults_met();
        let torn_down = test.teardown(&[STACK]);
        assert_eq!(
            (torn_down.status, &torn_down.stderr.contains("error")),
            (Some(0), &false),
            "{operation}\n{torn_down}"
        );
        test.assert_account_clean();
    };
    std::thread::scope(|scope| {
        for half in KILLS.chunks(KILLS.len() / 2) {
            scope.spawn(|| half.iter().copied().for_each(kill));
        }
    });
}

#[test]
fn a_run_that_is_killed_while_sam_deploys_takes_sam_with_it() {
    let test = Test::new().tool("sam deploy", "make_stack; kill -KILL $PPID; exec sleep 60");
    assert_eq!(test.smoke(&[]).status, None);
    assert_eq!(test.tools.alive(), [0; 0]);
    test.teardown(&[STACK]).exit(0);
    test.assert_account_clean();
}

#[test]
fn what_a_program_started_ends_with_a_killed_run_too() {
    let script = "sleep 61 & echo $! > \"$0.child\"; kill -KILL $PPID; wait";
    let test = Test::checkout().tool("bun build:zip", script);
    assert_eq!(test.build_and_smoke(&[]).status, None);
    let pid_file = test.tools.bin().join("bun.child");
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let is_alive = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    // It would live for a minute, and on a busy machine a second is short.
    for _ in 0..1000 {
        if !is_alive() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("process {pid} outlived the run by 20 s");
}

#[test]
fn a_stack_that_turns_up_after_the_first_look_is_found() {
    // What the call that the signal cut off had asked for takes shape while the clean-up has found no stack yet.
    let test = Test::new().fault("PutPublicAccessBlock", 1, Fault::Signal(Signal::INT));
    let child = test.spawn_smoke(&[]);
    // One look comes before the bucket.
    while test.aws.calls().iter().filter(|call| *call == "DescribeStacks").count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    let run = test.artifact("run.json")["runId"].as_str().unwrap().to_owned();
    test.aws.account().add_change_set(STACK, &format!("run-{run}"), &run);
    test.finish(child).exit(130).warns("deleting stack smoke-test").says("clean-up verified");
    test.assert_account_clean();
}

#[test]
fn a_hangup_that_the_caller_ignores_is_ignored() {
    let test = Test::new().fault_at("DescribeExecution", 1, Fault::Signal(Signal::HUP));
    let child = test.spawn_ignoring_hangup();
    test.finish(child).exit(0).says("PASS");
}

#[test]
fn without_its_journal_a_killed_run_is_found_by_its_tags() {
    let test = Test::new().fault("DescribeExecution", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    std::fs::remove_dir_all(test.state()).unwrap();
    test.teardown(&[STACK]).exit(0).warns("it has the tag HyperframesSmokeRun=<run>");
    test.assert_account_clean();
}
