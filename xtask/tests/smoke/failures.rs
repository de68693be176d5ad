//! What is said of an execution that fails.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    Test,
    fake_aws::{End, Fault},
};

/// The lines from the error to its end, of a run whose chunk fails with `error` and `message`.
fn reported(test: Test, error: &'static str, message: &'static str) -> String {
    let test = test.render(|render| render.end = End::Fails(error, message));
    let ran = test.smoke(&[]);
    let lines = ran.exit(4).stderr.lines().skip_while(|line| !line.starts_with("error: "));
    let reported = lines.take_while(|line| !line.starts_with('[')).collect::<Vec<_>>().join("\n");
    // One line goes to the records.
    let failure = test.artifact("run.json")["failure"].as_str().unwrap().to_owned();
    assert!(failure.starts_with("render N=2 FAILED: state RenderChunk failed with ") && !failure.contains('\n'));
    test.assert_account_clean();
    reported
}

/// A test whose function has logged these lines, each list under the name of a function instance.
fn logged(lines: &[(&'static str, &[&str])]) -> Test {
    let lines = lines.iter().flat_map(|(instance, said)| said.iter().map(|line| (*instance, (*line).to_owned())));
    Test::new().account(|account| account.function_log.extend(lines))
}

#[test]
fn an_error_that_the_handler_throws() {
    let test = logged(&[
        ("other", &["START RequestId: 1", "another chunk", "END RequestId: 1"]),
        ("failing", &["START RequestId: 2", "ERROR the plan has another hash", "END RequestId: 2"]),
    ]);
    assert_snapshot!(reported(test, "PLAN_HASH_MISMATCH", "the plan has another hash"), @r"
    error: render N=2 FAILED
      state    RenderChunk, attempt 1 of 1: this error is not retried
      error    PLAN_HASH_MISMATCH
      cause    the plan has another hash
      meaning  The chunk received another plan than the one that Plan made: the plan in S3 was changed or mixed up.
      try      Run again; if it happens again, the handler packs and reads plans differently in Plan and RenderChunk.
      log      the end of /aws/lambda/smoke-test-<run>-render:
               START RequestId: 2
               ERROR the plan has another hash
               END RequestId: 2
      more     see <dir>/artifacts/renders/N2-execution.json
    ");
}

#[test]
fn a_cause_of_many_pages_is_quoted_by_its_beginning() {
    let cause = "it broke\u{1b}[2J here\u{0}\n".repeat(1_500);
    let reported = reported(Test::new(), "BOOM", cause.leak());
    assert!(reported.lines().count() < 16 && reported.len() < 1_200, "{} bytes: {reported}", reported.len());
    assert!(reported.contains("cause    it broke here\n") && !reported.contains("u001b"), "{reported}");
    assert!(reported.contains("(the beginning of 28500 characters)"), "{reported}");
}

#[test]
fn what_comes_from_outside_acts_on_nothing() {
    let cause = "\u{1b}]0;owned\u{7}\u{202e}gnp\n::error::forged\nPASS  9 of 9 ##[group]x\u{9b}2J";
    let test = Test::new().render(|render| render.end = End::Fails("BAD\u{1b}[2J", cause));
    let ran = test.smoke(&[]);
    let page = std::fs::read_to_string(test.artifacts().join("report.html")).unwrap();
    let markdown = std::fs::read_to_string(test.artifacts().join("report.md")).unwrap();
    let record = std::fs::read_to_string(test.artifacts().join("run.json")).unwrap();
    let junit = std::fs::read_to_string(test.artifacts().join("junit.xml")).unwrap();
    for text in [&ran.exit(4).stderr, &ran.stdout, &page, &markdown, &record, &junit] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']), "{text}");
    }
    for text in [&ran.stderr, &markdown] {
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("PASS")) && !text.contains("##["), "{text}");
    }
    assert!(ran.stderr.contains("cause    gnp\n"), "{}", ran.stderr);
}

