//! The reports that every run ends with.

use std::fs;

use crate::support::{Ran, Test, fake_aws::End};

fn read(test: &Test, name: &str) -> String {
    fs::read_to_string(test.artifacts().join(name)).unwrap()
}

#[test]
fn a_green_run_is_reported_to_people_and_to_ci() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "2,4"]).exit(0).never_says("warning");
    let reported = read(&test, "report.md");
    assert!(
        reported.starts_with("## lambda-smoke: f\n\n**PASS** 2 of 2 renders match the baseline; clean-up verified"),
        "{reported}"
    );
    assert!(
        reported.contains("\n| 4 | 4 | 6.1 s | 0.2 s | 0.00025 | 45.48 dB | 44.25 dB (#<!-- -->59) |"),
        "{reported}"
    );
    let xml = read(&test, "junit.xml");
    assert!(xml.contains("failures=\"0\" errors=\"0\""), "{xml}");
    assert!(xml.contains("classname=\"lambda-smoke.f N=4\" name=\"render\" time=\"6.125\""), "{xml}");
}

#[test]
fn the_summary_of_a_github_step_gets_every_report() {
    let test = Test::new();
    let summary = test.artifacts().with_file_name("summary.md");
    let test = test.env("GITHUB_STEP_SUMMARY", &summary.display().to_string());
    fs::write(&summary, "earlier\n").unwrap();
    test.smoke(&[]).exit(0);
    assert_eq!(fs::read_to_string(&summary).unwrap(), format!("earlier\n{}\n", read(&test, "report.md")));
}

#[test]
fn a_github_step_shows_what_is_wrong_as_errors() {
    let test = Test::new().render_of(4, |render| render.end = End::Fails("PLAN_TOO_LARGE", "too large"));
    let test = test.env("GITHUB_ACTIONS", "true");
    let ran = test.smoke(&["--chunk-counts", "2,4"]);
    let errors = ran.exit(4).stdout.lines().filter(|line| line.starts_with("::error title=lambda-smoke::"));
    let errors: Vec<&str> = errors.collect();
    assert!(
        errors.iter().any(|line| line.contains("N=4") && line.contains("PLAN_TOO_LARGE")),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    let commands = |ran: &Ran| {
        let is_command = |line: &&str| line.starts_with("::") && !line.starts_with("::error");
        ran.stderr.lines().filter(is_command).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        commands(&ran),
        "::endgroup:: ::group::Build and deployment ::endgroup:: ::group::Renders ::endgroup:: ::endgroup:: \
         ::group::Clean-up ::endgroup::"
    );
    assert_eq!(commands(&Test::new().smoke(&[])), "");
    let passed = Test::new().env("GITHUB_ACTIONS", "true").smoke(&[]);
    assert!(!passed.exit(0).stdout.contains("::error"), "{}", passed.stdout);
}

#[test]
fn a_summary_that_cant_be_written_changes_nothing_about_the_run() {
    let test = Test::new().env("GITHUB_STEP_SUMMARY", "/nowhere/summary.md");
    let ran = test.smoke(&[]);
    ran.exit(0)
        .warns("warning: some reports of this run could not be written: GITHUB_STEP_SUMMARY /nowhere/summary.md");
}

#[test]
fn a_render_that_failed_is_an_error_with_its_cause() {
    let test = Test::new().render_of(4, |render| render.end = End::Fails("PLAN_TOO_LARGE", "too large"));
    test.smoke(&["--chunk-counts", "2,4"]).exit(4);
    let xml = read(&test, "junit.xml");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let of = |class: &str, name: &str| {
        let is = |node: &roxmltree::Node<'_, '_>| {
            node.attribute("classname") == Some(class) && node.attribute("name") == Some(name)
        };
        let case = document.descendants().find(is).unwrap_or_else(|| panic!("{class} {name} is not in\n{xml}"));
        case.children().find(roxmltree::Node::is_element).map(|inner| inner.tag_name().name().to_owned())
    };
    assert_eq!(of("lambda-smoke.f N=2", "render"), None);
    assert_eq!(of("lambda-smoke.f N=4", "render").as_deref(), Some("error"));
    assert_eq!((of("lambda-smoke", "clean-up"), of("lambda-smoke", "run").as_deref()), (None, Some("error")));
    assert!(read(&test, "report.md").contains("| 4 | - | - | - | - | - | - | - | **not measured** |"));
}

#[test]
fn a_run_that_never_rendered_is_reported_too() {
    let test = Test::new().tool("sam deploy", "exit 1");
    test.smoke(&[]).exit(3);
    assert!(read(&test, "report.md").contains("**FAIL** the run failed (exit 3)"));
    assert!(read(&test, "junit.xml").contains("<error message=\"was not measured: sam deploy"));
}
