//! What AWS would refuse and no emulator does: rights and states, by AWS's own lists.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use xtask::local::provisioning::Toolbox;

use crate::emulator::{XTASK, node_packages, packages, printed, provision, tool};

/// A role's rights that are wrong in each way that there is: no action, another resource, no condition key.
const WRONG: [(&str, &str); 3] = [
    (r#"{"Action": "s3:GetObjects", "Resource": "*"}"#, "there is no action s3:GetObjects"),
    (r#"{"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::name/*"}"#, "does not take arn:aws:s3:::name/*"),
    (
        r#"{"Action": "iam:PassRole", "Resource": "*", "Condition": {"StringEquals": {"iam:PassedToServices": "x"}}}"#,
        "does not have the condition key iam:PassedToServices",
    ),
];

#[test]
fn every_right_exists_and_takes_its_resources_and_conditions() {
    let mut policies = roles(&template());
    for region in ["eu-west-1", "cn-north-1", "us-gov-west-1"] {
        let run = ["lambda-policy", "--account", "111122223333", "--region", region];
        policies.push(read(&Command::new(XTASK).args(run).output().unwrap()));
        let bounded = ["--permissions-boundary", "arn:aws:iam::111122223333:policy/limits"];
        policies.push(read(&Command::new(XTASK).args(run).args(bounded).output().unwrap()));
    }
    let (fits, printed) = linted(&policies);
    println!("{printed}");
    assert!(fits, "{printed}");
    for (statement, found) in WRONG {
        let statement: Value = serde_json::from_str(statement).unwrap();
        let (fits, printed) = linted(&[json!({"Statement": [statement]})]);
        assert!(!fits && printed.contains(found), "{printed}");
    }
}

#[test]
fn state_machines_of_templates_are_valid() {
    let validator = asl_validator();
    let checkouts = fs::read_dir(folder().join("../../data/checkout")).unwrap().map(|entry| entry.unwrap().path());
    let yaml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "yaml");
    let mut machines = Vec::new();
    for path in checkouts.filter(yaml).chain([template()]) {
        let of_template = &in_template(&path)["machines"];
        machines.extend(of_template.as_array().unwrap().iter().cloned());
    }
    println!("{} state machines", machines.len());
    assert!(machines.len() > 4, "{}", machines.len());
    for machine in &machines {
        let (valid, printed) = validated(&validator, machine);
        assert!(valid, "{printed}");
    }
    let mut broken = machines.pop().unwrap();
    broken["StartAt"] = json!("Nowhere");
    assert!(!validated(&validator, &broken).0, "a start that is no state is not found");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/lint")
}

fn template() -> PathBuf {
    xtask::project::repo::tool_root().join("examples/aws-lambda/template.yaml")
}

/// The state machines and policies of a template, as `template.py` prints them.
fn in_template(path: &Path) -> Value {
    provision();
    let script = folder().join("template.py");
    read(&Command::new(Toolbox::of_repository().python()).arg(script).arg(path).output().unwrap())
}

fn roles(template: &Path) -> Vec<Value> {
    in_template(template)["policies"].as_array().unwrap().clone()
}

fn read(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether the policies are as AWS's list of actions has it, and what the script printed.
fn linted(policies: &[Value]) -> (bool, String) {
    let mut child = Command::new(Toolbox::of_repository().python())
        .arg(folder().join("policy.py"))
        .env("PYTHONPATH", packages("iam-actions", &folder().join("policy.lock.txt")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(policies).to_string().as_bytes()).unwrap();
    printed(&child.wait_with_output().unwrap())
}

/// The program of the npm package, installed from its lock file.
fn asl_validator() -> (tempfile::TempDir, PathBuf) {
    let dir = node_packages(&folder().join("asl"));
    let program = dir.path().join("node_modules/asl-validator/dist/bin/asl-validator.js");
    (dir, program)
}

fn validated((dir, program): &(tempfile::TempDir, PathBuf), machine: &Value) -> (bool, String) {
    let definition = dir.path().join("definition.json");
    fs::write(&definition, machine.to_string()).unwrap();
    let mut node = Command::new(tool("node"));
    printed(&node.arg(program).arg("--json-path").arg(definition).output().unwrap())
}