#[test]
fn a_call_that_takes_too_long() {
    let cause = "RequestId: 7d7 Error: Task timed out after 900.00 seconds";
    let test = logged(&[
        ("busy", &["START RequestId: 7d7", "frame 118 of 240"]),
        ("busy", &["2026-01-01T00:00:00.000Z 7d7 Task timed out after 900.00 seconds"]),
    ]);
    assert_snapshot!(reported(test, "Sandbox.Timedout", cause), @r"
    error: render N=2 FAILED
      state    RenderChunk, attempt 1 of 1
      error    Sandbox.Timedout
      cause    RequestId: 7d7 Error: Task timed out after 900.00 seconds
      meaning  A call exceeded the timeout of the function or of the state.
      try      Use more chunks, so that each is shorter; on an emulator, a busy machine can be the reason.
      log      the end of /aws/lambda/smoke-test-<run>-render:
               START RequestId: 7d7
               frame 118 of 240
               <time> 7d7 Task timed out after 900.00 seconds
      more     see <dir>/artifacts/renders/N2-execution.json
    ");
}

#[test]
fn a_font_that_can_t_be_fetched() {
    assert_snapshot!(reported(Test::new(), "FONT_FETCH_UNAVAILABLE", "fonts.googleapis.com: getaddrinfo ENOTFOUND"), @r"
    error: render N=2 FAILED
      state    RenderChunk, attempt 1 of 1
      error    FONT_FETCH_UNAVAILABLE
      cause    fonts.googleapis.com: getaddrinfo ENOTFOUND
      meaning  A font could not be fetched: its source did not answer. Generic families such as sans-serif are fetched, too.
      try      Check that the function can reach the internet, or add the font files to the fixture.
      more     see <dir>/artifacts/renders/N2-execution.json
    ");
}

#[test]
fn a_call_that_is_throttled() {
    let cause = "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: 1)";
    assert_snapshot!(reported(Test::new(), "Lambda.TooManyRequestsException", cause), @r"
    error: render N=2 FAILED
      state    RenderChunk, attempt 1 of 1
      error    Lambda.TooManyRequestsException
      cause    Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: 1)
      meaning  Lambda refused the call: the stack or the account already runs as many functions as it may.
      try      Use fewer chunks than --reserved-concurrency, raise it, or wait until others in this account have ended.
      more     see <dir>/artifacts/renders/N2-execution.json
    ");
}

#[test]
fn an_error_that_nobody_knows() {
    assert_snapshot!(reported(Test::new(), "TypeError", "Cannot read properties of undefined\n  at plan\n  at handler"), @r"
    error: render N=2 FAILED
      state    RenderChunk, attempt 1 of 1
      error    TypeError
      cause    Cannot read properties of undefined
                 at plan
                 at handler
      meaning  This tool does not know this error. It comes from the handler's code or from an AWS service.
      try      Read the cause and the log; run again to see whether it happens again.
      more     see <dir>/artifacts/renders/N2-execution.json
    ");
}

#[test]
fn a_log_that_can_t_be_read_is_left_out_soon() {
    let test =
        logged(&[("failing", &["BOOM"])]).fault("FilterLogEvents", 9, Fault::Error(403, "AccessDeniedException"));
    assert!(!reported(test, "BOOM", "it broke").contains("the end of"));
}

#[test]
fn what_is_reported_is_recorded() {
    let test = Test::new().render(|render| render.end = End::Fails("BOOM", "it broke"));
    test.smoke(&[]).exit(4);
    let reported = json!({"state": "RenderChunk", "error": "BOOM", "cause": "it broke", "attempts": 1});
    assert_eq!(test.artifact("run.json")["executionFailure"], reported);
}

#[test]
fn a_failed_sample_is_reported_alike() {
    let test = Test::new().nth_render(1, |render| render.end = End::Fails("VIDEO_SOURCE_UNRENDERABLE", "clip.mp4"));
    let ran = test.eval(&["--skip-local", "--iterations", "2"]);
    ran.exit(4)
        .warns("error: render f N=4 #1 FAILED\n  state    RenderChunk, attempt 1 of 1: this error is not retried\n");
    ran.warns("  meaning  The handler's ffmpeg cannot decode a video of the composition")
        .says("f N=4 #1 was not measured: render f N=4 #1 FAILED: state");
}

#[test]
fn a_right_that_is_missing_is_reported_with_the_policy() {
    let test = Test::new().fault("StartExecution", 99, Fault::Error(400, "AccessDeniedException"));
    let ran = test.smoke(&[]);
    ran.exit(4).warns("AccessDeniedException").warns("`cargo xtask lambda-policy` prints all that a run needs");
    ran.says("clean-up verified");
    // Before anything is created, the same of keys that run out.
    let test = Test::new().fault("ListBuckets", 99, Fault::Error(400, "ExpiredToken"));
    test.smoke(&[]).exit(1).warns("renew them, for example with `aws sso login`").says("nothing was created");
}

/// Renders N=2 fail, N=4 would follow: what run.json has of those that were not measured, then junit.xml and report.html.
fn after_a_failure(args: &[&str]) -> (Test, Vec<serde_json::Value>, String, String) {
    let test = logged(&[("failing", &["START RequestId: 7", "first attempt", "BOOM it broke"])]);
    let test = test.render_of(2, |render| render.end = End::Fails("BOOM", "it broke"));
    test.smoke(&[&["--chunk-counts", "2,4"], args].concat()).exit(4);
    let unmeasured = test.artifact("run.json")["verdict"]["unmeasured"].as_array().unwrap().clone();
    let read = |name: &str| std::fs::read_to_string(test.artifacts().join(name)).unwrap();
    let (junit, page) = (read("junit.xml"), read("report.html"));
    (test, unmeasured, junit, page)
}

#[test]
fn a_failed_render_keeps_its_evidence_and_the_next_one_is_not_run() {
    let (test, unmeasured, junit, page) = after_a_failure(&[]);
    let cause = "render N=2 FAILED: state RenderChunk failed with BOOM: it broke; see renders/N2-execution.json";
    assert_eq!(unmeasured[0], json!({"render": "N=2", "cause": cause}));
    assert_eq!(unmeasured[1], json!({"render": "N=4", "cause": "the run ended at N=2", "notRun": true}));
    let log = std::fs::read_to_string(test.artifacts().join("logs/N2-function.log")).unwrap();
    assert!(log.contains("failing START RequestId: 7\n") && log.contains("first attempt"), "{log}");
    assert!(page.contains("not run: the run ended at N=2") && page.contains("logs/N2-function.log"), "{page}");
    assert!(page.contains("Read the cause and the log"), "{page}");
    assert!(junit.contains("<skipped message=\"was not run: the run ended at N=2\"/>"), "{junit}");
    assert!(junit.contains("meaning: This tool does not know this error"), "{junit}");
    let markdown = std::fs::read_to_string(test.artifacts().join("report.md")).unwrap();
    assert!(markdown.contains("**not run**") && markdown.contains("**not measured**"), "{markdown}");
}

#[test]
fn with_keep_going_the_others_are_rendered_after_a_failure() {
    let (test, unmeasured, junit, _) = after_a_failure(&["--keep-going"]);
    assert_eq!((unmeasured.len(), &unmeasured[0]["render"]), (1, &json!("N=2")));
    assert_eq!(test.artifact("results.json").as_array().unwrap().len(), 1);
    assert!(test.artifacts().join("renders/N4-output.mp4").is_file() && !junit.contains("was not run"), "{junit}");
    test.assert_account_clean();
}
