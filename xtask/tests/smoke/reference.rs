//! `--reference`: renders that are compared with the in-process render as well.

use serde_json::json;

use crate::support::{
    Ran, Test,
    frames::{Frames, name, png},
};

/// Sixty frames of this gray.
fn gray(level: u8) -> Frames {
    (0..60).fold(Frames::of(60), |frames, i| frames.with(name(i), png(level, "")))
}

/// A fixture that accepts 25 dB, with a baseline that another renderer made 8 levels brighter.
fn world() -> Test {
    let test = Test::new().sequence(&gray(128)).in_process(&gray(120)).delivers(&gray(120));
    test.fixture_file("meta.json", r#"{"minPsnr":25,"renderConfig":{"fps":30,"format":"png-sequence"}}"#)
}

fn smoke(test: &Test, reference: &str) -> Ran {
    let ran = test.smoke(&["--reference", reference, "--chunk-counts", "2"]);
    test.assert_account_clean();
    ran
}

#[test]
fn a_baseline_of_another_renderer_is_accepted_where_the_in_process_render_is_reached() {
    let test = world();
    smoke(&test, "committed").exit(5).says("N=2: the whole of plane ");
    let ran = smoke(&test, "rendered");
    ran.exit(0).warns("reference rendering f in-process as png-sequence");
    ran.says("note: accepted, because the fixture requires only 25 dB: the whole of plane ");
    ran.says("note: the fixture requires only 25 dB, which hides damage: this render has 30.1 dB and would allow 29");
    assert_eq!(test.artifact("results.json")[0]["findings"], json!([]));
    assert!(test.files().iter().any(|file| file == "renders/in-process-f/frame_000060.png"));
}

#[test]
fn what_differs_from_the_in_process_render_fails() {
    // As far from the in-process render as that is from the baseline.
    let test = world().delivers(&gray(128));
    smoke(&test, "committed").exit(0);
    smoke(&test, "rendered").exit(5).says("N=2: compared with the in-process render, the whole of plane ");
    let row = &test.artifact("results.json")[0];
    let findings = row["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["comparedWith"] == "in-process"), "{findings:?}");
    assert_eq!(row["worstFrameImages"]["comparedWith"], "in-process");
    let page = std::fs::read_to_string(test.artifacts().join("report.html")).unwrap();
    assert!(page.contains("In-process render</figcaption>"));
}

#[test]
fn what_is_accepted_of_the_baseline_hides_nothing() {
    // Darker than the in-process render by as much as that is darker than the baseline: both findings are alike.
    let test = world().delivers(&gray(112));
    smoke(&test, "rendered").exit(5).says("N=2: compared with the in-process render, the whole of plane ");
}

#[test]
fn a_fixture_with_a_high_threshold_is_held_to_both() {
    let test = world().fixture_file("meta.json", r#"{"minPsnr":40,"renderConfig":{"fps":30,"format":"png-sequence"}}"#);
    let ran = smoke(&test, "rendered");
    ran.exit(5).says("N=2: the whole of plane ");
    assert!(!ran.stdout.contains("in-process"), "{}", ran.stdout);
}

#[test]
fn by_default_a_fixture_without_known_good_metrics_is_held_to_what_this_machine_renders() {
    let test = world();
    // Without the renderer's tools, the baseline decides alone.
    let ran = smoke(&test, "auto");
    ran.exit(5);
    assert!(!ran.stderr.contains("reference"), "{}", ran.stderr);
    smoke(&test, "rendered").exit(0);
    smoke(&test, "auto").exit(0).warns("reference rendering f");
}

#[test]
fn a_machine_that_cant_render_is_warned_of_by_default_and_refused_on_demand() {
    let test = world();
    smoke(&test, "rendered").exit(0);
    std::fs::remove_dir_all(test.tools.in_process()).unwrap();
    smoke(&test, "auto").exit(5).warns("warning: without a reference: the in-process renderer ");
    smoke(&test, "rendered").exit(4).warns("error: the in-process renderer succeeded but did not write ");
}
