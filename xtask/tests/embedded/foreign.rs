//! Things that no run made are refused, and things of other runs are left alone.

use serde_json::json;

use crate::{
    emulator::Emulator,
    proxy::{Fault, Proxy},
    python::{listing, python},
    repository::Repository,
    run::{Runner, finish, run, side_by_side},
};

/// Makes a stack with a bucket, as production might have it.
const FOREIGN_STACK: &str = r#"
import boto3, json
template = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "production-data"}}},
            "Outputs": {"RenderBucketName": {"Value": "production-data"}}}
cloudformation = boto3.client("cloudformation")
cloudformation.create_stack(StackName="production", TemplateBody=json.dumps(template))
cloudformation.get_waiter("stack_create_complete").wait(StackName="production", WaiterConfig={"Delay": 1})
boto3.client("s3").put_object(Bucket="production-data", Key="precious", Body=b"x")
"#;

#[test]
fn a_foreign_stack_is_refused_before_any_change() {
    let emulator = Emulator::start();
    python(&emulator, FOREIGN_STACK, &[]);
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let before = listing(&emulator);

    let (code, reported) = run(runner.smoke(&["--stack-name", "production"]));
    assert_eq!(code, Some(1), "{reported}");
    assert!(reported.contains("stack production exists already and is left untouched"), "{reported}");

    let (code, reported) = run(runner.teardown(&["production"]));
    assert_eq!(code, Some(1), "{reported}");
    assert!(reported.contains("does not belong to a run, so it was not touched"), "{reported}");

    let (code, reported) = run(runner.teardown(&["production", "--force"]));
    assert_eq!(code, Some(1), "{reported}");
    assert_eq!(listing(&emulator), before);
    let precious =
        "import boto3; print(boto3.client('s3').get_object(Bucket='production-data', Key='precious')['ContentLength'])";
    assert_eq!(python(&emulator, precious, &[]), ["1"]);
}

#[test]
fn force_with_yes_deletes_what_has_no_tag() {
    let emulator = Emulator::start();
    let before = listing(&emulator);
    python(&emulator, FOREIGN_STACK, &[]);
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let (code, reported) = run(runner.teardown(&["production", "--force", "--yes"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
}

#[test]
fn two_smokes_side_by_side_are_both_green_and_clean() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"chunkMs": 500}));
    let before = listing(&emulator);
    let runners = [Runner::new(&repository, &emulator.endpoint), Runner::new(&repository, &emulator.endpoint)];
    let children = runners.each_ref().map(|runner| runner.smoke(&[]).spawn().unwrap());
    for child in children {
        let (code, reported) = finish(child);
        assert_eq!(code, Some(0), "{reported}");
    }
    assert_eq!(listing(&emulator), before);
}

