//! `lambda-doctor --real` on an AWS that enforces rights.

use std::process::Command;

use crate::{
    emulator::{Emulator, XTASK, printed},
    python::{listing, python},
};

/// Creates a user with a policy, and prints the two halves of an access key.
const USER: &str = r#"
import sys, boto3
name, policy = sys.argv[1:]
iam = boto3.client("iam")
iam.create_user(UserName=name)
iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
key = iam.create_access_key(UserName=name)["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"], sep="\n")
"#;

/// What `lambda-policy` prints, without some actions and with others.
fn policy(without: &[&str], with: &[&str]) -> String {
    let output = Command::new(XTASK).args(["lambda-policy", "--account", "123456789012"]).output().unwrap();
    let mut policy: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        statement["Action"].as_array_mut().unwrap().retain(|action| !without.contains(&action.as_str().unwrap()));
    }
    if !with.is_empty() {
        statements.push(serde_json::json!({ "Effect": "Allow", "Action": with, "Resource": "*" }));
    }
    policy.to_string()
}

#[test]
fn the_doctor_finds_the_rights_that_are_missing() {
    let emulator = Emulator::start_with(&["--enforce-iam"]);
    let before = listing(&emulator);
    let doctor = |name: &str, policy: &str| {
        let key = python(&emulator, USER, &[name, policy]);
        let mut command = Command::new(XTASK);
        command.args(["lambda-doctor", "--real", "--endpoint-url", &emulator.endpoint]);
        command.envs([("AWS_ACCESS_KEY_ID", &key[0]), ("AWS_SECRET_ACCESS_KEY", &key[1])]);
        let output = command.output().unwrap();
        let line = |text: &str, what: &str| text.lines().find(|line| line.contains(what)).map(str::to_owned);
        let (_, text) = printed(&output);
        let found = ["by calls", "by simulation", "quota of roles", "upload", "cost"]
            .map(|what| line(&text, what).unwrap_or_else(|| panic!("no {what} in {text}")));
        (output.status.code(), text, found)
    };

    let (code, text, [called, simulated, roles, upload, cost]) = doctor("all", &policy(&[], &[]));
    assert_eq!(code, Some(0), "{text}");
    assert!(called.starts_with("ok ") && called.ends_with("all 28 calls that only read are allowed"), "{called}");
    assert!(simulated.starts_with("note ") && simulated.contains("iam:SimulatePrincipalPolicy"), "{simulated}");
    assert!(roles.starts_with("note ") && roles.contains("iam:GetAccountSummary"), "{roles}");
    assert!(upload.starts_with("ok ") && upload.contains(" MiB"), "{upload}");
    assert!(cost.contains("about 0.02572 USD"), "{cost}");

    let asks = ["iam:SimulatePrincipalPolicy", "iam:GetAccountSummary"];
    let (code, text, [called, simulated, roles, ..]) =
        doctor("lacks", &policy(&["iam:GetRole", "states:StartExecution"], &asks));
    assert_eq!(code, Some(1), "{text}");
    assert!(called.starts_with("BAD ") && text.contains("iam:GetRole: AccessDenied"), "{text}");
    assert!(simulated.starts_with("BAD ") && simulated.contains("2 of 92 permissions are not allowed"), "{simulated}");
    assert!(text.contains("states:StartExecution: implicitDeny"), "{text}");
    assert!(roles.starts_with("ok ") && roles.contains(" of 1000 roles"), "{roles}");

    assert_eq!(listing(&emulator), before, "the doctor made something");
}
