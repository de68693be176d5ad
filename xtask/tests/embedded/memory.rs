//! A sweep of memory: the function of the run's own stack gets each size between the rounds.

use serde_json::{Value, json};

use crate::{
    account::listing,
    emulator::Emulator,
    repository::Repository,
    run::{Runner, run},
};

#[test]
fn each_size_is_measured_in_new_environments_and_charged_as_such() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let (runner, before) = (Runner::new(&repository, &emulator.endpoint), listing(&emulator));
    let mut command = runner.command("lambda-eval");
    command.args(["--endpoint-url", &emulator.endpoint, "--fixtures", "f", "--skip-build", "--skip-local", "-vv"]);
    command.args(["--memory-mb", "2048,4096", "--chunk-counts", "1,2", "--iterations", "2"]);
    command.arg("--artifacts").arg(runner.artifacts());
    let (code, reported) = run(command);
    println!("{reported}");
    assert_eq!(code, Some(0), "{reported}");
    let results = runner.json("results.json");
    let samples = results["lambdaSamples"].as_array().unwrap();
    let of = |sample: &Value| {
        let functions = sample["render"]["cost"]["functions"].as_array().unwrap().clone();
        functions.iter().map(|function| function["memoryMb"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    for sample in samples {
        assert_eq!(of(sample), [sample["memoryMb"].as_u64().unwrap()], "{sample}");
    }
    // The first execution after each change starts its environments, also in the second round.
    let starts: Vec<&str> = samples.iter().map(|sample| sample["start"].as_str().unwrap()).collect();
    assert_eq!([starts[0], starts[2], starts[6]], ["cold"; 3], "{starts:?}");
    assert_eq!(
        samples[5]["memoryMb"], samples[3]["memoryMb"],
        "the second round begins with what the first one ended with"
    );
    assert!(results["tuning"]["f"]["frontier"].as_array().is_some_and(|frontier| !frontier.is_empty()));
    assert_eq!(listing(&emulator), before);
}
