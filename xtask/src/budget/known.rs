//! How long a fixture's calls took in the last run whose artifacts are here.

use std::{fs, path::Path};

use serde_json::Value;

use super::CallTimes;

/// The results of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct KnownTimes(Vec<(String, Value)>);

impl KnownTimes {
    /// Reads the results in these artifact folders; what can't be read is left out.
    pub fn read(folders: &[&Path]) -> Self {
        let results = |folder: &&Path| {
            let file = folder.join("results.json");
            let read = |file: &Path| serde_json::from_slice::<Value>(&fs::read(file).ok()?).ok();
            let fixture = read(&folder.join("run.json")).and_then(|run| run["fixture"].as_str().map(str::to_owned));
            let rows = match read(&file)? {
                // Smoke's rows are of one fixture, which run.json names.
                Value::Array(rows) => Value::Object(serde_json::Map::from_iter([(fixture?, Value::Array(rows))])),
                eval => by_fixture(&eval),
            };
            Some((file.display().to_string(), rows))
        };
        Self(folders.iter().filter_map(results).collect())
    }

    /// How long the calls of a fixture took, or the default.
    pub fn of(&self, fixture: &str) -> CallTimes {
        let known = self.0.iter().find_map(|(file, rows)| {
            let rows: Vec<&Value> = rows[fixture].as_array()?.iter().collect();
            CallTimes::of_rows(&rows, format!("what its chunks took in {file}"))
        });
        known.unwrap_or_default()
    }
}

/// An eval's samples by their fixture.
fn by_fixture(eval: &Value) -> Value {
    let mut rows = serde_json::Map::new();
    for sample in eval["lambdaSamples"].as_array().into_iter().flatten() {
        let (Some(fixture), Some(row)) = (sample["fixture"].as_str(), sample.get("render")) else { continue };
        let of_fixture = rows.entry(fixture).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(of_fixture) = of_fixture {
            of_fixture.push(row.clone());
        }
    }
    Value::Object(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folder(run: &Value, results: &Value) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("run.json"), run.to_string()).unwrap();
        fs::write(dir.path().join("results.json"), results.to_string()).unwrap();
        dir
    }

    #[test]
    fn smoke_and_eval_are_both_read_and_the_default_is_told() {
        let row = json!({"chunks": [{"framesEncoded": 10, "durationMs": 3000}]});
        let smoke = folder(&json!({"fixture": "a"}), &json!([row]));
        let eval = folder(
            &json!({}),
            &json!({"lambdaSamples": [{"fixture": "b", "render": row}, {"fixture": "c", "failure": "x"}]}),
        );
        let nowhere = tempfile::tempdir().unwrap();
        let known = KnownTimes::read(&[smoke.path(), nowhere.path(), eval.path()]);
        assert!(known.of("a").source.contains(&smoke.path().display().to_string()));
        assert_eq!((known.of("a").chunk_start_ms, known.of("b").per_frame_ms), (1500.0, 150.0));
        assert_eq!(known.of("c"), CallTimes::default());
    }
}
