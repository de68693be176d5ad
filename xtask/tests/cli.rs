//! The command line: its help, and what it refuses before anything happens.

#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod support;

use insta::assert_snapshot;
use support::Test;

/// All commands, and none of them.
const COMMANDS: &str = ",lambda-smoke,lambda-eval,lambda-teardown,lambda-baseline,lambda-compare,lambda-doctor,\
                        lambda-policy,lambda-report,local-aws,setup,completions";

/// What a command says of itself when asked by `flag`.
fn help(test: &Test, command: &str, flag: &str) -> String {
    let args: Vec<&str> = command.split_whitespace().chain([flag]).collect();
    let ran = test.run(&args);
    assert_eq!(ran.exit(0).stderr, "");
    ran.stdout
}

#[test]
fn the_help_of_every_command() {
    let test = Test::new();
    for command in COMMANDS.split(',') {
        let name = if command.is_empty() { "all" } else { command };
        assert_snapshot!(format!("help of {name}"), help(&test, command, "--help"));
        assert_snapshot!(format!("short help of {name}"), help(&test, command, "-h"));
    }
    test.assert_nothing_happened();
}

#[test]
fn help_has_no_line_that_a_terminal_would_wrap() {
    let test = Test::new();
    for (command, flag) in COMMANDS.split(',').flat_map(|command| [(command, "-h"), (command, "--help")]) {
        let told = help(&test, command, flag);
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{command} {flag}\n{told}");
    }
}

#[test]
fn short_help_fits_a_screen_and_has_a_line_for_each_flag() {
    let test = Test::new();
    for command in COMMANDS.split(',') {
        let told = help(&test, command, "-h");
        assert!(told.lines().count() <= 45, "{told}");
        let starts = |line: &&str| ["  -", "      --", "  <", "  ["].iter().any(|start| line.starts_with(start));
        let flags = told.lines().skip_while(|line| !line.starts_with("Options:"));
        let wrapped = flags.filter(|line| line.starts_with(' ') && !starts(line)).collect::<Vec<_>>();
        assert_eq!(wrapped, [""; 0], "{told}");
    }
}

#[test]
fn completions_know_commands_flags_and_fixtures() {
    let test = Test::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = test.run(&["completions", shell]).exit(0).stdout.clone();
        for word in ["lambda-teardown", "chunk-counts", "other-fixture", "cargo xtask"] {
            assert!(script.contains(word), "{word} is not in\n{script}");
        }
    }
    refuse(&test, &["completions", "bsh"], "a similar value exists: 'bash'");
    let nowhere = Test::new().env("HYPERFRAMES_REPO_ROOT", "/nowhere");
    nowhere.run(&["completions", "bash"]).exit(0).says("lambda-teardown");
}

#[test]
fn bash_completes_a_fixture() {
    let script = Test::new().run(&["completions", "bash"]).exit(0).stdout.clone();
    let asked =
        format!("{script}\nCOMP_WORDS=(xtask lambda-smoke --fixture o); COMP_CWORD=3; _xtask xtask o --fixture");
    let told =
        std::process::Command::new("bash").args(["-c", &format!("{asked}; echo \"${{COMPREPLY[@]}}\"")]).output();
    // Not every machine has bash.
    if let Ok(told) = told {
        assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "other-fixture");
    }
}

/// Runs a command that must be refused with one error that tells `expected`.
#[track_caller]
fn refuse(test: &Test, args: &[&str], expected: &str) {
    let ran = test.run(args);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{args:?}\n{ran}");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.matches("error:").count() == 1, "{args:?}\n{ran}");
    assert!(ran.stderr.contains(expected), "{args:?}: {expected:?} is not in\n{ran}");
    test.assert_nothing_happened();
}

