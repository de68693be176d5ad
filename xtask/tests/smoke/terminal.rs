//! Live lines: what a terminal shows while a run goes on, and in the end.

use std::io::Read;

use rustix::process::Signal;

use crate::support::{Recording, Test, fake_aws::Fault};

/// A run that takes its time where it has something to show.
fn slow() -> Test {
    let line = "printf 'CREATE_IN_PROGRESS\\t漢字 \\033[32mAWS::Lambda::Function\\033[0m %s\\n'";
    let far = "x".repeat(150);
    Test::new()
        .env("TERM", "xterm-256color")
        .tool("sam validate", "sleep 0.4")
        .tool("sam deploy", &format!("for i in 1 2 3 4 5; do {line} $i-{far}; sleep 0.2; done"))
        .render(|render| render.polls = 25)
}

/// What a run of `test` prints where there is no terminal.
fn expected(test: &Test) -> Vec<String> {
    test.smoke_into_one_pipe(&[])
}

/// Whether a line is the run's or an activity's, which change, and not one that stays.
fn is_live(line: &str) -> bool {
    line.starts_with("   ") && line.contains("s  ") || line.starts_with('[') && line.contains("s] run       ")
}

/// Asserts at every moment that the screen has the permanent lines so far, each once
/// and in order, and below them live lines that don't wrap; and in the end all lines.
#[track_caller]
fn assert_never_torn(test: &Test, recording: &Recording, expected: &[String], reflows: bool) {
    let mut moments = 0;
    let screen = recording.replay(reflows, |screen, columns| {
        let lines = screen.lines();
        let is_next = |((line, _), expected): &(&(String, usize), &String)| test.redact(line) == **expected;
        let permanent = lines.iter().zip(expected).take_while(is_next).count();
        assert!(lines.len() > permanent, "nothing is live\n{lines:#?}");
        for (line, rows) in &lines[permanent..] {
            assert!(is_live(line), "no live line: {line:?}\n{lines:#?}");
            assert_eq!(*rows, 1, "{line:?} wraps at {columns}");
        }
        moments += 1;
    });
    assert!(moments > 20, "only {moments} moments were seen");
    let lines: Vec<String> = screen.lines().iter().map(|(line, _)| test.redact(line)).collect();
    assert_eq!(lines, expected);
    assert!(screen.is_restored());
}

#[test]
fn at_any_width_the_screen_ends_as_a_pipe_would() {
    let expected = expected(&slow());
    for columns in [80, 200] {
        let test = slow();
        let run = test.smoke_on_terminal(columns, &[]);
        let (status, recording) = run.finish();
        assert_eq!(status, Some(0));
        assert_never_torn(&test, &recording, &expected, true);
    }
}

#[test]
fn a_terminal_may_be_resized_whether_it_breaks_lines_or_cuts_them() {
    let expected = expected(&slow());
    for reflows in [true, false] {
        let test = if reflows { slow() } else { slow().env("XTERM_VERSION", "XTerm(379)") };
        let run = test.smoke_on_terminal(200, &[]);
        run.wait_for("CREATE_IN_PROGRESS");
        run.resize(60);
        run.wait_for("chunks,");
        run.resize(120);
        let (status, recording) = run.finish();
        assert_eq!(status, Some(0));
        let reported = "a terminal that cuts lines cuts permanent ones too";
        if reflows {
            assert_never_torn(&test, &recording, &expected, reflows);
        } else {
            let screen = recording.replay(reflows, |_, _| {});
            let lines: Vec<String> = screen.lines().iter().map(|(line, _)| test.redact(line)).collect();
            assert!(lines.len() >= expected.len() && screen.is_restored(), "{reported}: {lines:#?}");
        }
    }
}

#[test]
fn what_goes_on_is_shown_with_its_progress() {
    let test = slow();
    let (status, recording) = test.smoke_on_terminal(120, &[]).finish();
    assert_eq!(status, Some(0));
    let mut all = String::new();
    recording.replay(true, |screen, _| {
        let live = screen.lines().into_iter().map(|(line, _)| line).filter(|line| is_live(line));
        live.for_each(|line| all += &format!("{line}\n"));
    });
    for shown in [
        "deploy    CREATE_IN_PROGRESS 漢字 AWS::Lambda::Function 1-xxx",
        "/2 chunks, ",
        "/60 frames, ",
        "run       Build and deployment",
        "] Renders: 0 of 1",
        "] Renders: 1 of 1",
        "run       Clean-up",
        "validate  sam validate",
    ] {
        assert!(all.contains(shown), "{shown:?} was never shown in\n{all}");
    }
    let calls = test.aws.calls();
    let asked = calls.iter().filter(|call| *call == "GetExecutionHistory").count();
    assert!((2..8).contains(&asked), "GetExecutionHistory was called {asked} times");
}

#[test]
fn a_table_that_is_wider_than_the_terminal_becomes_two() {
    let test = Test::new().env("TERM", "xterm");
    let (status, recording) = test.smoke_on_terminal(60, &[]).finish();
    assert_eq!(status, Some(0));
    let lines = recording.replay(true, |_, _| {}).lines();
    let begins: Vec<_> = lines.iter().filter(|(line, _)| line.starts_with("chunks  ")).collect();
    assert!(begins.len() == 2 && begins.iter().all(|(_, rows)| *rows == 1), "{begins:?}");
    assert!(begins[1].0.ends_with("  audio"), "{begins:?}");
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let test = slow();
    let run = test.smoke_on_terminal(80, &[]);
    run.wait_for("CREATE_IN_PROGRESS");
    run.send(Signal::INT);
    let (status, recording) = run.finish();
    assert_eq!(status, Some(130));
    let screen = recording.replay(true, |_, _| {});
    assert!(screen.is_restored());
    let lines: Vec<String> = screen.lines().into_iter().map(|(line, _)| line).collect();
    assert!(!lines.iter().any(|line| is_live(line)), "{lines:#?}");
    test.assert_account_clean();
}

#[test]
fn where_lines_can_t_change_there_are_none_that_do() {
    for (name, value) in [("TERM", "dumb"), ("CI", "true")] {
        let test = Test::new().env("TERM", "xterm").env(name, value).render(|render| render.polls = 8);
        let run = test.smoke_on_terminal(80, &["--color", "never"]);
        let (status, recording) = run.finish();
        assert_eq!(status, Some(0));
        let mut moments = 0;
        recording.replay(true, |_, _| moments += 1);
        assert_eq!(moments, 0, "{name}={value}");
        let asked = test.aws.calls().iter().filter(|call| *call == "GetExecutionHistory").count();
        assert_eq!(asked, 4, "the history is read once, in the end: 22 events on pages of 7");
    }
}

#[test]
fn an_upload_that_is_shown_arrives_whole_also_at_the_second_try() {
    let big = vec![b'x'; 300 << 10];
    let noise: Vec<u8> = big
        .iter()
        .scan(7u32, |state, _| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 24) as u8)
        })
        .collect();
    let test = Test::new().env("TERM", "xterm").fixture_file("src/noise.bin", noise).fault(
        "PutObject",
        1,
        Fault::Error(500, "InternalError"),
    );
    let (status, _) = test.smoke_on_terminal(100, &["--keep-stack"]).finish();
    assert_eq!(status, Some(0));
    let account = test.aws.account();
    let objects = account.buckets.values().flat_map(|bucket| &bucket.objects);
    let uploaded = objects.filter(|((key, _), _)| key == "projects/f.tar.gz").find_map(|(_, bytes)| bytes.clone());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&uploaded.unwrap()[..]).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked.len() > 300 << 10, "{} bytes", unpacked.len());
}
