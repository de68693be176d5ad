//! Things that no run made are refused, and things of other runs are left alone.

use serde_json::json;

use crate::{
    account::{listing, python},
    emulator::Emulator,
    repository::Repository,
    run::{Runner, finish, run},
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
    assert!(reported.contains("is not a run's and is left untouched"), "{reported}");

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
