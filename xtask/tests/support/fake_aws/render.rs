//! How executions go, and the history that they leave.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::video::Video;

/// How the executions of an account go: all alike, or some chunk counts apart.
#[derive(Debug, Default)]
pub(crate) struct Renders {
    pub(crate) usual: Render,
    pub(crate) special: BTreeMap<u64, Render>,
    /// By the fixture's name; these win over chunk counts.
    pub(crate) of_fixture: BTreeMap<String, Render>,
    /// By which execution it is, from 1; these win over all.
    pub(crate) nth: BTreeMap<usize, Render>,
    /// The video that executions by the older plan protocol deliver, where it is another.
    pub(crate) v1: Option<Vec<u8>>,
}

/// How one execution goes.
#[derive(Debug, Clone)]
pub(crate) struct Render {
    /// The video that is delivered.
    pub(crate) video: Vec<u8>,
    /// Frames that Plan finds.
    pub(crate) frames: u64,
    /// Chunks that Plan makes; else as many as the chunk size gives.
    pub(crate) planned: Option<u64>,
    /// Frames that Assemble claims to have written.
    pub(crate) assembled: u64,
    /// How often a poll finds it running.
    pub(crate) polls: u32,
    /// When it ends, s since 1970: between two polls, as no polling would measure.
    pub(crate) ended: f64,
    pub(crate) end: End,
    /// The protocol that runs whatever was asked for.
    pub(crate) protocol: Option<&'static str>,
    /// How much longer Plan runs than its handler, as with a cold start, s.
    pub(crate) start: f64,
    /// How often the history is asked for before its last events are in it.
    pub(crate) history_lag: u32,
}

/// How an execution ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Succeeds,
    /// RenderChunk fails with this error and this message.
    Fails(&'static str, &'static str),
    /// Only StopExecution ends it.
    Never,
    /// The same, while Lambda refuses its second call for a chunk.
    Throttled,
}

impl Default for Render {
    fn default() -> Self {
        Self {
            video: Video::default().bytes(),
            frames: 60,
            planned: None,
            assembled: 60,
            polls: 0,
            ended: 1_700_000_006.375,
            end: End::Succeeds,
            protocol: None,
            start: 0.0,
            history_lag: 0,
        }
    }
}

impl Renders {
    /// How the `nth` execution goes, which has this input.
    pub(crate) fn of(&self, input: &Value, nth: usize) -> &Render {
        let asked = input["Config"]["maxParallelChunks"].as_u64().unwrap_or_default();
        let project = input["ProjectS3Uri"].as_str().unwrap_or_default();
        let fixture = project.rsplit('/').next().unwrap_or_default().trim_end_matches(".tar.gz");
        let special = self.nth.get(&nth).or_else(|| self.of_fixture.get(fixture));
        special.or_else(|| self.special.get(&asked)).unwrap_or(&self.usual)
    }
}

/// When every execution starts, s since 1970.
pub(crate) const STARTED: f64 = 1_700_000_000.25;

