//! Why an execution failed.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state, the error name, and the cause that ended an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The state that failed, if the history contains it.
    pub state: Option<String>,
    /// The error's name, such as PLAN_TOO_LARGE.
    pub error: String,
    /// The error's message.
    pub cause: String,
    /// The chunk that failed, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// How many attempts the state made; the error is that of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// When that attempt was scheduled and when it failed, as text from the history.
    #[serde(skip)]
    pub attempted: Option<(String, String)>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "state {state} failed with {}: {}", self.error, self.cause),
            None => write!(f, "the execution ended with {}: {}", self.error, self.cause),
        }
    }
}

/// Reads the failure from a history in the format of the AWS CLI; `None` if there is none.
///
/// The state is that of the last task that failed with the execution's error, because tasks
/// that succeeded after a retry have earlier failures. Without such a task (a Fail state, a
/// timeout) it is the state before the end.
pub fn failed(history: &Value) -> Option<Failed> {
    let events = history["events"].as_array()?;
    let end = events.iter().rev().find(|e| details_of(e, &ENDS).is_some())?;
    let end_details = details_of(end, &ENDS)?;
    let (error, cause) = (text(end_details, "error"), text(end_details, "cause"));
    let kind = end["type"].as_str().unwrap_or("no error name");
    // Whoever stops an execution may give any error and cause, also those of a task.
    let (error, cause) = match (kind, error.as_str()) {
        (_, "") => (kind.to_owned(), cause),
        (STOPPED, given) => (kind.to_owned(), format!("{given}: {cause}")),
        _ => (error, cause),
    };
    let task = events.iter().rev().find(|e| details_of(e, &TASK_FAILURES).is_some_and(|d| text(d, "error") == error));
    let trail = Trail::back_from(events, task.unwrap_or(end));
    let state = trail.state.or_else(|| last_entered(events));
    let cause = task.and_then(|t| details_of(t, &TASK_FAILURES)).map_or(cause, |d| text(d, "cause"));
    Some(Failed {
        state,
        error,
        cause: message(&cause),
        chunk: trail.chunk,
        attempts: (trail.attempts > 0).then_some(trail.attempts),
        attempted: trail.scheduled.zip(task.map(|task| text(task, "timestamp"))),
    })
}

/// The type of the last event of an execution that someone stopped.
const STOPPED: &str = "ExecutionAborted";

const ENDS: [&str; 3] =
    ["executionFailedEventDetails", "executionTimedOutEventDetails", "executionAbortedEventDetails"];

const TASK_FAILURES: [&str; 6] = [
    "taskFailedEventDetails",
    "taskTimedOutEventDetails",
    "taskStartFailedEventDetails",
    "taskSubmitFailedEventDetails",
    "lambdaFunctionFailedEventDetails",
    "lambdaFunctionTimedOutEventDetails",
];

fn details_of<'a>(event: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| event.get(*key))
}

/// What the events before an event say about it.
#[derive(Default)]
struct Trail {
    state: Option<String>,
    chunk: Option<u64>,
    attempts: u64,
    /// When the last attempt was scheduled.
    scheduled: Option<String>,
}

impl Trail {
    /// Follows `previousEventId` back from `event` to the state that was entered, and on to the Map around it.
    fn back_from(events: &[Value], event: &Value) -> Self {
        let mut trail = Self::default();
        // If several events have the same id, the first one counts.
        let by_id: HashMap<u64, &Value> = events.iter().rev().filter_map(|e| Some((e["id"].as_u64()?, e))).collect();
        let mut current = event;
        for _ in 0..events.len() {
            let kind = current["type"].as_str().unwrap_or_default();
            match &trail.state {
                None if kind == "TaskScheduled" || kind == "LambdaFunctionScheduled" => {
                    trail.attempts += 1;
                    trail.scheduled.get_or_insert_with(|| text(current, "timestamp"));
                }
                None => trail.state = entered_name(current),
                Some(_) if kind == "MapIterationStarted" => {
                    trail.chunk = current["mapIterationStartedEventDetails"]["index"].as_u64();
                    break;
                }
                // What follows the end of a Map belongs to none of its chunks.
                Some(_) if kind.starts_with("MapState") => break,
                Some(_) => {}
            }
            let previous = current["previousEventId"].as_u64().filter(|id| *id > 0);
            let Some(next) = previous.and_then(|id| by_id.get(&id)) else { break };
            current = next;
        }
        trail
    }
}

fn last_entered(events: &[Value]) -> Option<String> {
    events.iter().rev().find_map(entered_name)
}

fn entered_name(event: &Value) -> Option<String> {
    event["stateEnteredEventDetails"]["name"].as_str().map(str::to_owned)
}

/// Lambda's cause is a JSON object with `errorMessage` and a stack trace; only the message is shown.
fn message(cause: &str) -> String {
    serde_json::from_str::<Value>(cause)
        .ok()
        .and_then(|v| v["errorMessage"].as_str().map(str::to_owned))
        .unwrap_or_else(|| cause.to_owned())
}

