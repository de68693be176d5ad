//! `lambda-report`: reports remade, and two runs side by side.

use std::fs;

use insta::assert_snapshot;

use crate::support::{
    Ran, Test,
    fake_aws::{End, Fault},
};

/// A run whose executions take `longer` s more than usual, in a folder of this name next to the artifacts.
fn smoke(test: Test, folder: &str, longer: f64) -> Test {
    let test = test.render(|render| render.ended = 1_700_000_006.375 + longer);
    let artifacts = test.artifacts().with_file_name(folder).display().to_string();
    test.smoke(&["--artifacts", &artifacts, "--chunk-counts", "2,4", "--stack-name", folder]).exit(0);
    test
}

fn report(test: &Test, folder: &str, args: &[&str]) -> Ran {
    let path = |name: &str| test.artifacts().with_file_name(name).display().to_string();
    let args =
        args.iter().map(|arg| if arg.starts_with("--") || arg.contains('%') { (*arg).to_owned() } else { path(arg) });
    let args: Vec<String> = ["lambda-report".to_owned(), path(folder)].into_iter().chain(args).collect();
    test.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn regenerated_reports_are_unchanged() {
    let test = smoke(Test::new(), "now", 0.0);
    let file = |name: &str| test.artifacts().with_file_name("now").join(name);
    let read = || ["report.md", "junit.xml"].map(|name| fs::read_to_string(file(name)).unwrap());
    let made = read();
    ["report.md", "junit.xml"].iter().for_each(|name| fs::remove_file(file(name)).unwrap());
    report(&test, "now", &[]).exit(0).says("regenerated the reports in <dir>/now");
    assert_eq!(read(), made);
}

#[test]
fn without_an_argument_the_newest_run_is_meant() {
    let test = Test::new();
    test.run(&["lambda-report"]).exit(1).warns("error: there is no run in <dir>/repository/lambda-smoke-artifacts yet");
    let args = ["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2", "--endpoint-url"];
    test.run(&[&args[..], &[&test.aws.endpoint]].concat()).exit(0);
    test.run(&["lambda-report"]).exit(0).says("regenerated the reports in <dir>/repository/lambda-smoke-artifacts");
}

#[test]
fn a_slower_run_exceeds_the_limit_and_a_faster_one_does_not() {
    let test = smoke(smoke(Test::new(), "before", 0.0), "now", 1.5);
    let ran = report(&test, "now", &["--compare", "before", "--max-regression", "10%"]);
    assert_snapshot!(ran.exit(0).stdout);
    let read = |name: &str| fs::read_to_string(test.artifacts().with_file_name("now").join(name)).unwrap();
    let (text, page, junit) = (read("report.md"), read("report.html"), read("junit.xml"));
    assert!(text.contains("\n\n### This run compared with the earlier run\n\n**UNDECIDED** "), "{text}");
    assert!(page.contains("Compared with the earlier run") && page.contains("UNDECIDED"), "{page}");
    let case = r#"classname="lambda-smoke.compared with the earlier run" name="f N=2""#;
    assert!(junit.contains(case) && junit.contains("<skipped message=\"UNDECIDED "), "{junit}");
    report(&test, "now", &["--compare", "before"]).exit(0);
    assert!(read("junit.xml").contains("<system-out>before: 6.1 s, now: 7.6 s, wall clock: +24.5 %"), "{junit}");
    report(&test, "now", &["--compare", "before", "--max-regression", "50%"]).exit(0).says("PASS  none of 2");
    report(&test, "before", &["--compare", "now", "--max-regression", "0%"]).exit(0).says("-19.7 %");
}

#[test]
fn four_samples_of_each_show_that_a_run_is_slower() {
    let eval = |test: Test, folder: &str, longer: f64| {
        let test = test.render(|render| render.ended = 1_700_000_006.375 + longer);
        let artifacts = test.artifacts().with_file_name(folder).display().to_string();
        let args = ["--iterations", "4", "--chunk-counts", "2", "--skip-local", "--stack-name", folder];
        test.eval(&[&args[..], &["--artifacts", &artifacts]].concat()).exit(0);
        test
    };
    let test = eval(eval(Test::new(), "before", 0.0), "now", 1.5);
    let ran = report(&test, "now", &["--compare", "before", "--max-regression", "10%"]);
    ran.exit(5).says("(significant (p <= 0.05))").says("FAIL  1 regression of more than 10 % in 1 comparison (exit 5)");
    let junit = fs::read_to_string(test.artifacts().with_file_name("now").join("junit.xml")).unwrap();
    assert!(junit.contains("<failure type=\"max-regression\""), "{junit}");
}

#[test]
fn a_worse_picture_is_a_regression_by_a_single_sample() {
    // 0.5 dB less, which passes the gates.
    let worse = crate::support::video::Video::levels(&[("43.750000", 60)]).bytes();
    let before = crate::support::video::Video::levels(&[("44.250000", 60)]).bytes();
    let test = smoke(Test::new().render(|render| render.video = before), "before", 0.0);
    let test = smoke(test.render(|render| render.video = worse), "now", 0.0);
    let ran = report(&test, "now", &["--compare", "before", "--max-regression", "10%"]);
    ran.exit(5).says("f N=2: less like the baseline in its PSNR, 44.25 dB before, 43.75 dB now: +12.2 %, allowed 10 %");
    report(&test, "now", &["--compare", "before", "--max-regression", "13%"]).exit(0).says("PASS");
    report(&test, "before", &["--compare", "now", "--max-regression", "0%"]).exit(0).says("PASS");
}

#[test]
fn a_killed_run_has_reports_too() {
    let test = Test::new().fault("DescribeExecution", 1, Fault::Signal(rustix::process::Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    report(&test, "artifacts", &[]).exit(0);
    let text = fs::read_to_string(test.artifacts().join("report.md")).unwrap();
    assert!(text.contains("**UNFINISHED**") && text.contains("| **not measured** |"), "{text}");
}

#[test]
fn a_comparison_goes_to_the_summary_of_a_github_step_without_the_report() {
    let test = smoke(smoke(Test::new(), "before", 0.0), "now", 0.0);
    let summary = test.artifacts().with_file_name("summary.md");
    let test = test.env("GITHUB_STEP_SUMMARY", &summary.display().to_string());
    report(&test, "now", &[]).exit(0);
    assert!(!summary.exists());
    report(&test, "now", &["--compare", "before"]).exit(0);
    assert!(fs::read_to_string(&summary).unwrap().starts_with("### This run compared with the earlier run\n\n|"));
}

#[test]
fn a_file_that_was_tampered_with_is_named_with_its_line() {
    let test = smoke(Test::new(), "now", 0.0);
    let results = test.artifacts().with_file_name("now").join("results.json");
    let text = fs::read_to_string(&results).unwrap().replace("\"wallClockMs\": 6125", "\"wallClockMs\": \"6 s\"");
    fs::write(&results, text).unwrap();
    let ran = report(&test, "now", &[]);
    ran.exit(1)
        .warns("<dir>/now: results.json was not written by this tool: at `\"wallClockMs\": \"6 s\",`: invalid type");
}

#[test]
fn nothing_to_compare_is_never_a_pass() {
    let test = smoke(Test::new(), "now", 0.0);
    let other = test.artifacts().with_file_name("other").display().to_string();
    test.smoke(&["--artifacts", &other, "--chunk-counts", "8"]).exit(0);
    for args in [&["--compare", "other"][..], &["--compare", "other", "--max-regression", "99%"]] {
        report(&test, "now", args)
            .exit(1)
            .warns("error: nothing was compared: the runs have no fixture with the same chunk count")
            .never_says("PASS");
    }
    report(&test, "now", &["--compare", "now"]).exit(1).warns("is of run <run> too; name an earlier run");
    report(&test, "now", &["--compare", "nowhere"]).exit(1).warns("<dir>/nowhere is neither a folder nor a run");
    report(&test, "nowhere", &[]).exit(1).warns("the artifacts in <dir>/nowhere");
}

#[test]
fn a_missing_render_does_not_pass_as_not_slower() {
    let test = smoke(Test::new(), "before", 0.0).render_of(4, |render| render.end = End::Fails("E", "broken"));
    let now = test.artifacts().with_file_name("now").display().to_string();
    test.smoke(&["--artifacts", &now, "--chunk-counts", "2,4"]).exit(4);
    let ran = report(&test, "now", &["--compare", "before", "--max-regression", "10%"]);
    ran.exit(4).warns("renders that were not measured in this run: 1 (N=4: ").never_says("PASS");
}

#[test]
fn a_run_that_fails_its_own_gates_does_not_pass_as_not_slower() {
    let ruined = crate::support::video::Video::levels(&[("20.000000", 60)]).bytes();
    let test = Test::new().render_of(4, |render| render.video = ruined);
    for folder in ["before", "now"] {
        let artifacts = test.artifacts().with_file_name(folder).display().to_string();
        test.smoke(&["--artifacts", &artifacts, "--chunk-counts", "2,4"]).exit(5);
    }
    let ran = report(&test, "now", &["--compare", "before", "--max-regression", "99%"]);
    ran.exit(5).says("FAIL  none is worse for sure, and the run itself did not pass: FAIL ").never_says("PASS");
}

#[test]
fn earlier_runs_stay_and_are_listed_and_compared_with() {
    let test = Test::new();
    let args = ["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2", "--endpoint-url"];
    let args = [&args[..], &[&test.aws.endpoint]].concat();
    let folder = test.repository.root().join("lambda-smoke-artifacts");
    let id = || {
        let run = fs::read(folder.join("run.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&run).unwrap()["runId"].as_str().unwrap().to_owned()
    };
    test.run(&["lambda-history"]).exit(0).says("there is no run yet");
    test.run(&args).exit(0);
    let first = id();
    // It is refused before it has anything to write.
    test.run(&[&args[..], &["--stack-name", "-"]].concat()).exit(1);
    assert_eq!(id(), first);
    // A second that its folder's name can show.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    test.run(&args).exit(0);
    let ran = test.run(&["lambda-history"]);
    let listed: Vec<&str> = ran.exit(0).stdout.lines().skip(1).collect();
    assert!(listed.len() == 2 && listed.iter().all(|line| line.contains("PASS")), "{}", ran.stdout);
    let mut moved = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let moved = moved.next().unwrap();
    assert!(moved.to_str().unwrap().ends_with(&first) && moved.join("renders/N2-output.mp4").is_file(), "{moved:?}");
    assert_eq!(test.run(&["lambda-history", "--json"]).exit(0).stdout.matches("\"verdict\": \"PASS\"").count(), 2);
    assert_eq!(test.run(&["lambda-history", "--csv"]).exit(0).stdout.lines().count(), 3);
    let page = test.repository.root().join("trends.html");
    test.run(&["lambda-history", "--html", page.to_str().unwrap()]).exit(0);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("lambda-smoke f, an emulator") && page.matches("<circle").count() == 6, "{page}");
    for before in ["previous", &first[..6], moved.to_str().unwrap()] {
        let ran = test.run(&["lambda-report", "--compare", before, "--max-regression", "1000%"]);
        ran.exit(0).says("PASS  none of 1");
    }
    test.run(&["lambda-report", "--compare", "nope"]).exit(1).warns("nope is neither a folder nor a run");
    test.run(&["lambda-report", moved.to_str().unwrap(), "--compare", "latest"]).exit(0);
}