impl Render {
    /// All events of the execution, as the service sends them.
    pub(crate) fn history(&self, input: &Value) -> Vec<Value> {
        let uri = input["OutputS3Uri"].as_str().unwrap_or_default();
        let execution = uri.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let mut events = Events { execution, start: self.start, delay: 0.0, events: Vec::new() };
        events.add("ExecutionStarted", json!({"executionStartedEventDetails": {"input": input.to_string()}}));
        let size =
            self.planned.map_or_else(|| size(&input["Config"], self.frames), |chunks| self.frames.div_ceil(chunks));
        let chunks = self.planned.unwrap_or_else(|| self.frames.div_ceil(size));
        let protocol = self.protocol.map_or_else(|| input["PlanProtocol"].clone(), Into::into);
        let plan = json!({
            "Action": "plan", "PlanProtocol": protocol, "PlanHash": "0", "ChunkCount": chunks,
            "TotalFrames": self.frames, "Fps": 30, "Width": 64, "Height": 36, "Format": "mp4", "HasAudio": false,
            "PlanV2ManifestS3Uri": "s3://b/plan.json", "DurationMs": 5,
        });
        events.task("Plan", &plan);
        if let End::Fails(error, message) = self.end {
            events.failed_task("RenderChunk", error, message);
            return events.events;
        }
        if self.end == End::Throttled {
            let refused = json!({"error": "Lambda.TooManyRequestsException", "cause": "Rate Exceeded."});
            for _ in 0..2 {
                events.enter("RenderChunk");
                events.add("TaskFailed", json!({"taskFailedEventDetails": refused}));
            }
            return events.events;
        }
        let mut left = self.frames;
        for index in 0..chunks {
            let frames = if index + 1 == chunks { left } else { left.min(size) };
            left -= frames;
            let uri = format!("s3://b/chunk-{index}.mp4");
            let sha256 = format!("{:064}", index);
            let chunk = json!({"ChunkS3Uri": uri, "ChunkIndex": index, "Sha256": sha256, "FramesEncoded": frames, "DurationMs": 7.5});
            events.task("RenderChunk", &chunk);
        }
        let assembled =
            json!({"Action": "assemble", "OutputS3Uri": input["OutputS3Uri"], "FramesEncoded": self.assembled});
        events.task("Assemble", &assembled);
        events.add("ExecutionSucceeded", json!({"executionSucceededEventDetails": {"output": "{}"}}));
        events.events
    }
}

/// Frames a chunk that the planner makes of what it is asked for: no more chunks than it may, and
/// none of them empty. The last one has the rest.
fn size(config: &Value, frames: u64) -> u64 {
    let (size, most) = (config["chunkSize"].as_u64().unwrap(), config["maxParallelChunks"].as_u64().unwrap());
    size.max(frames.div_ceil(frames.div_ceil(size).min(most)))
}

/// Numbered events, each a tenth of a second after the one before.
struct Events {
    execution: String,
    /// How much longer the next task runs, s.
    start: f64,
    /// How much later all that follows is, s.
    delay: f64,
    events: Vec<Value>,
}

impl Events {
    fn add(&mut self, kind: &str, details: Value) {
        let before = self.events.len();
        let mut event = json!({
            "id": before + 1, "previousEventId": before, "type": kind, "timestamp": STARTED + 0.1 * before as f64 + self.delay,
        });
        let (Value::Object(event_fields), Value::Object(details)) = (&mut event, details) else { unreachable!() };
        event_fields.extend(details);
        self.events.push(event);
    }

    fn enter(&mut self, state: &str) {
        self.add("TaskStateEntered", json!({"stateEnteredEventDetails": {"name": state, "input": "{}"}}));
        self.add(
            "TaskScheduled",
            json!({"taskScheduledEventDetails": {"resource": "invoke", "resourceType": "lambda"}}),
        );
        self.add("TaskStarted", json!({"taskStartedEventDetails": {"resource": "invoke", "resourceType": "lambda"}}));
    }

    fn task(&mut self, state: &str, payload: &Value) {
        self.enter(state);
        self.delay += std::mem::take(&mut self.start);
        // Unique in the account: the prefix of the output ends with the name of the execution.
        let request = json!({"RequestId": format!("{}-{}", self.execution, self.events.len())});
        let output = json!({
            "ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200, "SdkResponseMetadata": request,
        });
        let output = output.to_string();
        let details = json!({"output": output, "outputDetails": {"truncated": false}, "resource": "invoke"});
        self.add("TaskSucceeded", json!({"taskSucceededEventDetails": details}));
        self.add("TaskStateExited", json!({"stateExitedEventDetails": {"name": state, "output": "{}"}}));
    }

    fn failed_task(&mut self, state: &str, error: &str, message: &str) {
        self.enter(state);
        let cause = json!({"errorType": error, "errorMessage": message, "trace": ["at handler"]}).to_string();
        self.add("TaskFailed", json!({"taskFailedEventDetails": {"error": error, "cause": cause}}));
        self.add("ExecutionFailed", json!({"executionFailedEventDetails": {"error": error, "cause": cause}}));
    }
}
