//! Repositories, fixtures and templates that can't serve.

use crate::{refusals::refuse, support::Test};

#[test]
fn a_repository_that_is_none_is_reported() {
    let test = Test::new().env("HYPERFRAMES_REPO_ROOT", "/nowhere");
    refuse(&test, &["lambda-smoke"], "HYPERFRAMES_REPO_ROOT=/nowhere: /nowhere is not a folder");
    let test = Test::new().env("HYPERFRAMES_REPO_ROOT", "/usr");
    refuse(&test, &["lambda-smoke"], "/usr is neither a HyperFrames checkout nor this project");
}

#[test]
fn every_command_takes_a_repository_and_refuses_what_is_none() {
    let test = Test::new().env("HYPERFRAMES_REPO_ROOT", "/nowhere");
    let root = test.repository.root().display().to_string();
    let given: [&[&str]; 10] = [
        &["lambda-smoke"],
        &["lambda-eval"],
        &["lambda-teardown", "s"],
        &["lambda-baseline", "f"],
        &["lambda-compare", "a", "b"],
        &["lambda-doctor"],
        &["lambda-policy"],
        &["lambda-report", "a"],
        &["local-aws"],
        &["completions", "bash"],
    ];
    for command in given {
        let reported = "--repo /usr: /usr is neither a HyperFrames checkout nor this project";
        refuse(&test, &[command, &["--repo", "/usr"]].concat(), reported);
    }
    // The flag wins over the variable.
    let ran = test.run(&["lambda-smoke", "--fixture", "f", "--dry-run", "--repo", &root]);
    let reported = &ran.exit(0).stdout;
    assert!(reported.contains("<dir>/repository/examples/aws-lambda/template.yaml"), "{reported}");
}

