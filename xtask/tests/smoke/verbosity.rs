//! How much is shown: -q, -v, -vv and colors.

use crate::support::{
    SECRETS, Test,
    fake_aws::{End, Fault},
};

#[test]
fn a_quiet_run_says_results_and_errors_only() {
    let ran = Test::new().smoke(&["-q"]);
    assert_eq!(ran.exit(0).stderr, "");
    ran.says("PASS  1 of 1 renders match the baseline");
    let failing = Test::new().render(|render| render.end = End::Fails("BOOM", "it broke"));
    let ran = failing.smoke(&["--quiet"]);
    assert!(ran.exit(4).stderr.starts_with("error: render N=2 FAILED"), "{ran}");
}

#[test]
fn a_verbose_run_says_each_command_with_its_time() {
    let ran = Test::new().smoke(&["-v"]);
    ran.exit(0)
        .warns("command   $ ")
        .warns("/sam deploy --region us-east-1")
        .warns("sam deploy --region us-east-1 …: ");
    ran.warns("s, exit status: 0").never_says("call      ");
}

#[test]
fn a_very_verbose_run_says_each_call_with_status_and_code() {
    let test = Test::new().fault("DescribeExecution", 1, Fault::Error(400, "ThrottlingException"));
    let ran = test.smoke(&["-vv"]);
    ran.exit(0)
        .warns("call      DescribeExecution 400 ThrottlingException in ")
        .warns("call      DescribeExecution 200 in ");
    ran.warns("call      PutObject 200 in ").warns("call      DescribeLogGroups 200 in ").warns("command   $ ");
    // Test::finish has looked for the secrets too; this is where they would be.
    assert!(SECRETS.iter().all(|secret| !ran.stderr.contains(secret)), "{ran}");
}

#[test]
fn quiet_and_verbose_contradict_each_other() {
    Test::new().smoke(&["-q", "-v"]).exit(1).warns("'--quiet' cannot be used with '--verbose...'");
}

#[test]
fn colors_are_used_where_they_are_asked_for() {
    let of = |test: Test, args: &[&str]| {
        let ran = test.smoke(args);
        (ran.stdout.contains("\x1b[1;32mPASS\x1b[0m  1 of 1"), ran.stderr.contains("\x1b[36mtarget   \x1b[0m"))
    };
    assert_eq!(of(Test::new(), &[]), (false, false), "into a pipe");
    assert_eq!(of(Test::new(), &["--color", "always"]), (true, true));
    assert_eq!(of(Test::new().env("CLICOLOR_FORCE", "1"), &[]), (true, true));
    assert_eq!(of(Test::new().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"), &[]), (false, false));
    assert_eq!(of(Test::new().env("CLICOLOR_FORCE", "1"), &["--color=never"]), (false, false));
}
