//! The timeline of an execution: every attempt of every step, from the events of its history. Pure.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use aws_smithy_types::{DateTime, date_time::Format as DateTimeFormat};
use serde::Serialize;
use serde_json::Value;

/// All calls of an execution, with times in ms since its start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// From the first event to the last, ms.
    pub duration_ms: u64,
    /// Every call of the function, including failed ones, in the order of scheduling.
    pub attempts: Vec<Attempt>,
    /// State transitions that are charged: states entered, and retries.
    pub transitions: u64,
}

/// One call of a function.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The step that it belongs to.
    pub step: Step,
    /// The state's name.
    pub state: String,
    /// The name of the function that was called; null if the history does not say.
    pub function: Option<String>,
    /// The action that was requested of it; null if the history does not say.
    pub action: Option<String>,
    /// When it was scheduled, ms.
    pub scheduled_ms: u64,
    /// When it was started, ms; null if it never was.
    pub started_ms: Option<u64>,
    /// When it ended, ms; null if the execution ended first.
    pub ended_ms: Option<u64>,
    /// The error's name, if it failed.
    pub error: Option<String>,
    /// The run time that the handler reports, ms; only successful calls report it.
    pub handler_ms: Option<u64>,
    /// The id of the call, as Lambda's log has it; only successful calls of the integration `lambda:invoke` report it.
    pub request_id: Option<String>,
}

/// The step that a call of the function belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Planning.
    Plan,
    /// Rendering one chunk, by its index from 0.
    Chunk(u64),
    /// Joining the chunks.
    Assemble,
    /// Another step, such as mixing the sound; its state and action say which.
    #[default]
    Other,
}

impl Timeline {
    /// The run time of all calls, including failed ones, ms.
    pub fn function_ms(&self) -> u64 {
        self.attempts.iter().map(Attempt::run_ms).sum()
    }

    /// Calls of the function that were started.
    pub fn requests(&self) -> u64 {
        self.attempts.iter().filter(|attempt| attempt.started_ms.is_some()).count() as u64
    }
}

impl Attempt {
    /// From scheduling to start, ms.
    pub fn queue_ms(&self) -> u64 {
        self.started_ms.map_or(0, |started| started.saturating_sub(self.scheduled_ms))
    }

    /// From start to end, ms.
    pub fn run_ms(&self) -> u64 {
        let ran = |started: u64| self.ended_ms.unwrap_or(started).saturating_sub(started);
        self.started_ms.map_or(0, ran)
    }

    /// The part of its run time that was not the handler's, such as a cold start, ms.
    pub fn overhead_ms(&self) -> Option<u64> {
        self.handler_ms.map(|handler| self.run_ms().saturating_sub(handler))
    }
}

/// Reads a history in the format of the AWS CLI.
///
/// # Errors
/// If it has no events, or an event has no id, type, or time.
pub fn timeline(history: &Value) -> anyhow::Result<Timeline> {
    let events = history["events"].as_array().context("the history has no events")?;
    let start = time_ms(events.first().context("the history is empty")?)?;
    let mut places: HashMap<u64, Place> = HashMap::new();
    let mut timeline = Timeline { duration_ms: 0, attempts: Vec::new(), transitions: 0 };
    for event in events {
        let id = event["id"].as_u64().context("an event has no id")?;
        let kind = event["type"].as_str().with_context(|| format!("event {id} has no type"))?;
        let at_ms = time_ms(event)?.checked_sub(start).with_context(|| format!("event {id} is before the first"))?;
        let previous = event["previousEventId"].as_u64().unwrap_or(0);
        ensure!(previous < id, "event {id} follows event {previous}");
        let mut place = places.get(&previous).cloned().unwrap_or_default();
        timeline.duration_ms = timeline.duration_ms.max(at_ms);
        match kind {
            "MapIterationStarted" => place.chunk = event["mapIterationStartedEventDetails"]["index"].as_u64(),
            "MapStateSucceeded" | "MapStateFailed" | "MapStateAborted" => place.chunk = None,
            "TaskScheduled" | "LambdaFunctionScheduled" => {
                // A second attempt of one state is a retry, which is charged as a transition.
                timeline.transitions += u64::from(place.attempt.is_some());
                place.attempt = Some(timeline.attempts.len());
                timeline.attempts.push(place.scheduled(Call::of(event), at_ms));
            }
            "TaskStarted" | "LambdaFunctionStarted" => {
                if let Some(attempt) = place.attempt.and_then(|i| timeline.attempts.get_mut(i)) {
                    attempt.started_ms = Some(at_ms);
                }
            }
            _ if kind.ends_with("StateEntered") => {
                timeline.transitions += 1;
                place.state = event["stateEnteredEventDetails"]["name"].as_str().unwrap_or_default().to_owned();
                place.attempt = None;
            }
            _ => {
                if let (Some(end), Some(attempt)) =
                    (End::of(event, kind), place.attempt.and_then(|i| timeline.attempts.get_mut(i)))
                {
                    attempt.ended_ms = Some(at_ms);
                    attempt.error = end.error;
                    attempt.handler_ms = end.handler_ms;
                    attempt.request_id = end.request_id;
                    // A distributed Map has no iterations in the history, but its answers have the index.
                    if let (Step::Other, Some(index)) = (attempt.step, end.chunk) {
                        attempt.step = Step::Chunk(index);
                    }
                }
            }
        }
        places.insert(id, place);
    }
    Ok(timeline)
}

