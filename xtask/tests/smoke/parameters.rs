//! `--parameter`, `--image` and `--handler-zip`: what the template and a release are given, and what is refused.

use std::fs;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Test, repository::zip};

const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/hf:1";

/// A checkout whose chunks are rendered from the ZIP, or by a container image.
fn with_images() -> Test {
    let test = Test::checkout();
    let template = xtask::project::repo::tool_root().join("xtask/tests/data/checkout/image.yaml");
    fs::copy(template, test.repository.root().join("examples/aws-lambda/template.yaml")).unwrap();
    test
}

#[test]
fn a_dry_run_shows_each_function_with_its_size_and_what_it_does() {
    let test = with_images();
    let ran = test.smoke(&["--dry-run", "--parameter", "ChunkMemoryMb=3072"]);
    ran.exit(0)
        .says("-render, 10240 MB, x86_64, for assemble, mixAudio, plan\n")
        .says("-chunk, 3072 MB, x86_64, for renderChunk, reserved concurrency 16\n")
        .says("the log group of ChunkFunction, which Lambda creates and no stack deletes, so the run deletes it\n")
        .says(" ReservedConcurrency=16 ChunkMemoryMb=3072 --tags ");
    let ran = test.smoke(&["--dry-run", "--image", &format!("ChunkImageFunction={IMAGE}")]);
    ran.exit(0)
        .says("-chunk-image, 4096 MB, arm64, from a container image, for renderChunk\n")
        .says(" --image-repository <run>.dkr.ecr.us-east-1.amazonaws.com/unused --parameter-overrides ")
        .says(&format!(" ChunkImageUri={IMAGE} "));
    test.assert_nothing_happened();
}

#[test]
fn a_template_without_a_parameter_for_names_may_name_all_after_its_stack() {
    let test = Test::checkout();
    let path = test.repository.root().join("examples/aws-lambda/template.yaml");
    let seed = fs::read_to_string(&path).unwrap();
    let (before, after) = seed.split_once("  ProjectName: {").unwrap();
    let own = before.to_owned() + after.split_once('\n').unwrap().1;
    fs::write(&path, own.replace("${ProjectName}", "${AWS::StackName}")).unwrap();
    test.smoke(&[]).exit(0).says("clean-up verified");
    assert!(!test.tools.calls().iter().any(|call| call.contains("ProjectName=")));
    test.assert_account_clean();
    fs::write(&path, own.replace("${ProjectName}", "hyperframes")).unwrap();
    test.smoke(&[]).exit(1).warns("Resources.RenderFunction would have one name in all stacks");
}

#[test]
fn parameters_come_from_flags_or_from_the_variable_and_are_recorded() {
    let test = with_images().env("PARAMETERS", "ChunkMemoryMb=3072 LambdaTimeoutSec=600");
    test.smoke(&[]).exit(0);
    let recorded = test.artifact("run.json")["parameters"].clone();
    assert_eq!((&recorded["ChunkMemoryMb"], &recorded["LambdaTimeoutSec"]), (&json!("3072"), &json!("600")));
    test.smoke(&["--parameter", "ChunkMemoryMb=2048"]).exit(0);
    let recorded = test.artifact("run.json")["parameters"].clone();
    assert_eq!((&recorded["ChunkMemoryMb"], &recorded["LambdaTimeoutSec"]), (&json!("2048"), &json!(null)));
    let calls = test.tools.calls();
    assert!(calls.iter().any(|call| call.contains("ChunkMemoryMb=2048")), "{calls:?}");
    test.eval(&["--skip-local", "--parameter", "ChunkMemoryMb=4096"]).exit(0);
    assert_eq!(test.artifact("run.json")["parameters"]["ChunkMemoryMb"], "4096");
}

#[test]
fn what_the_template_does_not_take_is_refused_before_anything_starts() {
    for (args, expected) in [
        (
            ["--parameter", "ChunkMemory=4096"],
            "the template has no parameter of this name; the nearest name is ChunkMemoryMb",
        ),
        (["--parameter", "ChunkMemoryMb=1024"], "accepts 2048 to 10240, not 1024"),
        (["--parameter", "ProjectName=x"], "--stack-name is a part of that"),
        (["--parameter", "ChunkMemoryMb"], "has no = (write NAME=VALUE)"),
        (["--image", "RenderFunction=123456789012.dkr.ecr.us-east-1.amazonaws.com/hf:1"], "it has ChunkImageFunction"),
        (["--image", "ChunkImageUri=docker.io/hf:1"], "Lambda takes container images from ECR alone"),
    ] {
        let test = with_images();
        test.smoke(&args).exit(1).warns(expected);
        test.assert_nothing_happened();
    }
}

#[test]
fn an_image_is_refused_on_the_embedded_aws_with_what_to_set() {
    let test = with_images();
    let image = format!("ChunkImageFunction={IMAGE}");
    let args = ["lambda-smoke", "--local", "--fixture", "f", "--skip-build", "--image", &image];
    let expected = "Resources.ChunkImageFunction is a container image, which the embedded AWS can't run; with --parameter \
                    ChunkImageUri= it is not called";
    test.run(&args).exit(1).warns(expected);
    test.run(&[&args[..], &["--dry-run"]].concat()).exit(1).warns(expected);
    test.assert_nothing_happened();
}

#[test]
fn a_releases_zip_is_deployed_in_place_of_building() {
    let test = Test::new();
    let file = test.artifacts().with_file_name("release.zip");
    fs::write(&file, zip(7 << 20)).unwrap();
    let (name, hash) = (file.display().to_string(), hex::encode(Sha256::digest(zip(7 << 20))));
    let ran = test.build_and_smoke(&["--handler-zip", &name, "--sha256", &hash]);
    ran.exit(0).warns(&format!("7.0 MiB unzipped (from <dir>/release.zip, SHA-256 {hash})"));
    assert_eq!(fs::read(test.repository.handler_zip()).unwrap(), zip(7 << 20));
    assert_eq!(test.artifact("run.json")["handler"]["sha256"], hash);
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("bun ")), "{:?}", test.tools.calls());
}

#[test]
fn a_zip_that_is_not_the_releases_is_refused_before_anything_starts() {
    let test = Test::new();
    let file = test.artifacts().with_file_name("release.zip");
    fs::write(&file, zip(7 << 20)).unwrap();
    let name = file.display().to_string();
    let zeros = "0".repeat(64);
    for (args, expected) in [
        (vec!["--handler-zip", &name, "--sha256", &zeros], "and not 0000000000"),
        (vec!["--handler-zip", &name], "give the ZIP's --sha256, or put it into <dir>/release.zip.sha256"),
        (vec!["--handler-zip", "/nowhere.zip", "--sha256", &zeros], "there is no file /nowhere.zip"),
        (vec!["--handler-zip", &name, "--sha256", "abc"], "is not a SHA-256 (64 hexadecimal digits)"),
        (vec!["--handler-zip", &name, "--skip-build"], "cannot be used with"),
    ] {
        test.build_and_smoke(&args).exit(1).warns(expected);
    }
    test.assert_nothing_happened();
}
