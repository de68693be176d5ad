//! The parsers on the histories of executions that the real AWS recorded, where `../shared/recorded-aws` is.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it skipped")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use execution_history::{
    cli_events, failure::failed, is_complete, meaning::meaning, progress::progress, rendered::rendered,
    time_spent::TimeSpent, timeline::timeline,
};
use serde_json::{Value, json};

/// A recorded history, as the service sends it.
struct Recorded {
    name: String,
    events: Vec<Value>,
}

impl Recorded {
    /// As the tool reads it from the service's answer.
    fn history(&self) -> Value {
        cli_events(&[serde_json::to_vec(&json!({"events": self.events})).unwrap()]).unwrap()
    }

    /// How many events have such a type.
    fn count(&self, is_such: impl Fn(&str) -> bool) -> usize {
        self.events.iter().filter(|event| is_such(event["type"].as_str().unwrap())).count()
    }
}

/// All recorded histories; none where the recordings are not there.
fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recorded-aws/stepfunctions/v2");
    let mut all = Vec::new();
    for file in json_files(&folder) {
        let tests: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for (test, recording) in tests.as_object().unwrap() {
            for (response, body) in recording["responses"].as_object().unwrap() {
                let Some(events) = body["events"].as_array().filter(|events| is_whole(events)) else { continue };
                let events = events.iter().map(as_sent).collect();
                all.push(Recorded { name: format!("{test} {response}"), events });
            }
        }
    }
    if all.is_empty() {
        println!("skipped: there are no recordings in {}", folder.display());
    }
    all
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    folders.iter().flat_map(|folder| json_files(folder)).chain(files).collect()
}

/// Some recordings are a selection of fields, or have the last event first, for which this tool never asks.
fn is_whole(events: &[Value]) -> bool {
    !events.is_empty() && events.iter().all(|event| event["type"].is_string()) && {
        events.is_sorted_by(|a, b| a["id"].as_u64() < b["id"].as_u64()) && events[0]["id"] == 1
    }
}

/// The event as the service sends it: the recordings have parsed JSON instead of strings, and placeholders for times.
fn as_sent(event: &Value) -> Value {
    let mut event = event.clone();
    event["timestamp"] = json!(1_700_000_000.0 + event["id"].as_f64().unwrap() / 10.0);
    let details = event.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut);
    for (name, value) in details.flat_map(serde_json::Map::iter_mut) {
        if ["input", "output", "cause", "parameters"].contains(&name.as_str()) && !value.is_string() {
            *value = Value::String(value.to_string());
        }
    }
    event
}

#[test]
fn each_history_is_read_and_its_end_is_right() {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for recorded in recorded() {
        let name = &recorded.name;
        let history = recorded.history();
        let last = recorded.events.last().unwrap();
        let kind = last["type"].as_str().unwrap();
        *ends.entry(kind.to_owned()).or_default() += 1;

        assert_eq!(is_complete(&history), kind.starts_with("Execution") && kind != "ExecutionStarted", "{name}");
        let failed = failed(&history);
        assert_eq!(failed.is_some(), kind == "ExecutionFailed" || kind == "ExecutionAborted", "{name}: {failed:?}");
        if let Some(failed) = &failed {
            let given = last["executionFailedEventDetails"]["error"].as_str().unwrap_or(kind);
            assert_eq!(failed.error, given, "{name}");
            let entered = recorded.events.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str());
            assert!(entered.clone().any(|state| failed.state.as_deref() == Some(state)), "{name}: {failed:?}");
            if meaning(&failed.error).is_none() {
                *unknown.entry(failed.error.clone()).or_default() += 1;
            }
        }
        let _ = (progress(&history, 1_700_000_000_000), rendered(&history));
    }
    println!(
        "{} histories: {ends:?}\nerrors without a meaning of their own: {unknown:?}",
        ends.values().sum::<usize>()
    );
}

#[test]
fn each_call_and_each_transition_is_counted() {
    for recorded in recorded() {
        let name = &recorded.name;
        let read = timeline(&recorded.history()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let scheduled = recorded.count(|kind| kind.ends_with("Scheduled"));
        assert_eq!(read.attempts.len(), scheduled, "{name}");
        let entered = recorded.count(|kind| kind.ends_with("StateEntered"));
        assert!((entered..=entered + scheduled).contains(&(read.transitions as usize)), "{name}: {}", read.transitions);
        // Each call has the end that its own event says.
        let of_calls = |endings: &[&str]| {
            recorded.count(|kind| {
                let ending = kind.strip_prefix("Task").or_else(|| kind.strip_prefix("LambdaFunction"));
                ending.is_some_and(|ending| endings.contains(&ending))
            })
        };
        let errors = read.attempts.iter().filter(|attempt| attempt.error.is_some()).count();
        assert_eq!(
            errors,
            of_calls(&["Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed"]),
            "{name}"
        );
        let ended = read.attempts.iter().filter(|attempt| attempt.ended_ms.is_some()).count();
        assert_eq!(ended - errors, of_calls(&["Succeeded"]), "{name}");
        let _ = TimeSpent::of(&read);
    }
}
