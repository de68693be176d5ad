//! Someone replaces a run's stack by their own of the same name, at each moment of each command that deletes.

use crate::{
    killed, left,
    support::{STACK, Test, fake_aws::Account},
};

/// What deletes.
const COMMANDS: [&str; 4] = ["a failed deployment", "teardown by name", "teardown --run", "teardown --unfinished"];

/// The calls before which it happens, and which call of the operation that is, once something is to be deleted.
const MOMENTS: [(&str, usize); 13] = [
    ("DescribeStackResources", 1),
    ("GetBucketTagging", 1),
    ("DescribeStateMachine", 1),
    ("ListExecutions", 1),
    ("ListTagsForResource", 2),
    ("StopExecution", 1),
    ("GetBucketTagging", 3),
    ("ListObjectVersions", 1),
    ("DeleteObjects", 1),
    ("DeleteStack", 1),
    ("DeleteBucket", 1),
    ("DescribeLogGroups", 1),
    ("DeleteBucket", 2),
];

const THEIRS: [&str; 6] = [
    "bucket theirs-123456789012 (1 objects)",
    "function theirs-render",
    "logGroup /aws/lambda/theirs-render",
    "logGroup /aws/vendedlogs/states/theirs-render",
    "stack smoke-test",
    "stateMachine arn:aws:states:us-east-1:123456789012:stateMachine:theirs-render",
];

fn replace(account: &mut Account) {
    if account.stack(STACK).is_some() {
        account.delete_stack(STACK);
    }
    account.add_foreign(STACK, "theirs");
}

/// What someone else lost, what of the run is left, and whether the moment came.
fn attack(command: &str, operation: &'static str, call: usize) -> ([Vec<String>; 2], bool) {
    let test = match command {
        "a failed deployment" => Test::new().tool("sam deploy", "make_stack; echo 'Error: it failed' >&2; exit 1"),
        _ => killed(),
    };
    if command == "a failed deployment" {
        // The first call of these is of the new artifact bucket.
        let earlier = usize::from(["GetBucketTagging", "ListObjectVersions"].contains(&operation));
        test.aws.before(operation, call + earlier, replace);
        test.smoke(&[]);
    } else {
        test.aws.before(operation, call, replace);
        let run = test.artifact("run.json")["runId"].as_str().unwrap().to_owned();
        match command {
            "teardown by name" => test.teardown(&[STACK]),
            "teardown --run" => test.teardown(&[STACK, "--run", &run]),
            _ => test.run(&["lambda-teardown", "--unfinished"]),
        };
    }
    let came = test.aws.forget_changes();
    // What was left because of a proof that failed is for the next command.
    test.run(&["lambda-teardown", "--unfinished"]);
    let now = left(&test);
    let lost = THEIRS.iter().filter(|line| came && !now.iter().any(|there| there == *line));
    // On AWS an execution ends with its state machine, which whoever replaced the stack has deleted.
    let ours = now.iter().filter(|line| !THEIRS.contains(&line.as_str()) && !line.starts_with("running execution"));
    ([lost.map(|line| (*line).to_owned()).collect(), ours.cloned().collect()], came)
}

#[test]
fn a_stack_that_takes_the_place_of_the_runs_at_any_moment_keeps_everything() {
    let attack_all = |command: &str| -> Vec<_> {
        MOMENTS.iter().map(|(operation, call)| (*operation, *call, attack(command, operation, *call))).collect()
    };
    let (mut came, mut touched, mut leaked) = (0, Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let threads = COMMANDS.map(|command| (command, scope.spawn(move || attack_all(command))));
        for (command, thread) in threads {
            for (operation, call, ([lost, ours], is_met)) in thread.join().unwrap() {
                came += usize::from(is_met);
                let line = |name: String| format!("{command}, before {operation} {call}: {name}");
                touched.extend(lost.into_iter().map(line));
                leaked.extend(ours.into_iter().map(line));
            }
        }
    });
    println!("{came} combinations, {} foreign things touched, {} leaks", touched.len(), leaked.len());
    // There is no execution to stop in a failed deployment, and little else that only an execution needs.
    assert!(came >= 40, "{came} moments came");
    assert!(touched.is_empty() && leaked.is_empty(), "touched: {touched:#?}\nleaked: {leaked:#?}");
}
