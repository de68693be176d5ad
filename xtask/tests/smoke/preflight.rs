//! What is refused before anything is created.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::{
    SECRETS, STACK, Test,
    fake_aws::{Fault, Rival},
};

/// The calls that only look.
const READS: [&str; 10] = [
    "GetCallerIdentity",
    "HeadBucket",
    "DescribeStacks",
    "DescribeLogGroups",
    "ListBuckets",
    "GetAccountSettings",
    "GetFunctionConfiguration",
    "GetBucketTagging",
    "DescribeStateMachine",
    "ListTagsForResource",
];

/// Nothing was created or deleted, on AWS or by sam.
fn assert_only_looked(test: &Test) {
    test.assert_account_clean();
    assert!(test.aws.calls().iter().all(|call| READS.contains(&call.as_str())), "{:?}", test.aws.calls());
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    assert!(test.journals().is_empty());
}

#[test]
fn all_problems_with_tools_are_reported_at_once() {
    let test = Test::new()
        .tool("sam --version", "echo SAM CLI, version 1.99.0; exit")
        .tool("bun --version", "echo 1.2.23; exit")
        .tool("ffmpeg -filters", "echo ' ... ssim  VV->V'; exit")
        .tool("ffprobe -version", "echo cannot open shared object >&2; exit 127")
        .without_tool("zip");
    let ran = test.build_and_smoke(&[]);
    assert_snapshot!(ran.exit(1).stderr, @r"
    error: pre-flight:
      - <dir>/tools/bin/sam is 1.99, 1.100 or newer is needed: install it with `pipx install aws-sam-cli`, or on Linux x86-64 with `cargo xtask setup`
      - <dir>/tools/bin/bun is 1.2, 1.3 or newer is needed: install it with `npm install -g bun`, or on Linux x86-64 with `cargo xtask setup`
      - <dir>/tools/bin/ffmpeg has no psnr: install it with `apt-get install ffmpeg` or `brew install ffmpeg`, or on Linux x86-64 with `cargo xtask setup`
      - <dir>/tools/bin/ffprobe does not run: ffprobe -version failed (exit status: 127)
        cannot open shared object; it comes with ffmpeg, or on Linux x86-64 with `cargo xtask setup`
      - zip is not on PATH: install it with `apt-get install zip` or `brew install zip`, or on Linux x86-64 with `cargo xtask setup`
    ");
    assert_snapshot!(ran.stdout, @"FAIL  pre-flight (exit 1); nothing was created");
    assert_only_looked(&test);
}

#[test]
fn an_ffmpeg_without_x264_or_version_is_refused() {
    let test = Test::new().tool("ffmpeg -encoders", "exit").tool("sam --version", "echo unknown; exit");
    let ran = test.smoke(&[]);
    ran.exit(1)
        .warns("tools/bin/ffmpeg has no libx264: install it with")
        .warns("does not report its version: \"unknown\"");
    assert_only_looked(&test);
}

#[test]
fn without_a_build_neither_bun_nor_zip_is_needed() {
    Test::new().without_tool("bun").without_tool("zip").smoke(&[]).exit(0);
}

#[test]
fn missing_credentials_are_reported_with_advice() {
    let test = Test::new()
        .without_env("AWS_ACCESS_KEY_ID")
        .without_env("AWS_SECRET_ACCESS_KEY")
        .without_env("AWS_SESSION_TOKEN");
    let artifacts = test.artifacts().display().to_string();
    let ran = test.run(&["lambda-smoke", "--skip-build", "--fixture", "f", "--artifacts", &artifacts]);
    assert_snapshot!(ran.exit(1).stderr, @"error: no usable AWS credentials: no providers in chain provided credentials; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws sso login`, or use --local, which needs no account");
    assert_only_looked(&test);
}

#[test]
fn a_key_with_a_line_break_is_refused_and_not_shown() {
    for (name, value, part) in [
        ("AWS_ACCESS_KEY_ID", "AKIAFAKE\n", "access key ID"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrOTHER\r\n", "secret access key"),
        ("AWS_SESSION_TOKEN", "FwoGOTHER\nFwoG", "session token"),
    ] {
        let test = Test::new();
        let endpoint = test.aws.endpoint.clone();
        let test = test.env("AWS_ENDPOINT_URL", &endpoint).env(name, value);
        let ran = test.run(&["lambda-smoke", "--skip-build", "--fixture", "f"]);
        ran.exit(1).warns(&format!("the {part} contains a space, a line break, or another character that no key has"));
        ran.never_says("OTHER");
    }
}

#[test]
fn credentials_and_tools_are_reported_in_one_list() {
    let test = Test::new()
        .without_env("AWS_ACCESS_KEY_ID")
        .without_env("AWS_SECRET_ACCESS_KEY")
        .tool("sam --version", "echo 1.99; exit");
    let artifacts = test.artifacts().display().to_string();
    let ran = test.run(&["lambda-smoke", "--skip-build", "--fixture", "f", "--artifacts", &artifacts]);
    ran.exit(1).warns("\n  - no usable AWS credentials").warns("sam is 1.99, 1.100 or newer is needed");
    assert_only_looked(&test);
}

#[test]
fn a_missing_profile_is_named() {
    let test = Test::new();
    let artifacts = test.artifacts().display().to_string();
    let args = ["lambda-smoke", "--skip-build", "--fixture", "f", "--profile", "nobody", "--artifacts", &artifacts];
    test.run(&args)
        .exit(1)
        .warns("there is no AWS configuration, so no profile nobody (--profile)")
        .warns("aws configure sso --profile nobody");
    assert_only_looked(&test);
}

#[test]
fn an_endpoint_where_nothing_answers_is_reported_soon() {
    let test = Test::new();
    let started = Instant::now();
    let ran = test.smoke(&["--endpoint-url", "http://127.0.0.1:1"]);
    ran.exit(1).warns("nothing answers at http://127.0.0.1:1").warns("is the emulator running");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn refused_credentials_are_reported() {
    let test = Test::new().fault("GetCallerIdentity", 9, Fault::Error(403, "ExpiredToken"));
    test.smoke(&[]).exit(1).warns("refused sts GetCallerIdentity").warns("ExpiredToken");
    assert_only_looked(&test);
}

#[test]
fn a_stack_that_exists_is_left_untouched() {
    let test = Test::new();
    let ran = test.smoke(&["--stack-name", "production"]);
    assert_snapshot!(ran.exit(1).stderr, @r"
    [<s>] target    emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    [<s>] preflight all 3 tools found, in versions that work
    [<s>] baseline  f: 60 frames, 64x36, 30 fps, no sound
    error: stack production exists already and is left untouched; a run creates its own stack: choose another --stack-name, or none, or, if it is a run's that is not going on any more, anywhere: cargo xtask lambda-teardown production --region us-east-1 --endpoint-url <endpoint>
    ");
    assert_snapshot!(ran.stdout, @r"
    FAIL  pre-flight (exit 1); nothing was created
    artifacts: <dir>/artifacts
    report: <dir>/artifacts/report.html
    ");
    assert_only_looked(&test);
}

#[test]
fn a_stack_whose_existence_is_unknown_is_not_deployed() {
    let test = Test::new().fault("DescribeStacks", 99, Fault::Error(403, "AccessDenied"));
    test.smoke(&[]).exit(1).warns("looking for stack smoke-test: AccessDenied: said the fake AWS (HTTP 403)");
    assert_only_looked(&test);
}

#[test]
fn a_name_that_another_run_has_locked_is_refused() {
    let test = Test::new();
    test.aws.account().buckets.insert("hyperframes-smoke-a222bf3f-0123456789ab".to_owned(), Default::default());
    let ran = test.smoke(&[]);
    ran.exit(1)
        .warns("another run uses the stack name smoke-test")
        .warns(&format!("lambda-teardown {STACK} --run <run> --region"));
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()));
}

#[test]
fn a_stack_that_comes_up_after_the_first_look_is_left_untouched() {
    let test = Test::new().account(|account| account.rival = Some(Rival::Deploys(STACK)));
    let ran = test.smoke(&[]);
    ran.exit(1).warns("error: stack smoke-test exists already and is left untouched").says("clean-up verified");
    assert!(!test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    assert!(test.aws.account().listing().contains(&format!("stack {STACK}")));
    assert!(!test.aws.account().buckets.keys().any(|name| name.starts_with("hyperframes-smoke-")));
}

#[test]
fn a_name_lock_without_a_stack_of_its_own_is_not_kept() {
    let rival = |rival| Test::new().account(|account| account.rival = Some(rival));
    for test in [rival(Rival::Deploys(STACK)), rival(Rival::TakesTheName)] {
        test.smoke(&["--keep-stack"]).exit(1).says("clean-up verified").never_says("is kept");
        let name_locks = |name: &&String| name.starts_with("hyperframes-smoke-") && !name.ends_with("ffffffffffff");
        assert_eq!(test.aws.account().buckets.keys().filter(name_locks).count(), 0);
        assert!(test.journals()[0].ends_with("{\"record\":\"finished\",\"kept\":false}\n"));
    }
}

#[test]
fn of_two_runs_that_lock_a_name_at_once_neither_goes_on() {
    let test = Test::new().account(|account| account.rival = Some(Rival::TakesTheName));
    let ran = test.smoke(&[]);
    ran.exit(1).warns("another run took the stack name smoke-test at the same time").says("clean-up verified");
    let buckets: Vec<String> = test.aws.account().buckets.keys().cloned().collect();
    assert_eq!(buckets, ["hyperframes-smoke-a222bf3f-ffffffffffff", "prod-123456789012"]);
}

#[test]
fn a_name_lock_that_is_listed_late_ends_the_deployment_too() {
    let test = Test::new().tool("sam deploy", "exec sleep 60");
    let child = test.spawn_smoke(&[]);
    while !test.tools.calls().iter().any(|call| call.starts_with("sam deploy")) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let other = "hyperframes-smoke-a222bf3f-ffffffffffff";
    test.aws.account().buckets.insert(other.to_owned(), Default::default());
    let ran = test.finish(child);
    ran.exit(1).warns("another run took the stack name smoke-test at the same time").says("clean-up verified");
    assert!(test.aws.account().buckets.contains_key(other));
}

#[test]
fn an_emulator_is_reached_without_the_proxy() {
    let test = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"]
        .into_iter()
        .fold(Test::new(), |test, name| test.env(name, "http://127.0.0.1:9"))
        .env("NO_PROXY", "intranet");
    test.smoke(&[]).exit(0);
    let seen = test.tools.environments("sam");
    assert!(seen.iter().any(|env| env.contains("NO_PROXY=intranet,127.0.0.1\n")), "{seen:?}");
}

#[test]
fn journals_that_cant_be_written_are_reported_before_anything_else() {
    let test = Test::new().env("HYPERFRAMES_STATE_DIR", "/dev/null/state");
    test.smoke(&[]).exit(1).warns("journals can't be written to /dev/null/state; make it writable, or set");
    assert_eq!((test.tools.calls(), test.aws.calls()), (vec![], vec![]));
}

#[test]
fn a_baseline_that_cant_be_measured_is_reported_before_a_deployment() {
    let test = Test::new().fixture_file("output/output.mp4", "no video at all");
    test.smoke(&[]).exit(1).warns("the baseline of f can't be measured").warns("Invalid data found");
    assert_only_looked(&test);
}

#[test]
fn git_sees_no_secret() {
    let test = Test::new();
    test.smoke(&[]).exit(0);
    assert!(!test.tools.environments("git").iter().any(|env| SECRETS.iter().any(|secret| env.contains(secret))));
}

#[test]
fn a_baseline_that_does_not_decode_is_reported_before_a_deployment() {
    let test = Test::new().tool("ffmpeg decode", "echo 'corrupt packet' >&2; exit 69");
    test.smoke(&[]).exit(1).warns("the baseline of f can't be measured").warns("corrupt packet");
    test.assert_account_clean();
}

#[test]
fn a_composition_that_cant_be_packed_is_reported_before_a_deployment() {
    let test = Test::new();
    std::os::unix::fs::symlink("nowhere", test.repository.fixture_file("src/lost.png")).unwrap();
    test.smoke(&[]).exit(1).warns("lost.png");
    test.assert_account_clean();
}

#[test]
fn a_tool_that_lacks_a_variable_is_reported_with_its_name_and_gets_it() {
    let script = "[ -n \"$MY_LIBS\" ] || { echo 'libmine.so: cannot open shared object file' >&2; exit 127; }\n\
                  echo 'ffmpeg version n8.1.2 Copyright'; exit 0";
    let test = || Test::new().tool("ffmpeg -version", script).env("MY_LIBS", "/mine").env("ZZZ", "z");
    let ran = test().smoke(&[]);
    ran.exit(1).warns("libmine.so").warns("this one runs with all of it: set HYPERFRAMES_PASS_ENV=MY_LIBS, so that it");
    test().env("HYPERFRAMES_PASS_ENV", "MY_LIBS").smoke(&[]).exit(0);
}