/// The place of an event in the state machine.
#[derive(Debug, Clone, Default)]
struct Place {
    state: String,
    chunk: Option<u64>,
    attempt: Option<usize>,
}

impl Place {
    /// The action decides which step a call belongs to. Where the history has none, place and name of the state do.
    fn scheduled(&self, call: Call, at_ms: u64) -> Attempt {
        let step = match (call.action.as_deref(), call.chunk.or(self.chunk)) {
            (Some("plan"), _) => Step::Plan,
            (Some("assemble"), _) => Step::Assemble,
            (Some("renderChunk") | None, Some(index)) => Step::Chunk(index),
            (Some(_), _) => Step::Other,
            (None, None) if self.state.starts_with("Plan") => Step::Plan,
            (None, None) if self.state.starts_with("Assemble") => Step::Assemble,
            (None, None) => Step::Other,
        };
        Attempt {
            step,
            state: self.state.clone(),
            function: call.function,
            action: call.action,
            scheduled_ms: at_ms,
            ..Attempt::default()
        }
    }
}

/// What an event says about the call that it schedules.
#[derive(Debug, Default)]
struct Call {
    function: Option<String>,
    action: Option<String>,
    chunk: Option<u64>,
}

impl Call {
    fn of(event: &Value) -> Self {
        let parsed = |text: &Value| text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let direct = &event["lambdaFunctionScheduledEventDetails"];
        let parameters = parsed(&event["taskScheduledEventDetails"]["parameters"]).unwrap_or_default();
        let payload = parsed(&direct["input"]).or_else(|| parameters.get("Payload").cloned()).unwrap_or_default();
        let named = direct["resource"].as_str().or(parameters["FunctionName"].as_str());
        Self {
            function: named.map(|name| function_name(name).to_owned()),
            action: payload["Action"].as_str().map(str::to_owned),
            chunk: payload["ChunkIndex"].as_u64(),
        }
    }
}

/// The name in what names a function: an ARN, `account:function:name`, or `name:version`.
pub fn function_name(named: &str) -> &str {
    let name = named.rsplit(":function:").next().unwrap_or(named);
    name.split(':').next().unwrap_or(name)
}

/// How an attempt ended.
struct End {
    error: Option<String>,
    handler_ms: Option<u64>,
    request_id: Option<String>,
    chunk: Option<u64>,
}

impl End {
    fn of(event: &Value, kind: &str) -> Option<Self> {
        let attempt = kind.strip_prefix("Task").or(kind.strip_prefix("LambdaFunction"))?;
        match attempt {
            "Succeeded" => {
                let details = ["taskSucceededEventDetails", "lambdaFunctionSucceededEventDetails"];
                let output = details.iter().find_map(|key| event[*key]["output"].as_str());
                let output: Value = output.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                let payload = output.get("Payload").unwrap_or(&output);
                Some(Self {
                    error: None,
                    handler_ms: payload["DurationMs"].as_f64().map(|ms| ms as u64),
                    request_id: output["SdkResponseMetadata"]["RequestId"].as_str().map(str::to_owned),
                    chunk: payload["ChunkIndex"].as_u64(),
                })
            }
            "Failed" | "TimedOut" | "StartFailed" | "SubmitFailed" | "ScheduleFailed" => {
                let details = event.as_object()?.iter().find(|(key, _)| key.ends_with("EventDetails"))?.1;
                let error = details["error"].as_str().unwrap_or(attempt).to_owned();
                Some(Self { error: Some(error), handler_ms: None, request_id: None, chunk: None })
            }
            _ => None,
        }
    }
}

/// An event's time, ms since 1970.
fn time_ms(event: &Value) -> anyhow::Result<u64> {
    let text = event["timestamp"].as_str().context("an event has no time")?;
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset);
    let time = time.with_context(|| format!("an event has the time {text:?}"))?;
    let ms = time.to_millis().with_context(|| format!("an event has the time {text:?}"))?;
    u64::try_from(ms).with_context(|| format!("an event has the time {text:?}"))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
