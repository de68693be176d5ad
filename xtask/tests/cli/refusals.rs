//! Wrong words, refused before anything happens.

use crate::support::Test;

/// Runs a command that must be refused with one error that says `expected`.
#[track_caller]
pub(crate) fn refuse(test: &Test, args: &[&str], expected: &str) {
    let ran = test.run(args);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{args:?}\n{ran}");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.matches("error:").count() == 1, "{args:?}\n{ran}");
    assert!(ran.stderr.contains(expected), "{args:?}: {expected:?} is not in\n{ran}");
    test.assert_nothing_happened();
}

#[test]
fn every_wrong_value_of_smoke_is_reported_before_anything_happens() {
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
        (&["--memory-mb", "3GB"], r#""3GB" is not a memory in MB (a whole number)"#),
        (&["--memory-mb", "10241"], "a function's memory is 128 to 10240 MB, not 10241"),
        (
            &["--region", "us-east"],
            r#""us-east" is not a region's name, which looks like us-east-1; the nearest name is us-east-1"#,
        ),
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
fn a_password_is_refused_and_not_printed() {
    let test = Test::new();
    for url in ["http://me:s3cret@127.0.0.1:4566", "http://me:s3 cret/#?@h", "https://s3cret@h", "ftp://a:s3cret@h"] {
        let ran = test.run(&["lambda-smoke", "--endpoint-url", url]);
        assert!(!ran.stderr.contains("cret") && !ran.stdout.contains("cret"), "{url}\n{ran}");
        ran.exit(1);
    }
}

#[test]
fn words_from_outside_act_on_no_terminal_and_no_ci() {
    let test = Test::new();
    let hostile = "/none\u{1b}[2J\n::error::forged\u{202e}";
    for args in [
        &["lambda-smoke", "--repo", hostile] as &[&str],
        &["lambda-report", hostile],
        &[hostile],
        &["lambda-smoke", "--fixture", hostile],
    ] {
        let ran = test.run(args);
        ran.exit(1);
        assert!(!ran.stderr.contains(['\u{1b}', '\u{202e}']), "{args:?}\n{ran}");
        assert!(!ran.stderr.lines().any(|line| line.trim_start().starts_with("::")), "{args:?}\n{ran}");
    }
}

#[test]
fn a_flag_of_another_command_and_a_word_like_none_get_no_wrong_tip() {
    let test = Test::new();
    for (args, expected) in [
        (
            &["lambda-smoke", "--iterations", "3"] as &[&str],
            "tip: --iterations is a flag of lambda-eval, lambda-ab\n\nFor",
        ),
        (&["lambda-eval", "--strict"], "tip: --strict is a flag of lambda-smoke\n\nFor"),
        (&["lambda-eval", "--fixture", "f"], "tip: a similar argument exists: '--fixtures'"),
        (&["version"], "unrecognized subcommand 'version'\n\nUsage"),
        (&["lambda-history", "/nowhere"], "there is no folder /nowhere"),
    ] {
        refuse(&test, args, expected);
    }
}

#[test]
fn typos_are_reported_with_what_was_meant() {
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
        (&["lambda-eval", "--local", "--reuse-stack", "dev"], "run on it by --reuse-stack NAME"),
        (&["lambda-smoke", "--reuse-stack", "a", "--stack-name", "b"], "cannot be used with"),
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
fn a_wrong_variable_is_reported_with_its_name() {
    for (name, value, expected) in [
        ("CHUNK_COUNTS", "2,two", r#"CHUNK_COUNTS=2,two: "two" is not a chunk count"#),
        ("CHUNK_SIZE", "big", r#"CHUNK_SIZE=big: "big" is not a chunk size"#),
        ("PLAN_PROTOCOL", "v3", r#"PLAN_PROTOCOL=v3: "v3" is not a plan protocol (v1, v2 or both)"#),
        ("FRAME_PSNR_MARGIN", "-1", "the margin of the PSNR of a frame must be a number of dB, 0 or more"),
        ("REFERENCE", "x", "REFERENCE=x: it must be one of auto, committed, rendered"),
        ("STRICT", "yes", "STRICT=yes: it is 1 or 0"),
        ("REQUIRE_ENCODED_SHA_EQUAL", "1", "it needs --plan-protocol both"),
        ("PSNR_THRESHOLD", "40dB", r#"PSNR_THRESHOLD=40dB: "40dB" is not a number of decibels"#),
        ("STACK_NAME", "a b", r#"STACK_NAME=a b: a stack name has only letters, digits and hyphens"#),
        ("RESERVED_CONCURRENCY", "-2", "RESERVED_CONCURRENCY=-2: "),
        ("LAMBDA_MEMORY_MB", "3GB", r#"LAMBDA_MEMORY_MB=3GB: "3GB" is not a memory in MB"#),
        (
            "AWS_REGION",
            "Frankfurt",
            r#"AWS_REGION=Frankfurt: "Frankfurt" is not a region's name, which looks like us-east-1"#,
        ),
        ("FIXTURE", "nope", r#"there is no fixture "nope"; there are: f, other-fixture"#),
        ("FIXTURE", "other_fixtur", "did you mean other-fixture? there are: f, other-fixture"),
    ] {
        refuse(&Test::new().env(name, value), &["lambda-smoke"], expected);
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let test = Test::new().env("CHUNK_SIZE", "").env("STACK_NAME", "").env("FIXTURE", "nope");
    refuse(&test, &["lambda-smoke"], "there is no fixture");
}

#[test]
fn an_unknown_fixture_is_reported_with_those_that_are_there() {
    let expected = r#"there is no fixture "nope"; there are: f, other-fixture"#;
    for test in [Test::new(), Test::checkout()] {
        test.run(&["lambda-smoke", "--fixture", "nope"]).exit(1).only_error(expected);
        test.run(&["lambda-baseline", "nope"]).exit(1).only_error(expected);
        test.assert_nothing_happened();
    }
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
