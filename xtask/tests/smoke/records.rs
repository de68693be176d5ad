//! The files that a run leaves to read.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::Test;

#[test]
fn results_json_has_a_row_for_each_render() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "2,4"]).exit(0);
    let rows = test.artifact("results.json");
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!((&rows[1]["chunkCount"], &rows[1]["chunkSize"]), (&json!(4), &json!(15)));
    let mut row = rows[0].clone();
    for volatile in ["clientWallMs", "executionArn"] {
        row[volatile] = Value::Null;
    }
    assert_json_snapshot!(row);
}

#[test]
fn run_json_says_who_what_and_how_it_ended() {
    let test = Test::new();
    test.smoke(&[]).exit(0);
    let run = test.artifact("run.json");
    let keys = "exitCode account region stack fixture chunkCounts gate gitCommit tools verdict failure";
    let reported: Value =
        keys.split(' ').map(|key| (key.to_owned(), run[key].clone())).collect::<serde_json::Map<_, _>>().into();
    assert_json_snapshot!(reported, @r#"
    {
      "exitCode": 0,
      "account": "123456789012",
      "region": "us-east-1",
      "stack": "smoke-test",
      "fixture": "f",
      "chunkCounts": [
        2
      ],
      "gate": {
        "psnrDb": 40.0,
        "secondPsnrDb": 37.0,
        "framePsnrDb": 30.0,
        "maxFrameFailures": 0,
        "regionLevels": 1.5,
        "toneLevels": 0.6,
        "detailLevels": 2.4,
        "sharpnessDb": 2.6,
        "histogramLevels": 0.34,
        "shiftFrames": 0.35,
        "displacementSamples": 0.5,
        "audioResidualDbfs": -50.0,
        "audioWindowDbfs": -40.0,
        "audioMomentDb": -12.0,
        "audioClickDb": -6.0,
        "audioBandDb": 6.0
      },
      "gitCommit": "0123456789abcdef0123456789abcdef01234567",
      "tools": {
        "ffmpeg": "ffmpeg version 7.0-fake",
        "ffprobe": "ffprobe version 7.0-fake",
        "sam": "SAM CLI, version 1.150.0"
      },
      "verdict": {
        "outcome": "pass",
        "findings": [],
        "measured": 1,
        "unmeasured": []
      },
      "failure": null
    }
    "#);
    assert_eq!((&run["teardown"]["outcome"], &run["target"]["kind"]), (&json!("clean"), &json!("endpoint")));
    assert_eq!(run["handler"]["sizes"]["unzipped"], 1 << 20);
    let stages: Vec<&str> = run["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    for stage in ["target", "preflight", "build", "validate", "names", "deploy", "upload", "render N=2", "teardown"] {
        assert!(stages.contains(&stage), "{stage} is not in {stages:?}");
    }
}

#[test]
fn the_history_has_all_pages_in_the_shape_of_the_aws_cli() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "8"]).exit(0);
    let history = test.artifact("renders/N8-history.json");
    assert_eq!(history.as_object().unwrap().keys().collect::<Vec<_>>(), ["events"]);
    let events = history["events"].as_array().unwrap();
    let ids: Vec<u64> = events.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    // Start and end, and five events for each of Plan, eight chunks and Assemble.
    assert_eq!(ids, (1..=2 + 5 * 10).collect::<Vec<u64>>());
    assert_eq!(events[0]["timestamp"], "2023-11-14T22:13:20.250000+00:00");
    assert_eq!(events[1]["stateEnteredEventDetails"]["name"], "Plan");
    assert_eq!(events[51]["type"], "ExecutionSucceeded");
}

#[test]
fn the_clean_up_is_verified_thing_by_thing() {
    let test = Test::new().account(|account| account.tags_buckets = false);
    test.smoke(&[]).exit(0).says("clean-up verified, 7 resources gone");
    let proof = test.artifact("cleanup-verification.json");
    assert_eq!(proof["clean"], true);
    let checks = proof["resources"].as_array().unwrap();
    let kinds: Vec<(&str, &str)> =
        checks.iter().map(|c| (c["kind"].as_str().unwrap(), c["state"].as_str().unwrap())).collect();
    let kind = |kind| (kind, "absent");
    let expected = ["stack", "bucket", "stateMachine", "function", "logGroup", "logGroup", "bucket"].map(kind);
    assert_eq!(kinds, expected);
    assert!(test.journals()[0].ends_with("{\"record\":\"finished\",\"kept\":false}\n"));
    test.assert_account_clean();
}
