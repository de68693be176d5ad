//! The JSON schemas accept the artifacts of real runs, and refuse others.

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a test whose setup fails is a failure")]

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::schemas::{assert_artifacts, violations};

const RUN: &str = "run.v1.schema.json";
const SMOKE: &str = "results-smoke.v1.schema.json";
const EVAL: &str = "results-eval.v1.schema.json";

fn artifacts(kind: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/artifacts").join(kind)
}

fn json(kind: &str, file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(artifacts(kind).join(file)).unwrap()).unwrap()
}

#[test]
fn the_artifacts_of_real_runs_match_the_schemas() {
    for kind in ["smoke", "eval", "eval-sweep"] {
        assert_artifacts(&artifacts(kind));
    }
}

/// Calls `visit` with every object in a document; except maps with arbitrary keys.
fn each_object(document: &Value, path: &str, visit: &mut impl FnMut(&str)) {
    const FREE: [&str; 5] = ["tools", "fixtures", "scaling", "tuning", "parameters"];
    match document {
        Value::Object(fields) => {
            if !FREE.iter().any(|name| path.ends_with(&format!("/{name}"))) {
                visit(path);
            }
            for (name, field) in fields {
                each_object(field, &format!("{path}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| each_object(item, &format!("{path}/{i}"), visit));
        }
        _ => {}
    }
}

#[test]
fn unknown_fields_are_refused_everywhere() {
    for (kind, file, schema) in [
        ("smoke", "run.json", RUN),
        ("eval", "run.json", RUN),
        ("smoke", "results.json", SMOKE),
        ("eval-sweep", "results.json", EVAL),
    ] {
        let document = json(kind, file);
        let mut paths = Vec::new();
        each_object(&document, "", &mut |path| paths.push(path.to_owned()));
        assert!(paths.len() > 10);
        for path in paths {
            let mut changed = document.clone();
            changed.pointer_mut(&path).unwrap()["new"] = json!(1);
            let found = violations(schema, &changed);
            assert!(!found.is_empty(), "{schema} accepts a new field in {file} at {path}");
        }
    }
}

#[test]
fn missing_and_wrong_values_are_refused() {
    let refused = |schema: &str, document: &Value, change: &dyn Fn(&mut Value), expected: &str| {
        let mut changed = document.clone();
        change(&mut changed);
        let found = violations(schema, &changed);
        assert!(found.iter().any(|line| line == expected), "{expected:?} is not in {found:?}");
    };
    let (run, rows) = (json("smoke", "run.json"), json("smoke", "results.json"));
    refused(RUN, &run, &|run| run["schemaVersion"] = json!(2), "$.schemaVersion is 2, not 1");
    refused(
        RUN,
        &run,
        &|run| run["teardown"] = json!({"outcome": "leaked", "leaks": [], "recovery": "x"}),
        "$.teardown.leaks has fewer than 1 items",
    );
    refused(RUN, &run, &|run| _ = run.as_object_mut().unwrap().remove("fixture"), "$.fixture is missing");
    refused(RUN, &run, &|run| run["iterations"] = json!(2), "$.iterations may not be there");
    refused(
        RUN,
        &run,
        &|run| run["command"] = json!("lambda-eval"),
        "$.command is \"lambda-eval\", not \"lambda-smoke\"",
    );
    refused(SMOKE, &rows, &|rows| rows[0]["chunkCount"] = json!(257), "$[0].chunkCount is 257, above 256");
    refused(
        SMOKE,
        &rows,
        &|rows| rows[0]["picture"]["worstFrameDb"] = json!("-inf"),
        "$[0].picture.worstFrameDb is no \"number\": \"-inf\"",
    );
    refused(SMOKE, &rows, &|rows| _ = rows[1].as_object_mut().unwrap().remove("notes"), "$[1].notes is missing");
    refused(SMOKE, &json!({}), &|_| (), "$ is no \"array\": {}");
    refused(
        EVAL,
        &json("eval", "results.json"),
        &|all| all["lambdaSamples"][0]["failure"] = json!("both"),
        "$.lambdaSamples[0].failure may not be there",
    );
}

#[test]
fn audio_levels_and_images_are_optional() {
    let mut rows = json("smoke", "results.json");
    rows[0]["audioLevels"] = json!("renders/N2-audio.csv");
    rows[0]["worstFrameImages"] =
        json!({"frame": 25, "baseline": "a.png", "render": "b.png", "difference": "c.png", "amplifiedBy": 4});
    rows[1]["audioLevels"] = Value::Null;
    rows[1]["worstFrameImages"] = Value::Null;
    assert_eq!(violations(SMOKE, &rows), [""; 0]);
    rows[0]["worstFrameImages"]["new"] = json!(1);
    assert_eq!(violations(SMOKE, &rows), ["$[0].worstFrameImages.new may not be there"]);
}