fn text(details: &Value, key: &str) -> String {
    details[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::recorded;

    #[test]
    fn the_failing_state_is_the_one_whose_task_failed() {
        let history = json!({"events": [
            {"id": 1, "type": "ExecutionStarted", "previousEventId": 0},
            {"id": 2, "type": "TaskStateEntered", "previousEventId": 1, "stateEnteredEventDetails": {"name": "Plan"}},
            {"id": 3, "type": "TaskStateEntered", "previousEventId": 2, "stateEnteredEventDetails": {"name": "RenderChunk"}},
            {"id": 4, "type": "TaskStateEntered", "previousEventId": 2, "stateEnteredEventDetails": {"name": "Other"}},
            {"id": 5, "type": "TaskScheduled", "previousEventId": 3},
            {"id": 6, "type": "TaskFailed", "previousEventId": 5,
             "taskFailedEventDetails": {"error": "BOOM", "cause": "{\"errorMessage\":\"it broke\",\"trace\":[]}"}},
            {"id": 7, "type": "ExecutionFailed", "previousEventId": 6, "executionFailedEventDetails": {"error": "BOOM", "cause": "x"}},
        ]});
        let failed = failed(&history).unwrap();
        assert_eq!(failed.to_string(), "state RenderChunk failed with BOOM: it broke");
    }

    #[test]
    fn recorded_failures_are_attributed_to_their_state() {
        let message = |name: &str| failed(&recorded(name)).unwrap().to_string();
        assert_eq!(message("failed-chunk"), "state RenderChunkV2 failed with TypeError: chunk 1 is broken on purpose");
        assert_eq!(
            message("protocol-refused"),
            "state RefusePlanProtocol failed with PLAN_PROTOCOL_UNSUPPORTED: PlanProtocol must be \"v1\" or \"v2\", \
             or be left out, which means \"v2\"."
        );
        assert_eq!(failed(&recorded("success-n4-v2")), None);
    }

    #[test]
    fn attempts_are_counted_and_the_chunk_is_named() {
        let failed = failed(&recorded("failed-chunk")).unwrap();
        assert_eq!((failed.chunk, failed.attempts), (Some(1), Some(5)));
        let (scheduled, ended) = failed.attempted.unwrap();
        assert!(scheduled < ended, "{scheduled} {ended}");
    }

    fn entered(id: u64, previous: u64, kind: &str, name: &str) -> Value {
        json!({"id": id, "previousEventId": previous, "type": kind, "stateEnteredEventDetails": {"name": name}})
    }

    fn plain(id: u64, previous: u64, kind: &str) -> Value {
        json!({"id": id, "previousEventId": previous, "type": kind})
    }

    /// A Map with one chunk, number 5, whose task follows another state.
    fn map() -> Vec<Value> {
        let index = json!({"id": 2, "previousEventId": 1, "type": "MapIterationStarted",
            "mapIterationStartedEventDetails": {"index": 5}});
        let states = [entered(3, 2, "PassStateEntered", "Name"), entered(4, 3, "TaskStateEntered", "RenderChunk")];
        [vec![entered(1, 0, "MapStateEntered", "Chunks"), index], states.to_vec()].concat()
    }

    fn end(id: u64, previous: u64) -> [Value; 2] {
        let task = json!({"id": id, "previousEventId": previous, "type": "TaskFailed",
            "taskFailedEventDetails": {"error": "E", "cause": "c"}});
        let execution = json!({"id": id + 1, "previousEventId": id, "type": "ExecutionFailed",
            "executionFailedEventDetails": {"error": "E", "cause": "c"}});
        [task, execution]
    }

    #[test]
    fn a_chunk_is_found_after_other_states_of_its_iteration() {
        let events = [map(), vec![plain(5, 4, "TaskScheduled")], end(6, 5).to_vec()].concat();
        let failed = failed(&json!({ "events": events })).unwrap();
        assert_eq!((failed.state.as_deref(), failed.chunk, failed.attempts), (Some("RenderChunk"), Some(5), Some(1)));
    }

    #[test]
    fn a_failure_after_a_map_belongs_to_none_of_its_chunks() {
        let between = vec![plain(5, 4, "MapStateSucceeded"), entered(6, 5, "TaskStateEntered", "Assemble")];
        let events = [map(), between, vec![plain(7, 6, "TaskScheduled")], end(8, 7).to_vec()].concat();
        let failed = failed(&json!({ "events": events })).unwrap();
        assert_eq!((failed.state.as_deref(), failed.chunk), (Some("Assemble"), None));
    }

    #[test]
    fn an_end_without_a_previous_event_belongs_to_the_last_state() {
        let aborted = json!({"id": 5, "previousEventId": 0, "type": "ExecutionAborted",
            "executionAbortedEventDetails": {}});
        let events = [map(), vec![aborted]].concat();
        let failed = failed(&json!({ "events": events })).unwrap();
        assert_eq!((failed.state.as_deref(), failed.error.as_str()), (Some("RenderChunk"), "ExecutionAborted"));
        assert_eq!((failed.attempts, failed.attempted), (None, None));
    }

    #[test]
    fn an_execution_that_was_stopped_says_so_whatever_it_was_given() {
        let given = json!({"error": "BOOM", "cause": "by hand"});
        let aborted = json!({"id": 8, "previousEventId": 0, "type": "ExecutionAborted",
            "executionAbortedEventDetails": given});
        let events = [map(), vec![plain(5, 4, "TaskScheduled")], end(6, 5)[..1].to_vec(), vec![aborted]].concat();
        let failed = failed(&json!({ "events": events })).unwrap();
        assert_eq!((failed.error.as_str(), failed.cause.as_str()), ("ExecutionAborted", "BOOM: by hand"));
        assert!(crate::meaning::meaning(&failed.error).unwrap().what.contains("was stopped"));
        assert_eq!(failed.chunk, None, "it is not the chunk's failure");
    }

    #[test]
    fn a_successful_execution_has_no_failure() {
        assert_eq!(failed(&json!({"events": [{"id": 1, "type": "ExecutionSucceeded"}]})), None);
    }
}
