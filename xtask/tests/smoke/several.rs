//! Several fixtures in one run, on one stack.

use serde_json::{Value, json};

use crate::support::{Test, fake_aws::End, video::Video};

const BOTH: [&str; 2] = ["--fixtures", "f,other-fixture"];

fn fixture_f_fails() -> Test {
    Test::new().render_of_fixture("f", |render| render.end = End::Fails("BOOM", "it broke"))
}

fn read(test: &Test, name: &str) -> String {
    std::fs::read_to_string(test.artifacts().join(name)).unwrap()
}

/// How often the run had this stage.
fn stages(test: &Test, stage: &str) -> usize {
    let run = test.artifact("run.json");
    run["stages"].as_array().unwrap().iter().filter(|timing| timing["stage"] == stage).count()
}

#[test]
fn one_stack_serves_all_fixtures_and_each_render_has_a_row() {
    let test = Test::new();
    let ran = test.smoke(&[&BOTH[..], &["--chunk-counts", "2,4"]].concat());
    ran.exit(0).says("PASS  4 of 4 renders match the baseline; clean-up verified, 7 resources gone");
    ran.warns("f N=2: 2 chunks in").warns("other-fixture N=4: 4 chunks in");
    assert_eq!((stages(&test, "deploy"), stages(&test, "baseline")), (1, 1));
    let results = test.artifact("results.json");
    let rows: Vec<(&Value, &Value)> =
        results.as_array().unwrap().iter().map(|row| (&row["fixture"], &row["chunkCount"])).collect();
    let expected = [(json!("f"), json!(2)), (json!("f"), json!(4)), (json!("other-fixture"), json!(2))];
    assert_eq!(rows[..3], expected.each_ref().map(|(fixture, count)| (fixture, count)));
    // The second render of a fixture is compared with its first, not with another fixture's.
    let unlike = |nth: usize| &results[nth]["picture"]["framesUnlikeFirst"];
    assert_eq!([unlike(0), unlike(1), unlike(2), unlike(3)], [&json!(null), &json!(0), &json!(null), &json!(0)]);
    assert!(test.artifacts().join("renders/other-fixture-N4-output.mp4").is_file());
    let fixtures = test.artifact("run.json")["fixtures"].clone();
    assert_eq!(fixtures.as_object().unwrap().keys().collect::<Vec<_>>(), ["f", "other-fixture"]);
    assert!(read(&test, "report.md").contains("\n| other-fixture | 4 |"), "{}", read(&test, "report.md"));
    assert!(read(&test, "junit.xml").contains("classname=\"lambda-smoke.other-fixture N=4\" name=\"render\""));
    test.assert_account_clean();
    // The next run is compared with it, and its estimate is by what these renders took.
    test.smoke(&[&BOTH[..], &["--dry-run"]].concat()).exit(0).says("other-fixture N=2: 60 frames").says("results.json");
    test.smoke(&BOTH).exit(0);
    let artifacts = test.artifacts().display().to_string();
    test.run(&["lambda-report", &artifacts, "--compare", "previous"]).exit(0).says("other-fixture N=2");
}

#[test]
fn a_render_that_fails_leaves_those_of_other_fixtures() {
    let test = fixture_f_fails();
    let ran = test.smoke(&BOTH);
    ran.exit(4).warns("error: render f N=2 FAILED").says("FAIL  not every planned render was measured (exit 4)");
    let unmeasured = test.artifact("run.json")["verdict"]["unmeasured"].clone();
    assert_eq!((unmeasured.as_array().unwrap().len(), &unmeasured[0]["render"]), (1, &json!("f N=2")));
    let rows = test.artifact("results.json");
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["fixture"]), (1, &json!("other-fixture")));
    let (markdown, junit, page) = (read(&test, "report.md"), read(&test, "junit.xml"), read(&test, "report.html"));
    assert!(markdown.contains("| f | 2 |") && markdown.contains("| other-fixture | 2 |"), "{markdown}");
    assert!(junit.contains("classname=\"lambda-smoke.f N=2\"") && junit.contains("error: BOOM"), "{junit}");
    assert!(page.contains("not measured: render f N=2 FAILED") && page.contains("f-N2-execution.json"), "{page}");
    test.assert_account_clean();
}

#[test]
fn metrics_are_rewritten_for_each_fixture_whose_renders_pass() {
    let test = Test::new();
    let worse = Video::levels(&[("20.000000", 60)]);
    let test = test.render_of_fixture("f", |render| render.video = worse.bytes());
    test.smoke(&[&BOTH[..], &["--update-expected"]].concat())
        .exit(5)
        .warns("the known-good metrics are not rewritten, because not all renders of f pass");
    let known = |fixture: &str| test.repository.root().join("fixtures").join(fixture).join("known-good.json");
    assert!(!known("f").exists() && known("other-fixture").is_file());
}

#[test]
fn both_protocols_are_compared_within_each_fixture() {
    let other = Video { mark: "11", ..Video::default() };
    let test = Test::new().render_of_fixture("f", |render| render.video = other.bytes());
    test.smoke(&[&BOTH[..], &["--plan-protocol", "both"]].concat()).exit(0);
    let compared = test.artifact("semantic-comparisons.json");
    let fixtures: Vec<&Value> = compared.as_array().unwrap().iter().map(|one| &one["fixture"]).collect();
    assert_eq!(fixtures, [&json!("f"), &json!("other-fixture")]);
}

