//! Templates of every age of HyperFrames, on a real sam and the embedded AWS: what each creates is used, counted, and
//! gone afterwards.

use std::fs;

use serde_json::{Value, json};

use crate::{
    emulator::Emulator,
    python::{listing, python},
    repository::Repository,
    run::{Runner, run, side_by_side},
};

/// Each age: its template in `data/checkout`, how many functions render, and how many log groups Lambda makes for them.
pub(crate) const AGES: [(&str, usize, usize); 5] = [
    ("seed", 1, 1),
    ("later", 1, 1),
    // Chunks on a second function, and the sound mixed next to them.
    ("today", 2, 1),
    // The same, and a container image that a parameter turns on.
    ("image", 2, 1),
    // The same in a definition of its own, with other outputs, and names that CloudFormation makes up.
    ("file", 2, 2),
];

#[test]
fn a_template_of_each_age_renders_and_leaves_nothing() {
    let emulator = Emulator::start();
    let before = listing(&emulator);
    side_by_side(&AGES, |&(age, functions, log_groups)| {
        let repository = Repository::checkout(age, json!({"audioMs": 1500}));
        let runner = Runner::new(&repository, &emulator.endpoint);
        let (code, reported) = run(runner.smoke(&["--chunk-counts", "2,4"]));
        assert_eq!(code, Some(0), "{age}: {reported}");
        let row = &runner.json("results.json")[0];
        assert_eq!(row["cost"]["functions"].as_array().unwrap().len(), functions, "{age}: {}", row["cost"]);
        assert_eq!(row["notes"].to_string().contains("MixAudio ended "), functions == 2, "{age}: {}", row["notes"]);
        assert_eq!(reported.matches("which outlived the stack").count(), log_groups, "{age}: {reported}");
        let proof = runner.json("cleanup-verification.json");
        let gone = |kind: &str| {
            let checks = proof["resources"].as_array().unwrap().iter();
            checks.filter(|check| check["kind"] == kind && check["state"] == "absent").count()
        };
        println!("{age}: {} functions and {} log groups looked for", gone("function"), gone("logGroup"));
        assert!(proof["clean"] == json!(true) && gone("function") >= functions, "{age}: {proof}");
    });
    assert_eq!(listing(&emulator), before);
}

#[test]
fn the_cost_of_two_functions_is_that_of_each_calls_own_memory() {
    let emulator = Emulator::start();
    let repository = Repository::checkout("today", json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let (code, reported) = run(runner.smoke(&["--parameter", "ChunkMemoryMb=3072"]));
    assert_eq!(code, Some(0), "{reported}");
    let history = runner.json("renders/N2-history.json");
    let cost = runner.json("results.json")[0]["cost"]["usd"].as_f64().unwrap();
    let by_hand = by_hand(history["events"].as_array().unwrap());
    println!("{cost} USD, and {by_hand} USD by hand from the history");
    assert!((cost - by_hand).abs() < 0.000_001, "{cost} USD, {by_hand} USD by hand");
    assert_eq!(runner.json("run.json")["parameters"]["ChunkMemoryMb"], "3072");
}

/// The cost by nothing but the events: seconds from each start to its end, 3 GB for the function of the chunks.
fn by_hand(events: &[Value]) -> f64 {
    let second = |event: &Value| {
        let time = event["timestamp"].as_str().unwrap();
        let parts: Vec<f64> = time[11..26].split(':').map(|part| part.parse().unwrap()).collect();
        parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]
    };
    let by_id = |id: &Value| events.iter().find(|event| event["id"] == *id).unwrap();
    let usd = events.iter().filter(|event| event["type"] == "TaskSucceeded").map(|ended| {
        let started = by_id(&ended["previousEventId"]);
        let scheduled = by_id(&started["previousEventId"]).to_string();
        let gb = if scheduled.contains("-chunk\\\"") { 3.0 } else { 10.0 };
        gb * (second(ended) - second(started)) * 0.000_016_666_7 + 0.000_000_2
    });
    let entered = events.iter().filter(|event| event["type"].as_str().unwrap().ends_with("StateEntered")).count();
    usd.sum::<f64>() + entered as f64 * 0.000_025
}

