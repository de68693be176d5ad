//! Executions whose functions start cold, or are warmed.

use serde_json::{Value, json};

use crate::support::{Test, fake_aws::Fault, redacted};

/// The names of the executions, in order, and what is measured of them.
fn executions(test: &Test) -> Vec<String> {
    let account = test.aws.account();
    let mut names: Vec<(usize, String)> =
        account.executions.values().map(|execution| (execution.nth, redacted(&execution.name))).collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

fn variables(test: &Test) -> Vec<Value> {
    test.aws.account().updates.iter().map(|(_, update)| update["Environment"]["Variables"].clone()).collect()
}

#[test]
fn every_measured_execution_gets_new_environments_and_other_variables_stay() {
    let test = Test::new();
    let args = ["--skip-local", "--cold", "--chunk-counts", "1,2", "--iterations", "2", "--warmup", "1", "-vv"];
    let ran = test.eval(&args);
    ran.exit(0).warns("functions the functions get new environments (--cold)");
    let nth = |nth: u64| json!({"OWN": "a value that nobody may see", "HYPERFRAMES_GATES_COLD_START": nth.to_string()});
    assert_eq!(variables(&test), [nth(1), nth(2), nth(3), nth(4)], "warm-ups need none");
    assert!(!format!("{ran}").contains("nobody may see"), "{ran}");
    assert_eq!(test.artifact("run.json")["prepares"], "cold");
    // The history decides what was cold.
    ran.says("note: --iterations 2 is too few");
    assert_eq!(test.artifact("results.json")["lambdaSamples"][0]["start"], "warm");
    test.assert_account_clean();
}

#[test]
fn another_memory_brings_new_environments_by_itself() {
    let test = Test::new();
    test.eval(&["--skip-local", "--cold", "--memory-mb", "2048,4096", "--chunk-counts", "1,2"]).exit(0);
    let account = test.aws.account();
    let changed = |(_, update): &(String, Value)| update.get("MemorySize").is_some();
    assert_eq!(account.updates.iter().map(changed).collect::<Vec<_>>(), [true, false, true, false]);
}

#[test]
fn variables_that_cannot_be_read_or_set_are_left_alone() {
    let test = Test::new().fault("UpdateFunctionConfiguration", 1, Fault::Error(400, "InvalidParameterValueException"));
    let ran = test.eval(&["--skip-local", "--cold"]);
    // Lambda's message may have the values.
    ran.exit(3).warns("setting HYPERFRAMES_GATES_COLD_START of function smoke-test-<run>-render: Lambda answered InvalidParameterValueException (HTTP 400)");
    assert!(!format!("{ran}").contains("said the fake AWS"), "{ran}");
    let test = Test::new().account(|account| account.hides_variables = true);
    let ran = test.eval(&["--skip-local", "--cold"]);
    ran.exit(3).warns("the variables of function smoke-test-<run>-render can't be read, so none is changed");
    assert!(variables(&test).is_empty());
    test.assert_account_clean();
}

#[test]
fn new_functions_are_warmed_at_the_highest_count_once() {
    let test = Test::new();
    let args = ["--skip-local", "--warm", "--memory-mb", "2048,4096", "--chunk-counts", "1,2", "--iterations", "2"];
    let ran = test.eval(&args);
    ran.exit(0).warns("warm-up   f 2048 MB N=2 warm-up 1");
    let names: Vec<String> =
        executions(&test).iter().map(|name| name.replace("eval-f-", "").replace("-<epoch>", "")).collect();
    let of_rounds = [
        "2048-MB-N2-w1 2048-MB-N1-1 2048-MB-N2-1 4096-MB-N2-w2 4096-MB-N1-1 4096-MB-N2-1",
        "4096-MB-N2-2 4096-MB-N1-2 2048-MB-N2-w3 2048-MB-N2-2 2048-MB-N1-2",
    ];
    assert_eq!(names.join(" "), of_rounds.join(" "));
    assert_eq!(test.artifact("results.json")["lambdaSamples"].as_array().unwrap().len(), 8);
    let run = test.artifact("run.json");
    assert_eq!((&run["prepares"], &run["memoryMb"]), (&json!("warm"), &json!([2048, 4096])));
    let ran = test.eval(&[&args[..], &["--dry-run"]].concat());
    ran.exit(0).says("f 2048 MB N=1, 2 times: ").says("f 2048 MB N=2, 4 times: ").says("f 4096 MB N=2, 3 times: ");
}

#[test]
fn contradictions_are_refused() {
    let test = Test::new();
    test.eval(&["--cold", "--warm"]).exit(1);
    test.eval(&["--cold", "--keep-stack"]).exit(1).warns("--cold changes the functions of the stack");
    assert!(test.aws.calls().is_empty());
}