#[test]
fn fixtures_are_chosen_by_name_by_tag_or_all() {
    let test = Test::new().fixture_file("meta.json", r#"{"tags": ["quick"], "renderConfig": {"fps": 30}}"#);
    let nothing = |args: &[&str], reported: &str| {
        test.smoke(args).exit(1).warns(reported);
        assert!(test.aws.calls().is_empty(), "{args:?}");
    };
    nothing(&["--fixtures", "f,other-fixtur"], "there is no fixture \"other-fixtur\"; did you mean other-fixture?");
    nothing(&["--tag", "slow"], "no fixture has the tag \"slow\"; there are: quick");
    nothing(
        &["--fixtures", "all", "--tag", "quick"],
        "the argument '--fixtures <NAME,..>' cannot be used with '--tag <TAG>'",
    );
    let planned = |args: &[&str]| test.run(&[&["lambda-smoke", "--dry-run", "--chunk-counts", "2"], args].concat());
    planned(&["--fixtures", "all"]).exit(0).says("f N=2: 60 frames").says("other-fixture N=2: 60 frames");
    planned(&["--tag", "quick"]).exit(0).says("  N=2: 60 frames").never_says("other-fixture");
    test.run(&["lambda-eval", "--dry-run", "--tag", "quick"])
        .exit(0)
        .says("f N=4, 3 times")
        .never_says("other-fixture");
    let wrong = test.fixture_file("meta.json", r#"{"tags": "quick"}"#);
    let ran = wrong.run(&["lambda-smoke", "--dry-run", "--tag", "quick"]);
    ran.exit(1).warns("tags is \"quick\": it must be a list of words");
    let hdr = wrong.fixture_file("meta.json", r#"{"renderConfig": {"hdr": true}}"#);
    let ran = hdr.run(&["lambda-smoke", "--dry-run", "--fixtures", "all"]);
    ran.exit(0).says("note: fixture f is left out: renderConfig.hdr is true").says("  N=2: 60 frames");
}

#[test]
fn the_executions_of_fixtures_differ_in_name() {
    let test = Test::new();
    test.smoke(&[&BOTH[..], &["--jobs", "2"]].concat()).exit(0);
    let results = test.artifact("results.json");
    let arn = |nth: usize| results[nth]["executionArn"].as_str().unwrap().to_owned();
    assert!(arn(0).contains("smoke-f-N2-") && arn(1).contains("smoke-other-fixture-N2-"), "{} {}", arn(0), arn(1));
}

#[test]
fn what_failed_or_was_not_run_is_repeated_alone() {
    let fails = End::Fails("BOOM", "it broke");
    let test = Test::new().nth_render(2, |render| render.end = fails);
    test.smoke(&[&BOTH[..], &["--chunk-counts", "2,4"]].concat()).exit(4);
    let failed = test.artifact("run.json")["runId"].clone();
    let planned = test.smoke(&["--rerun-failed", "--dry-run"]);
    planned.exit(0).says("  N=4: 60 frames in 4 chunks").never_says("N=2").never_says("other-fixture");
    let ran = test.smoke(&["--rerun-failed"]);
    ran.exit(0)
        .warns("note: repeating renders of run")
        .warns(": f N=4\n")
        .says("PASS  1 of 1 renders match the baseline");
    let run = test.artifact("run.json");
    assert_eq!((&run["repeats"], &run["fixture"], &run["chunkCounts"]), (&failed, &json!("f"), &json!([4])));
    assert!(read(&test, "report.html").contains("Repeats what did not pass in"));
    // Nothing is left to repeat of the latest run; of the one before, there still is.
    let calls = test.aws.calls().len();
    test.smoke(&["--rerun-failed"]).exit(1).warns("--rerun-failed: every render of run").warns(" passed");
    test.smoke(&["--rerun-failed", "nobody"]).exit(1).warns("nobody is neither a folder nor a run");
    let both = test.smoke(&["--rerun-failed", "--fixtures", "f"]);
    both.exit(1).warns("the argument '--rerun-failed [<RUN>]' cannot be used with '--fixtures <NAME,..>'");
    assert_eq!(test.aws.calls().len(), calls);
    test.smoke(&["--rerun-failed", failed.as_str().unwrap()]).exit(0).warns(": f N=4\n");
    test.assert_account_clean();
}

#[test]
fn renders_of_several_fixtures_that_did_not_pass_are_repeated_each_at_its_own_counts() {
    let worse = Video::levels(&[("20.000000", 60)]);
    let test = Test::new().nth_render(1, |render| render.video = worse.bytes());
    let test = test.nth_render(4, |render| render.end = End::Fails("BOOM", "it broke"));
    test.smoke(&[&BOTH[..], &["--chunk-counts", "2,4"]].concat()).exit(4);
    test.smoke(&["--rerun-failed"]).exit(0).warns(": f N=2, other-fixture N=4\n").says("PASS  2 of 2 renders");
    let results = test.artifact("results.json");
    let rows: Vec<(&Value, &Value)> =
        results.as_array().unwrap().iter().map(|row| (&row["fixture"], &row["chunkCount"])).collect();
    assert_eq!(rows, [(&json!("f"), &json!(2)), (&json!("other-fixture"), &json!(4))]);
    // If a run was refused before its first render, everything is repeated.
    let test = Test::new().tool("sam deploy", "exit 1");
    test.smoke(&[&BOTH[..], &["--chunk-counts", "2,4"]].concat()).exit(3);
    let planned = test.smoke(&["--rerun-failed", "--dry-run"]);
    planned.exit(0).says("f N=2: ").says("f N=4: ").says("other-fixture N=2: ").says("other-fixture N=4: ");
}
