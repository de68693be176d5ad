//! Throttling, dropped connections and broken downloads, which a run survives.

use std::{thread::sleep, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Test,
    fake_aws::{End, Fault},
};

/// Every operation of a green run, in the phase where it comes first.
const OPERATIONS: [&str; 24] = [
    "GetCallerIdentity",
    "ListBuckets",
    "HeadBucket",
    "GetFunctionConfiguration",
    "CreateBucket",
    "PutBucketTagging",
    "PutPublicAccessBlock",
    "CreateChangeSet",
    "DescribeChangeSet",
    "ListChangeSets",
    "DescribeStateMachine",
    "ListTagsForResource",
    "PutObject",
    "StartExecution",
    "DescribeExecution",
    "GetExecutionHistory",
    "GetObject",
    "GetBucketTagging",
    "ListExecutions",
    "ListObjectVersions",
    "DeleteObjects",
    "ListMultipartUploads",
    "DeleteBucket",
    "DescribeLogGroups",
];

/// Runs against an AWS that meets `fault` at the first call of each operation
/// in a group; the groups run side by side, as most of the time is waiting.
fn survives(groups: &[&[&'static str]], fault: Fault) {
    std::thread::scope(|scope| {
        for group in groups {
            scope.spawn(move || {
                let test = group.iter().fold(Test::new(), |test, operation| test.fault(operation, 1, fault));
                test.smoke(&[]).exit(0).says("clean-up verified");
                test.assert_account_clean().assert_faults_met();
            });
        }
    });
}

fn groups() -> Vec<&'static [&'static str]> {
    OPERATIONS.chunks(3).collect()
}

#[test]
fn throttling_in_every_phase_is_survived() {
    survives(&groups(), Fault::SLOW_DOWN);
}

#[test]
fn connections_that_end_without_an_answer_in_every_phase_are_survived() {
    survives(&groups(), Fault::Reset);
}

#[test]
fn a_lost_answer_to_create_bucket_is_survived_in_every_region() {
    let test = Test::new().fault("CreateBucket", 1, Fault::Reset);
    test.smoke(&["--region", "eu-west-1"]).exit(0);
    test.assert_account_clean();
}

#[test]
fn changes_of_a_new_bucket_that_are_in_each_others_way_are_repeated() {
    let busy = Fault::Error(409, "OperationAborted");
    let test = Test::new().fault("CreateBucket", 1, busy).fault("PutPublicAccessBlock", 1, busy).fault(
        "PutBucketTagging",
        1,
        busy,
    );
    test.smoke(&[]).exit(0);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_bucket_that_is_not_known_at_once_is_waited_for() {
    let unknown = Fault::Error(404, "NoSuchBucket");
    let test = Test::new().fault("PutPublicAccessBlock", 2, unknown).fault("PutBucketTagging", 1, unknown);
    test.smoke(&[]).exit(0);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_state_machine_that_is_not_known_at_once_is_waited_for() {
    let unknown = Fault::Error(400, "StateMachineDoesNotExist");
    let test = Test::new().fault("DescribeStateMachine", 2, unknown).fault("StartExecution", 1, unknown);
    test.smoke(&[]).exit(0);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_lost_answer_to_the_start_of_an_execution_that_has_ended_is_survived() {
    let test = Test::new().render(|render| render.polls = 0).fault("StartExecution", 1, Fault::Reset);
    test.smoke(&[]).exit(0);
    assert_eq!(test.aws.calls().iter().filter(|call| *call == "StartExecution").count(), 2);
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_poll_survives_what_the_sdk_repeats_and_what_it_does_not() {
    let test = Test::new()
        .fault("DescribeExecution", 2, Fault::Error(503, "ServiceUnavailable"))
        .fault_at("DescribeExecution", 3, Fault::Error(409, "OperationAborted"))
        .fault_at("DescribeExecution", 4, Fault::Error(409, "OperationAborted"));
    test.smoke(&[]).exit(0);
    test.assert_faults_met();
}

#[test]
fn an_execution_that_is_not_known_at_once_is_waited_for() {
    let test = Test::new().render(|render| render.polls = 2).fault(
        "DescribeExecution",
        2,
        Fault::Error(400, "ExecutionDoesNotExist"),
    );
    test.smoke(&[]).exit(0);
    test.assert_faults_met();
}

#[test]
fn a_download_that_breaks_off_is_repeated() {
    let test = Test::new().fault("GetObject", 2, Fault::Truncate);
    test.smoke(&[]).exit(0);
    assert_eq!(test.aws.calls().iter().filter(|call| *call == "GetObject").count(), 3);
    assert!(!test.files().iter().any(|file| file.ends_with(".part")), "{:?}", test.files());
}

#[test]
fn a_history_page_that_breaks_off_is_repeated() {
    let test = Test::new().fault_at("GetExecutionHistory", 2, Fault::Truncate);
    test.smoke(&[]).exit(0);
    assert_eq!(test.artifact("renders/N2-history.json")["events"].as_array().unwrap().len(), 22);
}

#[test]
fn keys_that_s3_refuses_for_a_moment_are_deleted_later() {
    let test = Test::new().fault("DeleteObjects", 2, Fault::EveryKey("SlowDown"));
    test.smoke(&[]).exit(0).says("clean-up verified");
    test.assert_account_clean().assert_faults_met();
}

#[test]
fn a_long_execution_prints_every_half_minute_how_far_it_is_and_why_calls_fail() {
    let test = Test::new().render(|render| render.end = End::Throttled);
    let child = test.spawn_smoke(&[]);
    let is_asked = || test.aws.calls().iter().any(|call| call == "GetExecutionHistory");
    for _ in (0..600).take_while(|_| !is_asked()) {
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_secs(1));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = test.finish(child);
    let line = ran.exit(130).stderr.lines().find(|line| line.contains("N=2: after ")).unwrap();
    let why = ", 2 calls failed, the last with Lambda.TooManyRequestsException: Lambda refused the call: the stack or ";
    assert!(line.contains(" s: 0/2 chunks, 0/60 frames, ") && line.contains(why), "{line}");
    test.assert_account_clean();
}
