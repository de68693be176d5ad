//! `lambda-doctor` and `lambda-policy`.

use crate::support::{Ran, Test};

/// Runs the doctor against the fake AWS.
fn doctor(test: &Test, args: &[&str]) -> Ran {
    test.run(&[&["lambda-doctor", "--endpoint-url", test.aws.endpoint.as_str()], args].concat())
}

#[test]
fn the_doctor_looks_at_everything_a_run_needs() {
    let test = Test::new();
    let ran = doctor(&test, &[]);
    insta::assert_snapshot!(ran.exit(0).stdout.lines().filter(|line| !line.contains("disk")).collect::<Vec<_>>().join("\n"), @r"
    ok    target              emulator at <endpoint>, account 123456789012, us-east-1, as arn:aws:iam::123456789012:user/tester
    ok    settings            region us-east-1 (the default; no setting names a region); endpoint <endpoint> (--endpoint-url)
    ok    quota in us-east-1  1000 executions at once, of which 16 can be reserved
    ok    bun                 1.3.0
    ok    ffmpeg              7.0-fake
    ok    ffprobe             7.0-fake
    ok    sam                 1.150.0
    ok    zip                 Zip 3.0
    ok    template            <dir>/repository/examples/aws-lambda/template.yaml: 10 states from SelectPlanProtocol, plan protocol v1 or v2 by choice; RenderFunction with 10240 MB, x86_64
    ok    handler ZIP         <dir>/repository/examples/aws-lambda/handler/dist/handler.zip
    ok    fixtures            f, other-fixture
    ok    journals            can be written
    ok    temporary files     <dir>/tmp can be written

    ready: everything that a run needs is there
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
    ran.exit(1).says("not ready: 2 problems must be fixed");
    ran.says("BAD   quota in us-east-1  10 executions at once are unreserved, of which Lambda keeps 100: 16 can't be reserved");
    ran.says("zip is not on PATH").says("note  fixture f").says("git lfs pull");
    let fixtures = ran.stdout.lines().find(|line| line.starts_with("ok    fixtures")).unwrap();
    assert!(fixtures.ends_with(" other-fixture"), "{fixtures}");
    doctor(&test, &["--reserved-concurrency", "0"]).exit(1).says("not ready: one problem must be fixed");
}

#[test]
fn the_doctor_finds_a_folder_for_temporary_files_that_can_t_be_written() {
    for (folder, why) in [("/nonexistent", "No such file"), ("/etc/passwd", "Not a directory")] {
        let ran = doctor(&Test::new().env("TMPDIR", folder), &[]);
        ran.exit(1).says(&format!("BAD   temporary files     no file can be written to {folder}; make room in it"));
        ran.says("or set TMPDIR to another folder").says(why).says("not ready: ");
    }
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
