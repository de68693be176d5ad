//! Functions that an eval changes between renders, on the run's own stack: with other memory, or for a cold start.

use serde_json::{Value, json};

use crate::{
    emulator::Emulator,
    page::assert_good,
    python::listing,
    repository::Repository,
    run::{Runner, run},
};

/// The samples of an eval of the stand-in, whose environments take half a second longer to start.
fn samples(args: &[&str], look: impl FnOnce(&Runner<'_>)) -> Vec<Value> {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({"startMs": 500}));
    let (runner, before) = (Runner::new(&repository, &emulator.endpoint), listing(&emulator));
    let mut command = runner.command("lambda-eval");
    command.args(["--endpoint-url", &emulator.endpoint, "--fixtures", "f", "--skip-build", "--skip-local", "-vv"]);
    command.args(args).arg("--artifacts").arg(runner.artifacts());
    let (code, reported) = run(command);
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
    look(&runner);
    runner.json("results.json")["lambdaSamples"].as_array().unwrap().clone()
}

fn starts(samples: &[Value]) -> Vec<&str> {
    samples.iter().map(|sample| sample["start"].as_str().unwrap()).collect()
}

#[test]
fn each_size_is_measured_in_new_environments_and_charged_as_such() {
    let args = ["--memory-mb", "2048,4096", "--chunk-counts", "1,2", "--iterations", "2"];
    let samples = samples(&args, |runner| {
        let results = runner.json("results.json");
        assert!(results["tuning"]["f"]["frontier"].as_array().is_some_and(|frontier| !frontier.is_empty()));
        // Its heat maps can be read in light and dark.
        assert_good(&[&runner.artifacts().join("report.html")]);
    });
    for sample in &samples {
        let functions = sample["render"]["cost"]["functions"].as_array().unwrap();
        let memories: Vec<&Value> = functions.iter().map(|function| &function["memoryMb"]).collect();
        assert_eq!(memories, [&sample["memoryMb"]], "{sample}");
    }
    // The first execution after each change starts its environments, also in the second round.
    assert_eq!([0, 2, 6].map(|nth| starts(&samples)[nth]), ["cold"; 3], "{:?}", starts(&samples));
    assert_eq!(
        samples[5]["memoryMb"], samples[3]["memoryMb"],
        "the second round begins with what the first one ended with"
    );
}

#[test]
fn every_execution_is_cold_where_that_is_asked_for() {
    let samples = samples(&["--cold", "--chunk-counts", "1,2", "--iterations", "2"], |_| {});
    assert_eq!(starts(&samples), ["cold"; 4]);
}

#[test]
fn every_execution_is_warm_where_that_is_asked_for() {
    let samples = samples(&["--warm", "--chunk-counts", "1,2", "--iterations", "2"], |_| {});
    assert_eq!(starts(&samples), ["warm"; 4]);
}
