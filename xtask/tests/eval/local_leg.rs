//! The in-process renderer on this machine.

use serde_json::json;

use crate::support::{Test, video::Video};

/// A world whose in-process renderer makes this video.
fn world(video: &Video) -> Test {
    let test = Test::new();
    std::fs::write(test.tools.in_process(), video.bytes()).unwrap();
    test
}

#[test]
fn both_speed_ups_are_reported() {
    let test = world(&Video::default()).tool("node render", "sleep 0.3");
    let ran = test.eval(&["--iterations", "2"]);
    ran.exit(0).warns("local     f #1: in-process on this machine").warns("1.2 s of it in the renderer");
    let results = test.artifact("results.json");
    let case = &results["cases"][0];
    let local = case["localMs"]["median"].as_f64().unwrap();
    assert!(local >= 300.0, "{case}");
    assert_eq!(case["localRendererMs"]["median"], 1200.0);
    let ratio = |key: &str| case[key]["ratio"].as_f64().unwrap();
    assert!(
        (ratio("speedup") - local / 6125.0).abs() < 1e-9 && (ratio("rendererSpeedup") - 1200.0 / 6125.0).abs() < 1e-9
    );
    assert_eq!(case["speedup"]["interval"], json!(null));
    let sample = &results["localSamples"][1];
    assert_eq!(
        (&sample["iteration"], &sample["output"], &sample["rendererMs"]),
        (&json!(2), &json!(null), &json!(1200))
    );
    // Only its time was asked for.
    assert!(!test.files().iter().any(|file| file.starts_with("renders/f-local")), "{:?}", test.files());
    test.assert_account_clean();
}

#[test]
fn speed_ups_of_five_iterations_have_an_interval() {
    let test = world(&Video::default());
    let ran = test.eval(&["--iterations", "5"]);
    ran.exit(0).never_says("too few for a ranking");
    let case = &test.artifact("results.json")["cases"][0];
    let within = |key: &str| case["speedup"]["interval"][key].as_f64().unwrap();
    let ratio = case["speedup"]["ratio"].as_f64().unwrap();
    assert!(within("low") <= ratio && ratio <= within("high"), "{case}");
}

#[test]
fn a_kept_render_makes_the_comparison_three_way() {
    let test = world(&Video::levels(&[("52.000000", 60)]));
    let ran = test.eval(&["--keep-local"]);
    ran.exit(0)
        .warns("f #1 compared with the baseline: PSNR 52.00 dB")
        .warns("f N=4 #1 compared with the local render: PSNR 45.48 dB");
    let results = test.artifact("results.json");
    assert_eq!(results["localSamples"][0]["againstBaseline"]["psnrAvgDb"], 52.0);
    assert_eq!(results["lambdaSamples"][0]["againstLocal"]["frames"], 60);
    assert!(test.files().iter().any(|file| file == "renders/f-local-1.mp4"), "{:?}", test.files());
}

#[test]
fn a_local_render_that_fails_fails_the_gate_and_lambdas_samples_stay() {
    let test = Test::new().tool("node render", "echo 'no such asset' >&2; exit 1");
    let ran = test.eval(&["--iterations", "2"]);
    ran.exit(4).says("the local render of f #1 failed: rendering f in-process").says("no such asset");
    let case = &test.artifact("results.json")["cases"][0];
    assert_eq!(
        (&case["localMs"], &case["speedup"], &case["lambdaMs"]["count"]),
        (&json!(null), &json!(null), &json!(2))
    );
    test.assert_account_clean();
}

#[test]
fn keeping_what_is_skipped_is_refused() {
    let test = Test::new();
    test.eval(&["--keep-local", "--skip-local"]).exit(1).warns("cannot be used with");
    test.assert_nothing_happened();
}

#[test]
fn a_fixture_whose_local_render_failed_is_repeated_at_all_its_chunk_counts() {
    let test = Test::new().tool("node render", "exit 1");
    test.eval(&["--chunk-counts", "1,2"]).exit(4);
    let planned = test.eval(&["--rerun-failed", "--dry-run"]);
    planned.exit(0).warns(": f N=1, f N=2");
}
