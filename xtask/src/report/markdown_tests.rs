use proptest::prelude::*;

use super::*;
use crate::report::{
    tables::plain,
    tests::{changed, files, killed},
};

fn report_of(files: &crate::report::files::Files) -> RunReport {
    RunReport::of(files).unwrap()
}

/// A smoke run in which one render fails, one is missing, and a bucket is left.
fn failed() -> RunReport {
    let with_row = changed("smoke", "results.json", |rows| {
        rows.as_array_mut().unwrap().truncate(2);
        rows[1]["passed"] = false.into();
        rows[1]["findings"] = serde_json::json!([
            {"gate": "psnr-frame", "value": "2 below 30.00 dB", "limit": "0", "message": "frames below 30 dB: 2 <& \"more\">"},
            {"gate": "psnr-frame", "value": "again", "limit": "0", "message": "and again"},
            {"gate": "plan-protocols", "value": "x", "limit": "no difference", "message": "v1 and v2 differ in x"},
        ]);
    });
    let mut files = changed("smoke", "run.json", |run| {
        run["exitCode"] = 4.into();
        run["failure"] = "render N=4 FAILED: a | b\nsecond line <script>".into();
        run["verdict"]["outcome"] = "incomplete".into();
        run["verdict"]["findings"] =
            serde_json::json!(["N=2: frames below 30 dB: 2", "N=4 was not measured: Plan_failed"]);
        run["verdict"]["unmeasured"] = serde_json::json!([{"render": "N=4", "cause": "Plan_failed"}]);
        run["teardown"] = serde_json::json!({"outcome": "leaked", "leaks": ["bucket b"], "recovery": "cargo xtask x"});
    });
    files.add("results.json", with_row.text("results.json").map(str::to_owned));
    report_of(&files)
}

#[test]
fn the_markdown_of_runs() {
    insta::assert_snapshot!("smoke.md", markdown(&report_of(&files("smoke"))));
    insta::assert_snapshot!("eval.md", markdown(&report_of(&files("eval"))));
    insta::assert_snapshot!("sweep.md", markdown(&report_of(&files("eval-sweep"))));
    insta::assert_snapshot!("failed.md", markdown(&failed()));
    insta::assert_snapshot!("killed.md", markdown(&report_of(&killed("smoke"))));
}

#[test]
fn the_junit_xml_of_runs() {
    insta::assert_snapshot!("smoke.xml", junit(&report_of(&files("smoke"))));
    insta::assert_snapshot!("failed.xml", junit(&failed()));
    insta::assert_snapshot!("killed.xml", junit(&report_of(&killed("eval-sweep"))));
}

/// The counts in the attributes of a suite, and the counts of its cases.
fn counts(xml: &str) -> ([usize; 4], [usize; 4]) {
    let document = roxmltree::Document::parse(xml).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    let stated = |name: &str| suite.attribute(name).unwrap().parse().unwrap();
    let with = |tag: &str| {
        let cases = suite.children().filter(|case| case.has_tag_name("testcase"));
        cases.filter(|case| case.children().any(|child| child.has_tag_name(tag))).count()
    };
    let cases = suite.children().filter(|case| case.has_tag_name("testcase")).count();
    (
        [stated("tests"), stated("failures"), stated("errors"), stated("skipped")],
        [cases, with("failure"), with("error"), with("skipped")],
    )
}

#[test]
fn the_counts_are_those_of_the_cases() {
    for name in ["smoke", "eval", "eval-sweep"] {
        let (stated, found) = counts(&junit(&report_of(&files(name))));
        assert_eq!(stated, found);
        assert_eq!((found[1], found[2]), (0, 0), "{name}");
    }
    let (stated, found) = counts(&junit(&failed()));
    assert_eq!(stated, found);
    assert_eq!((found[1], found[2]), (3, 2));
}

/// A reader of the XML alone must not mistake a failed run for a passed one.
#[test]
fn all_cases_pass_if_and_only_if_the_run_did() {
    let codes = [(Some(0), 0), (Some(4), 1), (Some(7), 1), (Some(130), 1), (None, 1)];
    for (code, red) in codes {
        let (_, found) = counts(&junit(&report_of(&changed("eval", "run.json", |run| run["exitCode"] = code.into()))));
        assert_eq!(found[1] + found[2], red, "{code:?}");
    }
}

#[test]
fn every_finding_is_a_failure_with_value_and_limit() {
    let xml = junit(&failed());
    let document = roxmltree::Document::parse(&xml).unwrap();
    let failures: Vec<_> = document.descendants().filter(|node| node.has_tag_name("failure")).collect();
    let of_frames: Vec<_> = failures.iter().filter(|node| node.attribute("type") == Some("psnr-frame")).collect();
    assert_eq!(of_frames.len(), 2);
    assert_eq!(of_frames[0].attribute("message"), Some("frames below 30 dB: 2 <& \"more\">"));
    assert_eq!(of_frames[0].text(), Some("value: 2 below 30.00 dB\nlimit: 0"));
}

#[test]
fn a_table_has_as_many_cells_in_each_line() {
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for name in ["smoke", "eval", "eval-sweep"] {
        let text = markdown(&report_of(&changed(name, "run.json", |run| run["failure"] = "a | b".into())));
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert!(table.len() > 2 && table.iter().all(|line| cells(line) == cells(table[0])), "{text}");
    }
}

#[test]
fn a_step_summary_is_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("summary.md");
    std::fs::write(&file, "before\n").unwrap();
    append_step_summary(&Env::default(), "nowhere").unwrap();
    let env = Env::from([(STEP_SUMMARY, file.to_str().unwrap())]);
    append_step_summary(&env, "after").unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before\nafter\n");
    let nowhere = dir.path().join("no/summary.md");
    assert!(append_step_summary(&Env::from([(STEP_SUMMARY, nowhere.to_str().unwrap())]), "x").is_err());
}

proptest! {
    #[test]
    fn any_text_makes_well_formed_xml(text in ".*", gate in "[a-z-]{1,9}") {
        let files = changed("smoke", "results.json", |rows| {
            rows[0]["findings"] = serde_json::json!([{"gate": gate, "value": text, "limit": text, "message": text}]);
        });
        let xml = junit(&report_of(&files));
        prop_assert!(roxmltree::Document::parse(&xml).is_ok(), "{xml}");
    }

    #[test]
    fn any_text_stays_in_its_cell(text in ".*") {
        let shown = plain(&text);
        let shown = shown.replace("<!-- -->", "");
        prop_assert!(!shown.contains(['\n', '<', '>']) && shown.replace("\\\\", "").replace("\\|", "").matches('|').count() == 0);
    }
}