#[test]
fn every_wrong_value_of_smoke_is_told_before_anything_happens() {
    let test = Test::new();
    let long = "x".repeat(129);
    let cases: &[(&[&str], &str)] = &[
        (&["--chunk-counts", ""], "the list of chunk counts is empty: nothing would be rendered"),
        (&["--chunk-counts", "2,,8"], r#""" is not a chunk count (a whole number, 1 to 256)"#),
        (&["--chunk-counts", "2,x"], r#""x" is not a chunk count (a whole number, 1 to 256)"#),
        (&["--chunk-counts", "0"], "a chunk count is 1 to 256, not 0"),
        (&["--chunk-counts", "2,257"], "a chunk count is 1 to 256, not 257"),
        (&["--chunk-counts", "4,2,4"], "chunk count 4 is listed twice"),
        (&["--chunk-size", "0"], "a chunk size is 1 to 3600 frames, not 0"),
        (&["--chunk-size", "3601"], "a chunk size is 1 to 3600 frames, not 3601"),
        (&["--chunk-size", "1.5"], r#""1.5" is not a chunk size (a whole number of frames)"#),
        (&["--plan-protocol", "v3"], r#""v3" is not a plan protocol (v1, v2 or both)"#),
        (&["--frame-psnr-margin", "10dB"], r#""10dB" is not a number of decibels (write 40, not 40dB)"#),
        (&["--psnr-threshold", "40dB"], r#""40dB" is not a number of decibels (write 40, not 40dB)"#),
        (&["--psnr-threshold", "inf"], "decibels must be a finite number, not inf"),
        (&["--psnr-threshold", "nan"], "decibels must be a finite number, not NaN"),
        (&["--stack-name", ""], "a stack name can't be empty"),
        (&["--stack-name", "my_stack"], "a stack name has only letters, digits and hyphens"),
        (&["--stack-name", "1st"], "a stack name starts with a letter"),
        (&["--stack-name", &long], "a stack name has at most 128 characters, this one has 129"),
        (&["--reserved-concurrency", "-2"], "is not a reserved concurrency"),
        (&["--reserved-concurrency", "many"], "--reserved-concurrency <N>"),
        (&["--region", "us-east"], r#""us-east" is not a region's name, which looks like us-east-1"#),
        (&["--profile", ""], "a profile's name can't be empty"),
        (&["--endpoint-url", "localhost:4566"], "does not start with http:// or https://"),
        (&["--endpoint-url", "http://x:99999"], r#""99999" in "http://x:99999" is not a port"#),
        (&["--endpoint-url", "http://x/path"], "is not the address of an endpoint"),
        (&["--artifacts"], "a value is required for '--artifacts <DIR>'"),
        (&["--fixture"], "a value is required for '--fixture <NAME>'"),
    ];
    for (args, expected) in cases {
        refuse(&test, &[&["lambda-smoke"], *args].concat(), expected);
    }
}

#[test]
fn typos_are_told_with_what_was_meant() {
    let test = Test::new();
    for (args, meant) in [
        (&["lambda-smok"] as &[&str], "lambda-smoke"),
        (&["eval"], "lambda-eval"),
        (&["lambda-teerdown", "x"], "lambda-teardown"),
        (&["lambda-eval", "--iteration", "2"], "--iterations"),
        (&["lambda-eval", "--warm-up", "1"], "--warmup"),
        (&["lambda-eval", "--keep-locl"], "--keep-local"),
        (&["lambda-compare", "a", "b", "--psnr", "40"], "--psnr-threshold"),
        (&["lambda-smoke", "--verbos"], "--verbose"),
        (&["setup", "--colour", "never"], "--color"),
        (&["lambda-smoke", "--chunk-count", "2"], "--chunk-counts"),
        (&["lambda-smoke", "--keep-stac"], "--keep-stack"),
        (&["lambda-smoke", "--skip-built"], "--skip-build"),
        (&["lambda-smoke", "--locall"], "--local"),
        (&["lambda-teardown", "x", "--forse"], "--force"),
        (&["lambda-teardown", "--unfinshed"], "--unfinished"),
        (&["lambda-baseline", "f", "--updat"], "--update"),
        (&["local-aws", "--enforce-ima"], "--enforce-iam"),
        (&["local-aws", "--ready-fil", "x"], "--ready-file"),
    ] {
        refuse(&test, args, &format!("'{meant}'"));
    }
    for (args, tip) in [
        (&["lambda-smoke", "f"] as &[&str], "tip: a fixture is named by a flag: --fixture f"),
        (&["lambda-eval", "f"], "tip: fixtures are named by a flag: --fixtures f"),
        (&["lambda-teardown", "--stack", "x"], "tip: the stack is named without a flag: lambda-teardown <STACK>"),
        (&["lambda-baseline", "--fixture", "f"], "tip: the fixture is named without a flag: lambda-baseline <FIXTURE>"),
        (&["setup", "--color", "red"], "[possible values: auto, always, never]"),
    ] {
        refuse(&test, args, tip);
    }
    refuse(&test, &["setup", "--force"], "unexpected argument '--force'");
}

#[test]
fn contradictions_are_refused() {
    let test = Test::new();
    let url = "http://127.0.0.1:1";
    for (args, expected) in [
        (
            &["lambda-smoke", "--local", "--endpoint-url", url] as &[&str],
            "'--local' cannot be used with '--endpoint-url <URL>'",
        ),
        (&["lambda-smoke", "--local", "--profile", "p"], "'--local' cannot be used with '--profile <NAME>'"),
        (
            &["lambda-smoke", "--endpoint-url", url, "--profile", "p"],
            "'--endpoint-url <URL>' cannot be used with '--profile <NAME>'",
        ),
        (
            &["lambda-smoke", "--local", "--keep-stack"],
            "--keep-stack can't keep a stack of --local, whose AWS ends with the run",
        ),
        (&["lambda-teardown"], "<STACK|--unfinished>"),
        (&["lambda-teardown", "x", "--unfinished"], "cannot be used with"),
        (&["lambda-teardown", "--force"], "<STACK|--unfinished>"),
        (&["lambda-teardown", "x", "--yes"], "--force"),
        (&["lambda-teardown", "no_name"], "a stack name has only letters, digits and hyphens"),
        (&["lambda-teardown", "x", "--local"], "the embedded AWS of a --local run ends with the run"),
        (&["lambda-baseline"], "<FIXTURE>"),
        (&["local-aws", "--port", "70000"], r#""70000" is not a port (a whole number, 0 to 65535)"#),
        (&["lambda-smoke", "f"], "unexpected argument 'f'"),
    ] {
        refuse(&test, args, expected);
    }
}

#[test]
fn flags_that_unfinished_would_not_heed_are_refused() {
    for flag in [&["--force"] as &[&str], &["--endpoint-url", "http://127.0.0.1:1"], &["--region", "us-west-2"]] {
        refuse(&Test::new(), &[&["lambda-teardown", "--unfinished"], flag].concat(), "--unfinished");
    }
}

#[test]
fn a_wrong_twin_is_told_with_its_name() {
    for (name, value, expected) in [
        ("CHUNK_COUNTS", "2,two", r#"CHUNK_COUNTS=2,two: "two" is not a chunk count"#),
        ("CHUNK_SIZE", "big", r#"CHUNK_SIZE=big: "big" is not a chunk size"#),
        ("PLAN_PROTOCOL", "v3", r#"PLAN_PROTOCOL=v3: "v3" is not a plan protocol (v1, v2 or both)"#),
        ("FRAME_PSNR_MARGIN", "-1", "a frame's margin is a number of dB below the threshold, 0 or more"),
        ("STRICT", "yes", "STRICT=yes: it is 1 or 0"),
        ("REQUIRE_ENCODED_SHA_EQUAL", "1", "it needs --plan-protocol both"),
        ("PSNR_THRESHOLD", "40dB", r#"PSNR_THRESHOLD=40dB: "40dB" is not a number of decibels"#),
        ("STACK_NAME", "a b", r#"STACK_NAME=a b: a stack name has only letters, digits and hyphens"#),
        ("RESERVED_CONCURRENCY", "-2", "RESERVED_CONCURRENCY=-2: "),
        ("AWS_REGION", "Frankfurt", r#"AWS_REGION=Frankfurt: "Frankfurt" is not a region's name"#),
        ("FIXTURE", "nope", r#"there is no fixture "nope"; there are: f, other-fixture"#),
    ] {
        refuse(&Test::new().env(name, value), &["lambda-smoke"], expected);
    }
}

#[test]
fn an_empty_twin_counts_as_unset() {
    let test = Test::new().env("CHUNK_SIZE", "").env("STACK_NAME", "").env("FIXTURE", "nope");
    refuse(&test, &["lambda-smoke"], "there is no fixture");
}

#[test]
fn an_unknown_fixture_is_told_with_those_that_are_there() {
    let expected = r#"there is no fixture "nope"; there are: f, other-fixture"#;
    for test in [Test::new(), Test::checkout()] {
        test.run(&["lambda-smoke", "--fixture", "nope"]).exit(1).only_error(expected);
        test.run(&["lambda-baseline", "nope"]).exit(1).only_error(expected);
        test.assert_nothing_happened();
    }
}

#[test]
fn a_repository_that_is_none_is_told() {
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
        let told = "--repo /usr: /usr is neither a HyperFrames checkout nor this project";
        refuse(&test, &[command, &["--repo", "/usr"]].concat(), told);
    }
    // The flag wins over the variable.
    let ran = test.run(&["lambda-smoke", "--fixture", "f", "--dry-run", "--repo", &root]);
    let told = &ran.exit(0).stdout;
    assert!(told.contains("<dir>/repository/examples/aws-lambda/template.yaml"), "{told}");
}

#[test]
fn a_broken_fixture_is_told_by_its_part() {
    let meta = |text: &str| Test::new().fixture_file("meta.json", text);
    let smoke = ["lambda-smoke", "--fixture", "f"];
    let fps = r#"{"renderConfig":{"fps":{"num":30000,"den":1001}}}"#;
    refuse(&meta(fps), &smoke, "distributed rendering takes whole frames a second only");
    refuse(&meta("{"), &smoke, "fixture f: <dir>/repository/fixtures/f/meta.json");
    refuse(&meta(r#"{"renderConfig":{"format":"gif"}}"#), &smoke, "it is one of mp4, mov, webm, png-sequence");
    let frames = "output/frames can't be read; render it with `cargo xtask lambda-baseline";
    refuse(&meta(r#"{"renderConfig":{"format":"png-sequence"}}"#), &smoke, frames);
    let test = Test::new();
    std::fs::remove_file(test.repository.fixture_file("src/index.html")).unwrap();
    refuse(&test, &smoke, "fixture f has no composition: <dir>/repository/fixtures/f/src/index.html is missing");
    let test = Test::new();
    std::fs::remove_dir_all(test.repository.fixture_file("src")).unwrap();
    refuse(&test, &smoke, "fixture f has no composition: <dir>/repository/fixtures/f/src/index.html is missing");
    std::fs::remove_file(test.repository.fixture_file("meta.json")).unwrap();
    refuse(&test, &smoke, "fixture f is none: <dir>/repository/fixtures/f/meta.json is missing");
}

#[test]
fn a_fixture_is_named_by_its_folder_alone() {
    let told = "is a path, and fixtures go by their folder's name alone: f";
    refuse(&Test::checkout(), &["lambda-smoke", "--fixture", "distributed/f"], told);
    refuse(&Test::new(), &["lambda-eval", "--fixtures", "f/"], told);
    refuse(&Test::new(), &["lambda-baseline", "./f"], told);
}

#[test]
fn two_fixtures_of_one_name_are_refused_with_both_folders() {
    let test = Test::checkout();
    let other = test.repository.root().join("packages/producer/tests/f");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("meta.json"), "{}").unwrap();
    let tests = "<dir>/repository/packages/producer/tests";
    let told = format!("there are several fixtures called f: {tests}/distributed/f and {tests}/f; rename all but one");
    refuse(&test, &["lambda-smoke", "--fixture", "f"], &told);
    test.smoke(&["--fixture", "other-fixture"]).exit(0);
}

#[test]
fn a_composition_with_git_lfs_pointers_is_refused_by_every_command_that_renders_it() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    let test = (0..5).fold(Test::new(), |test, i| test.fixture_file(&format!("src/{i}.png"), pointer));
    let src = "<dir>/repository/fixtures/f/src";
    let told = format!(
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
        refuse(&test, command, &told);
    }
}

#[test]
fn a_template_that_cant_serve_is_told_by_file_and_field() {
    let smoke = ["lambda-smoke", "--fixture", "f"];
    for (from, to, told) in [
        ("Outputs:", "Exports:", "Outputs is missing"),
        ("RenderBucketName:", "Bucket:", "Outputs.RenderBucketName is missing (line "),
        ("CodeUri:", "Uri:", "Resources.RenderFunction.Properties has no CodeUri (line "),
        ("Definition:", "Definitions:", "Resources.RenderStateMachine.Properties has no Definition (line "),
        ("ProjectName: {", "Project: {", "Parameters.ProjectName is missing"),
        ("Parameters:", "Parameters: [", "it is no YAML"),
    ] {
        let test = Test::checkout();
        let path = test.repository.root().join("examples/aws-lambda/template.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let of_file = format!("the template <dir>/repository/examples/aws-lambda/template.yaml: {told}");
        refuse(&test, &[&smoke[..], &["--skip-build"]].concat(), &of_file);
        refuse(&test, &["lambda-eval", "--fixtures", "f", "--skip-build", "--dry-run"], &of_file);
    }
    let test = Test::checkout();
    std::fs::remove_file(test.repository.root().join("examples/aws-lambda/template.yaml")).unwrap();
    refuse(&test, &smoke, "there is no template <dir>/repository/examples/aws-lambda/template.yaml");
}

#[test]
fn a_checkout_without_the_scripts_of_its_handler_is_told_by_file_and_field() {
    let test = Test::checkout();
    let manifest = test.repository.root().join("packages/aws-lambda/package.json");
    std::fs::write(&manifest, r#"{"scripts": {"build:zip": "tsx build-zip.ts"}}"#).unwrap();
    let told = "<dir>/repository/packages/aws-lambda/package.json: scripts.verify:zip-size is missing";
    refuse(&test, &["lambda-smoke", "--fixture", "f"], told);
    test.smoke(&["--dry-run"]).exit(0);
}

#[test]
fn a_baseline_that_is_no_video_is_told_with_what_to_do() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    let smoke = ["lambda-smoke", "--fixture", "f"];
    let test = Test::new().fixture_file("output/output.mp4", pointer);
    refuse(&test, &smoke, "output/output.mp4 is a git-LFS pointer, not the file itself; run `git lfs pull`");
    refuse(&Test::new().fixture_file("output/output.mp4", ""), &smoke, "output/output.mp4 is empty");
    let test = Test::new();
    std::fs::remove_file(test.repository.baseline()).unwrap();
    refuse(&test, &smoke, "render it with `cargo xtask lambda-baseline <fixture> --update`");
}

#[test]
fn without_a_place_for_the_journal_nothing_starts() {
    let test = Test::new().without_env("HYPERFRAMES_STATE_DIR").without_env("HOME");
    refuse(
        &test,
        &["lambda-smoke", "--fixture", "f"],
        "there is no place for the journal: set HOME or HYPERFRAMES_STATE_DIR",
    );
}

#[test]
fn the_version_is_told() {
    let ran = Test::new().run(&["--version"]);
    assert_eq!(ran.exit(0).stdout, concat!("cargo xtask ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_command_the_help_is_shown_as_an_error() {
    let test = Test::new();
    test.run(&[]).exit(1).warns("Usage: cargo xtask [OPTIONS] <COMMAND>");
    test.assert_nothing_happened();
}

/// Runs the doctor against the fake AWS.
fn doctor(test: &Test, args: &[&str]) -> support::Ran {
    test.run(&[&["lambda-doctor", "--endpoint-url", test.aws.endpoint.as_str()], args].concat())
}

#[test]
fn the_doctor_looks_at_everything_a_run_needs() {
    let test = Test::new();
    let ran = doctor(&test, &[]);
    insta::assert_snapshot!(ran.exit(0).stdout.lines().filter(|line| !line.contains("disk")).collect::<Vec<_>>().join("\n"), @r"
    ok    target              emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    ok    quota in us-east-1  1000 executions at once, of which 16 can be reserved
    ok    bun                 1.3.0
    ok    ffmpeg              7.0-fake
    ok    ffprobe             7.0-fake
    ok    sam                 1.150.0
    ok    zip                 Zip 3.0
    ok    template            <dir>/repository/examples/aws-lambda/template.yaml: 10 states from SelectPlanProtocol, plan protocol v1 or v2 by choice, 10240 MB
    ok    handler ZIP         <dir>/repository/examples/aws-lambda/handler/dist/handler.zip
    ok    fixtures            f, other-fixture
    ok    journals            can be written

    ready: a run finds what it needs
    ");
    // It looks, and makes nothing.
    test.assert_account_clean();
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
}

#[test]
fn the_doctor_finds_everything_that_is_wrong_at_once() {
    let test = Test::new()
        .without_tool("zip")
        .account(|account| account.unreserved = 10)
        .fixture_file("output/output.mp4", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
    let ran = doctor(&test, &[]);
    ran.exit(1).says("not ready: 2 things are to be mended");
    ran.says("BAD   quota in us-east-1  10 executions at once are unreserved, of which Lambda keeps 100: 16 can't be reserved");
    ran.says("zip is not on PATH").says("note  fixture f").says("git lfs pull");
    let fixtures = ran.stdout.lines().find(|line| line.starts_with("ok    fixtures")).unwrap();
    assert!(fixtures.ends_with(" other-fixture"), "{fixtures}");
    doctor(&test, &["--reserved-concurrency", "0"]).exit(1).says("not ready: one thing is to be mended");
}

#[test]
fn the_policy_is_for_the_account_region_and_stack_that_are_named() {
    let test = Test::new();
    let ran =
        test.run(&["lambda-policy", "--account", "123456789012", "--region", "eu-west-1", "--stack-name", "Gate"]);
    let policy: serde_json::Value = serde_json::from_str(&ran.exit(0).stdout).unwrap();
    let functions = policy["Statement"].as_array().unwrap().iter().find(|s| s["Sid"] == "Functions").unwrap();
    assert_eq!(functions["Resource"][0], "arn:aws:lambda:eu-west-1:123456789012:function:gate-*");
    test.run(&["lambda-policy", "--account", "12"]).exit(1).warns("\"12\" is not an account id (12 digits)");
    test.assert_nothing_happened();
}