#[test]
fn a_broken_fixture_is_reported_by_its_part() {
    let meta = |text: &str| Test::new().fixture_file("meta.json", text);
    let smoke = ["lambda-smoke", "--fixture", "f"];
    let fps = r#"{"renderConfig":{"fps":{"num":30000,"den":1001}}}"#;
    refuse(&meta(fps), &smoke, "distributed rendering accepts only a whole number of frames per second");
    refuse(&meta("{"), &smoke, "fixture f: <dir>/repository/fixtures/f/meta.json");
    refuse(&meta(r#"{"renderConfig":{"format":"gif"}}"#), &smoke, "it must be one of mp4, mov, webm, png-sequence");
    let frames = "output/frames can't be read; render it with `cargo xtask lambda-baseline";
    refuse(&meta(r#"{"renderConfig":{"format":"png-sequence"}}"#), &smoke, frames);
    let test = Test::new();
    std::fs::remove_file(test.repository.fixture_file("src/index.html")).unwrap();
    refuse(&test, &smoke, "fixture f has no composition: <dir>/repository/fixtures/f/src/index.html is missing");
    let test = Test::new();
    std::fs::remove_dir_all(test.repository.fixture_file("src")).unwrap();
    refuse(&test, &smoke, "fixture f has no composition: <dir>/repository/fixtures/f/src/index.html is missing");
    std::fs::remove_file(test.repository.fixture_file("meta.json")).unwrap();
    refuse(&test, &smoke, "f is not a fixture: <dir>/repository/fixtures/f/meta.json is missing");
}

#[test]
fn a_fixture_is_named_by_its_folder_alone() {
    let reported = "is a path; a fixture is named by its folder's name alone: f";
    refuse(&Test::checkout(), &["lambda-smoke", "--fixture", "distributed/f"], reported);
    refuse(&Test::new(), &["lambda-eval", "--fixtures", "f/"], reported);
    refuse(&Test::new(), &["lambda-baseline", "./f"], reported);
}

#[test]
fn two_fixtures_of_one_name_are_refused_with_both_folders() {
    let test = Test::checkout();
    let other = test.repository.root().join("packages/producer/tests/f");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("meta.json"), "{}").unwrap();
    let tests = "<dir>/repository/packages/producer/tests";
    let reported =
        format!("there are several fixtures called f: {tests}/distributed/f and {tests}/f; rename all but one");
    refuse(&test, &["lambda-smoke", "--fixture", "f"], &reported);
    test.smoke(&["--fixture", "other-fixture"]).exit(0);
}

#[test]
fn a_composition_with_git_lfs_pointers_is_refused_by_every_command_that_renders_it() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    let test = (0..5).fold(Test::new(), |test, i| test.fixture_file(&format!("src/{i}.png"), pointer));
    let src = "<dir>/repository/fixtures/f/src";
    let reported = format!(
        "fixture f: 5 files are git-LFS pointers, not the files themselves: {src}/0.png, {src}/1.png, {src}/2.png and 2 more; \
         run `git lfs pull`"
    );
    for command in [
        &["lambda-smoke", "--fixture", "f"] as &[&str],
        &["lambda-smoke", "--fixture", "f", "--exact"],
        &["lambda-smoke", "--fixture", "f", "--dry-run"],
        &["lambda-eval", "--fixtures", "f", "--skip-local"],
        &["lambda-baseline", "f"],
    ] {
        refuse(&test, command, &reported);
    }
}

#[test]
fn a_template_that_cant_serve_is_reported_by_file_and_field() {
    let smoke = ["lambda-smoke", "--fixture", "f"];
    for (from, to, reported) in [
        ("Value: !Ref RenderBucket }", "Val: !Ref RenderBucket }", "Outputs.RenderBucketName.Value is missing (line "),
        ("CodeUri:", "Uri:", "Resources.RenderFunction.Properties has no CodeUri (line "),
        ("Definition:", "Definitions:", "Resources.RenderStateMachine.Properties has no Definition (line "),
        ("ProjectName: {", "Project: {", "Resources.RenderFunction would have one name in all stacks, because "),
        ("Parameters:", "Parameters: [", "it is not YAML"),
    ] {
        let test = Test::checkout();
        let path = test.repository.root().join("examples/aws-lambda/template.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let of_file = format!("the template <dir>/repository/examples/aws-lambda/template.yaml: {reported}");
        refuse(&test, &[&smoke[..], &["--skip-build"]].concat(), &of_file);
        refuse(&test, &["lambda-eval", "--fixtures", "f", "--skip-build", "--dry-run"], &of_file);
    }
    let test = Test::checkout();
    std::fs::remove_file(test.repository.root().join("examples/aws-lambda/template.yaml")).unwrap();
    refuse(&test, &smoke, "there is no template <dir>/repository/examples/aws-lambda/template.yaml");
}

#[test]
fn a_checkout_without_the_scripts_of_its_handler_is_reported_by_file_and_field() {
    let test = Test::checkout();
    let manifest = test.repository.root().join("packages/aws-lambda/package.json");
    std::fs::write(&manifest, r#"{"scripts": {"build:zip": "tsx build-zip.ts"}}"#).unwrap();
    let reported = "<dir>/repository/packages/aws-lambda/package.json: scripts.verify:zip-size is missing";
    refuse(&test, &["lambda-smoke", "--fixture", "f"], reported);
    test.smoke(&["--dry-run"]).exit(0);
}

#[test]
fn a_baseline_that_is_no_video_is_reported_with_what_to_do() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    let smoke = ["lambda-smoke", "--fixture", "f"];
    let test = Test::new().fixture_file("output/output.mp4", pointer);
    refuse(&test, &smoke, "output/output.mp4 is a git-LFS pointer, not the file itself; run `git lfs pull`");
    refuse(&Test::new().fixture_file("output/output.mp4", ""), &smoke, "output/output.mp4 is empty");
    let test = Test::new();
    std::fs::remove_file(test.repository.baseline()).unwrap();
    refuse(&test, &smoke, "render it with `cargo xtask lambda-baseline <fixture> --update`");
}
