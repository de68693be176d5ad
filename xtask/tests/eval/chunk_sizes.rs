//! Frames a chunk: by a flag, by each fixture, or the usual number.

use serde_json::json;

use crate::support::Test;

/// The chunk size that each fixture's execution was asked for, and the one that run.json has.
fn sizes(args: &[&str]) -> (Vec<(String, u64)>, serde_json::Value) {
    let test = Test::new().fixture_file("meta.json", json!({"renderConfig": {"chunkSize": 20}}).to_string());
    test.eval(&[&["--fixtures", "f,other-fixture", "--skip-local"], args].concat()).exit(0);
    let account = test.aws.account();
    let sent = account.executions.values().map(|execution| {
        let size = execution.input["Config"]["chunkSize"].as_u64().unwrap();
        (execution.input["ProjectS3Uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned(), size)
    });
    let mut sent: Vec<_> = sent.collect();
    sent.sort();
    (sent, test.artifact("run.json")["chunkSize"].clone())
}

#[test]
fn a_fixtures_own_comes_before_the_usual_one() {
    let (sent, reported) = sizes(&[]);
    assert_eq!(sent, [("f.tar.gz".to_owned(), 20), ("other-fixture.tar.gz".to_owned(), 60)]);
    assert_eq!(reported, json!(null));
}

#[test]
fn a_flag_comes_before_a_fixtures_own() {
    let (sent, reported) = sizes(&["--chunk-size", "45"]);
    assert_eq!(sent, [("f.tar.gz".to_owned(), 45), ("other-fixture.tar.gz".to_owned(), 45)]);
    assert_eq!(reported, json!(45));
}

#[test]
fn chunk_counts_decide_the_chunk_sizes() {
    let (sent, _) = sizes(&["--chunk-counts", "2,4"]);
    let of = |name: &str, sizes: [u64; 2]| sizes.map(|size| (format!("{name}.tar.gz"), size));
    assert_eq!(sent, [of("f", [15, 20]), of("other-fixture", [15, 30])].concat());
}

#[test]
fn what_is_recorded_is_what_the_planner_makes() {
    let test = Test::new().fixture_file("meta.json", json!({"renderConfig": {"chunkSize": 10}}).to_string());
    test.eval(&["--skip-local"]).exit(0).warns("render    f N=4 #1: 15 frames a chunk");
    assert_eq!(test.artifact("results.json")["lambdaSamples"][0]["render"]["chunkSize"], 15);
}