/// Takes names that a template wants for itself.
const TAKE: &str = r#"
import boto3, json
allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
boto3.client("iam").create_role(RoleName="taken", AssumeRolePolicyDocument=json.dumps({"Statement": [allow]}))
boto3.client("logs").create_log_group(logGroupName="/taken")
"#;

/// Adds a resource to a repository's template, with more attributes than its properties in `kind`.
fn add_resource(repository: &Repository, kind: &str, properties: &str) {
    let template = repository.root().join("examples/aws-lambda/template.yaml");
    let text = fs::read_to_string(&template).unwrap();
    let added = format!(
        "Resources:\n  Taken:\n    Type: {kind}\n    DependsOn: RenderStateMachine\n    Properties: {properties}\n"
    );
    fs::write(&template, text.replacen("Resources:\n", &added, 1)).unwrap();
}

#[test]
fn a_failed_deployment_of_each_age_leaves_nothing() {
    let emulator = Emulator::start();
    python(&emulator, TAKE, &[]);
    let before = listing(&emulator);
    side_by_side(&AGES, |(age, ..)| {
        let repository = Repository::checkout(age, json!({}));
        let trust =
            "{Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}";
        add_resource(&repository, "AWS::IAM::Role", &format!("{{RoleName: taken, AssumeRolePolicyDocument: {trust}}}"));
        let runner = Runner::new(&repository, &emulator.endpoint);
        let (code, reported) = run(runner.smoke(&[]));
        assert_eq!(code, Some(3), "{age}: {reported}");
        assert!(reported.contains("clean-up verified"), "{age}: {reported}");
    });
    assert_eq!(listing(&emulator), before);
    // A log group is among the names that are proved unused.
    let repository = Repository::checkout("today", json!({}));
    add_resource(&repository, "AWS::Logs::LogGroup", "{LogGroupName: /taken}");
    let (code, reported) = run(Runner::new(&repository, &emulator.endpoint).smoke(&[]));
    assert!(code == Some(1) && reported.contains("log group /taken exists already"), "{reported}");
    assert_eq!(listing(&emulator), before);
}

#[test]
fn what_a_template_retains_is_said_before_and_reported_as_left() {
    let emulator = Emulator::start();
    let repository = Repository::checkout("today", json!({}));
    add_resource(
        &repository,
        "AWS::SNS::Topic\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain",
        "{TopicName: kept}",
    );
    let (code, reported) = run(Runner::new(&repository, &emulator.endpoint).smoke(&[]));
    assert_eq!(code, Some(7), "{reported}");
    assert!(reported.contains("note: the template retains Resources.Taken, so the clean-up can't"), "{reported}");
    assert!(reported.contains("AWS::SNS::Topic arn:aws:sns:us-east-1:"), "{reported}");
    assert!(reported.contains("the template retains it; delete it by hand"), "{reported}");
}

/// A stack nested in the run's.
const NESTED: &str = "Resources: { Group: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /nested } } }";

#[test]
fn what_is_in_a_nested_stack_is_proved_gone_too() {
    let emulator = Emulator::start();
    let before = listing(&emulator);
    let repository = Repository::checkout("today", json!({}));
    fs::write(repository.root().join("examples/aws-lambda/nested.yaml"), NESTED).unwrap();
    add_resource(&repository, "AWS::CloudFormation::Stack", "{TemplateURL: nested.yaml}");
    let runner = Runner::new(&repository, &emulator.endpoint);
    let (code, reported) = run(runner.smoke(&[]));
    assert_eq!(code, Some(0), "{reported}");
    let proof = runner.json("cleanup-verification.json").to_string();
    assert!(proof.contains("\"name\":\"/nested\""), "{proof}");
    assert_eq!(listing(&emulator), before, "{reported}");
}

#[test]
fn an_image_is_refused_on_the_embedded_aws_before_anything_is_created() {
    let repository = Repository::checkout("image", json!({}));
    let runner = Runner::new(&repository, "");
    let mut command = runner.smoke_locally();
    command.args(["--image", "ChunkImageFunction=123456789012.dkr.ecr.us-east-1.amazonaws.com/hf:1"]);
    let (code, reported) = run(command);
    assert_eq!(code, Some(1), "{reported}");
    let error = "Resources.ChunkImageFunction is a container image, which the embedded AWS can't run; with --parameter \
                 ChunkImageUri= it is not called";
    assert!(reported.contains(error), "{reported}");
}