#[test]
fn a_kept_stack_is_removed_by_name_from_another_clone() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let before = listing(&emulator);
    let (code, reported) =
        run(Runner::new(&repository, &emulator.endpoint).smoke(&["--keep-stack", "--stack-name", "kept"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_ne!(listing(&emulator), before);

    // Another state folder, as on another machine: only the tags are there.
    let elsewhere = Runner::new(&repository, &emulator.endpoint);
    let (code, reported) = run(elsewhere.teardown(&["kept"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
    let (code, reported) = run(elsewhere.teardown(&["kept"]));
    assert_eq!(code, Some(1), "{reported}");
    assert!(reported.contains("neither AWS"), "{reported}");
}

/// Someone's bucket with objects and versions, function with its log group, and state machine with a running execution.
const THEIRS: &str = r#"
import boto3, io, json, zipfile
s3, role = boto3.client("s3"), "arn:aws:iam::123456789012:role/theirs"
s3.create_bucket(Bucket="theirs")
s3.put_bucket_versioning(Bucket="theirs", VersioningConfiguration={"Status": "Enabled"})
for body in b"old", b"new":
    s3.put_object(Bucket="theirs", Key="precious", Body=body)
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as file:
    file.writestr("index.mjs", "export const handler = async () => 1;")
boto3.client("lambda").create_function(
    FunctionName="theirs", Runtime="nodejs22.x", Role=role, Handler="index.handler", Code={"ZipFile": code.getvalue()})
boto3.client("logs").create_log_group(logGroupName="/aws/lambda/theirs")
states = boto3.client("stepfunctions")
definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
machine = states.create_state_machine(name="theirs", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
states.start_execution(stateMachineArn=machine, name="theirs")
"#;

/// Deploys someone's stack of the run's name, in place of the run's if that is there.
const THEIR_STACK: &str = r#"
import boto3, json
cloudformation = boto3.client("cloudformation")
cloudformation.delete_stack(StackName="attacked")
cloudformation.get_waiter("stack_delete_complete").wait(StackName="attacked", WaiterConfig={"Delay": 1})
template = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "theirs-data"}}}}
cloudformation.create_stack(StackName="attacked", TemplateBody=json.dumps(template))
cloudformation.get_waiter("stack_create_complete").wait(StackName="attacked", WaiterConfig={"Delay": 1})
boto3.client("s3").put_object(Bucket="theirs-data", Key="precious", Body=b"x")
"#;

/// Puts someone's bucket in the place of the run's render bucket. A chunk that is being rendered may write between the
/// two deletions, so that they are repeated until the bucket is gone.
const THEIR_BUCKET: &str = r#"
import boto3
s3 = boto3.resource("s3")
bucket = next(bucket for bucket in s3.buckets.all() if bucket.name.startswith("attacked-"))
while True:
    bucket.object_versions.delete()
    try:
        bucket.delete()
        break
    except s3.meta.client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "BucketNotEmpty":
            raise
bucket.create()
bucket.Tagging().put(Tagging={"TagSet": [{"Key": "Owner", "Value": "theirs"}]})
bucket.put_object(Key="precious", Body=b"x")
"#;

/// Prints what there is with its content: what is someone else's has "theirs" in its line.
const CONTENTS: &str = r#"
import boto3
s3, states = boto3.client("s3"), boto3.client("stepfunctions")
cloudformation = boto3.client("cloudformation")
for bucket in s3.list_buckets()["Buckets"]:
    try:
        owner = [tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"] if tag["Key"] == "Owner"]
    except s3.exceptions.ClientError:
        owner = []
    name = owner[0] if owner else bucket["Name"]
    versions = s3.list_object_versions(Bucket=bucket["Name"]).get("Versions", [])
    print("bucket", name, sorted((version["Key"], version["ETag"], version["Size"]) for version in versions))
for stack in cloudformation.describe_stacks()["Stacks"]:
    resources = cloudformation.describe_stack_resources(StackName=stack["StackId"])["StackResources"]
    print("stack", stack["StackName"], sorted(resource["PhysicalResourceId"] for resource in resources))
for machine in states.list_state_machines()["stateMachines"]:
    running = states.list_executions(stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING")["executions"]
    print("machine", machine["name"], [execution["name"] for execution in running])
for function in boto3.client("lambda").list_functions()["Functions"]:
    print("function", function["FunctionName"])
for group in boto3.client("logs").describe_log_groups()["logGroups"]:
    print("log group", group["logGroupName"])
"#;

/// The representative part of the table in `tests/teardown/attacks.rs`: when something happens, what, and how many
/// things someone has by then apart from those that were there before.
const ATTACKS: [(&str, &str, usize); 4] = [
    ("CreateChangeSet", THEIR_STACK, 2),
    ("DescribeExecution", THEIR_BUCKET, 1),
    ("DeleteObjects", THEIR_BUCKET, 1),
    ("DeleteStack", THEIR_STACK, 2),
];

#[test]
fn what_someone_else_has_stays_as_it_is_whenever_it_comes_up() {
    let repository = Repository::new(json!({}));
    side_by_side(&ATTACKS, |(operation, attack, more)| {
        let emulator = Emulator::start();
        let contents = || -> (Vec<String>, Vec<String>) {
            python(&emulator, CONTENTS, &[]).into_iter().partition(|line| line.contains("theirs"))
        };
        python(&emulator, THEIRS, &[]);
        let (before, ours) = contents();
        assert!(before.len() == 4 && before[2] == "function theirs" && ours.is_empty(), "{before:#?} {ours:#?}");
        let proxy = Proxy::new(&emulator.endpoint);
        proxy.at(operation, 1, Fault::Someone(attack));
        let runner = Runner::new(&repository, &proxy.endpoint);
        let (_, reported) = run(runner.smoke(&["--stack-name", "attacked"]));
        assert_eq!(proxy.unmet(), Vec::<&str>::new(), "{reported}");
        let (_, finished) = run(runner.finish_all());
        let (theirs, ours) = contents();
        assert!(ours.is_empty(), "{operation}: {ours:#?}\n{reported}\n{finished}");
        let lost: Vec<_> = before.iter().filter(|line| !theirs.contains(line)).collect();
        assert!(lost.is_empty() && theirs.len() == before.len() + more, "{operation}: {theirs:#?}\n{reported}");
        assert!(theirs.iter().filter(|line| line.contains("('precious'")).count() == 2, "{operation}: {theirs:#?}");
    });
}
