//! Artifact folders of executions that never ran, shaped as the recorded histories in
//! `tests/data/histories`: Plan, a Map over chunks with retries, Assemble.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// What one execution did.
#[derive(Clone, Copy)]
pub(crate) struct Execution {
    /// Chunks of its Map.
    pub(crate) chunks: u64,
    /// Attempts of each chunk, the last of which succeeds.
    pub(crate) attempts: u64,
}

/// Writes the folder of a smoke run that rendered `executions`, each of 30 frames a chunk;
/// gives the size of their histories, bytes, and the number of their events.
pub(crate) fn write_artifacts(dir: &Path, executions: &[Execution]) -> (u64, usize) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/artifacts/smoke");
    fs::create_dir(dir.join("renders")).unwrap();
    fs::copy(kept.join("run.json"), dir.join("run.json")).unwrap();
    let rows: Value = serde_json::from_slice(&fs::read(kept.join("results.json")).unwrap()).unwrap();
    let (mut bytes, mut events) = (0, 0);
    let written = executions.iter().enumerate().map(|(nth, execution)| {
        let stem = format!("renders/{nth}");
        let history = history(*execution);
        events += history["events"].as_array().unwrap().len();
        let text = serde_json::to_string_pretty(&history).unwrap();
        bytes += text.len() as u64;
        fs::write(dir.join(format!("{stem}-history.json")), text).unwrap();
        fs::write(dir.join(format!("{stem}-frames.csv")), frames_csv(execution.chunks * 30)).unwrap();
        let mut row = rows[1].clone();
        row["history"] = format!("{stem}-history.json").into();
        row["frames"] = format!("{stem}-frames.csv").into();
        row["plannedChunkCount"] = execution.chunks.into();
        row
    });
    let results: Value = written.collect();
    fs::write(dir.join("results.json"), results.to_string()).unwrap();
    (bytes, events)
}

/// A history in the shape that this tool saves.
fn history(execution: Execution) -> Value {
    let mut written = Written::default();
    let plan = written.start();
    let planned = written.task("PlanV2", plan, 50, 3_000, &json!({"Action": "plan", "ChunkCount": execution.chunks}));
    let entered = json!({"name": "RenderChunksV2", "input": long_input("RenderChunksV2")});
    let map = written.event(3_010, "MapStateEntered", planned, "stateEnteredEventDetails", entered);
    let length = json!({"length": execution.chunks});
    let map = written.event(3_010, "MapStateStarted", map, "mapStateStartedEventDetails", length);
    let last = (0..execution.chunks).map(|index| written.chunk(map, index, execution.attempts)).last();
    let done = written.event(90_000, "MapStateSucceeded", last.unwrap_or(map), "", Value::Null);
    let assembled =
        written.task("AssembleV2", done, 90_010, 93_000, &json!({"Action": "assemble", "FramesEncoded": 60}));
    let end = json!({"output": long_input("AssembleV2"), "outputDetails": {"truncated": false}});
    written.event(93_100, "ExecutionSucceeded", assembled, "executionSucceededEventDetails", end);
    json!({"events": written.0})
}

/// The events so far.
#[derive(Default)]
struct Written(Vec<Value>);

impl Written {
    fn start(&mut self) -> u64 {
        let details = json!({"input": long_input("start"), "roleArn": "arn:aws:iam::123456789012:role/hf-smoke-role"});
        self.event(0, "ExecutionStarted", 0, "executionStartedEventDetails", details)
    }

    fn event(&mut self, ms: u64, kind: &str, previous: u64, key: &str, details: Value) -> u64 {
        let id = self.0.len() as u64 + 1;
        let at = format!("2026-11-21T06:{:02}:{:02}.{:03}000+00:00", 10 + ms / 60_000, ms / 1000 % 60, ms % 1000);
        let mut event = json!({"timestamp": at, "type": kind, "id": id, "previousEventId": previous});
        if !key.is_empty() {
            event[key] = details;
        }
        self.0.push(event);
        id
    }

    fn chunk(&mut self, map: u64, index: u64, attempts: u64) -> u64 {
        let begun = 3_020 + index * 37 % 20_000;
        let details = json!({"name": "RenderChunksV2", "index": index});
        let mut last =
            self.event(begun, "MapIterationStarted", map, "mapIterationStartedEventDetails", details.clone());
        let entered = json!({"name": "RenderChunkV2", "input": long_input("RenderChunkV2"), "inputDetails": {"truncated": false}});
        last = self.event(begun, "TaskStateEntered", last, "stateEnteredEventDetails", entered);
        for attempt in 1..attempts {
            let at = begun + attempt * 500;
            last = self.called(last, at);
            let details = json!({"resourceType": "lambda", "resource": "invoke", "error": "Lambda.TooManyRequestsException",
                "cause": json!({"errorType": "Lambda.TooManyRequestsException", "errorMessage": "Rate Exceeded",
                    "trace": vec!["    at handler (file:///var/task/index.mjs:3:71)"; 5]}).to_string()});
            last = self.event(at + 300, "TaskFailed", last, "taskFailedEventDetails", details);
        }
        let at = begun + attempts * 500;
        last = self.called(last, at);
        let payload = json!({"Action": "renderChunk", "ChunkIndex": index, "FramesEncoded": 30, "DurationMs": 3_900,
            "ChunkS3Uri": format!("s3://hf-smoke-def-123456789012/renders/iam-N4/chunks/{index:04}.mp4"),
            "Sha256": format!("{index:064x}"), "CaptureMode": "beginframe"});
        last =
            self.event(at + 4_000 + index % 977, "TaskSucceeded", last, "taskSucceededEventDetails", answer(&payload));
        let exited =
            json!({"name": "RenderChunkV2", "output": payload.to_string(), "outputDetails": {"truncated": false}});
        last = self.event(at + 5_000, "TaskStateExited", last, "stateExitedEventDetails", exited);
        self.event(at + 5_000, "MapIterationSucceeded", last, "mapIterationSucceededEventDetails", details)
    }

    fn task(&mut self, name: &str, after: u64, from: u64, to: u64, payload: &Value) -> u64 {
        let entered = json!({"name": name, "input": long_input(name), "inputDetails": {"truncated": false}});
        let last = self.event(from, "TaskStateEntered", after, "stateEnteredEventDetails", entered);
        let last = self.called(last, from);
        let last = self.event(to, "TaskSucceeded", last, "taskSucceededEventDetails", answer(payload));
        let exited = json!({"name": name, "output": long_input(name), "outputDetails": {"truncated": false}});
        self.event(to, "TaskStateExited", last, "stateExitedEventDetails", exited)
    }

    fn called(&mut self, after: u64, at: u64) -> u64 {
        let details = json!({"resourceType": "lambda", "resource": "invoke", "region": "us-east-1",
            "parameters": json!({"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:hf-smoke-def-render",
                "Payload": long_input("renderChunk")}).to_string()});
        let last = self.event(at, "TaskScheduled", after, "taskScheduledEventDetails", details);
        let started = json!({"resourceType": "lambda", "resource": "invoke"});
        self.event(at + 20, "TaskStarted", last, "taskStartedEventDetails", started)
    }
}

/// What a state is given: some 450 bytes of JSON in a string.
fn long_input(of: &str) -> String {
    json!({"Action": of, "ChunkOutputS3Prefix": "s3://hf-smoke-def-123456789012/renders/iam-N4/", "Format": "mp4",
        "PlanHash": "6978db639472bd29ec2ffa15b9fa246b5941c518a3de58822337bb4431567c2f", "PlanProtocol": "v2",
        "PlanV2ArtifactS3Prefix": "s3://hf-smoke-def-123456789012/renders/iam-N4/v2/artifacts/sha256",
        "PlanV2ManifestS3Uri": "s3://hf-smoke-def-123456789012/renders/iam-N4/v2/manifest.json"})
    .to_string()
}

fn answer(payload: &Value) -> Value {
    let output = json!({"ExecutedVersion": "$LATEST", "Payload": payload, "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": "8f3a01ab-f367-4f24-99c0-561188c6d706"}, "StatusCode": 200});
    json!({"resourceType": "lambda", "resource": "invoke", "output": output.to_string(), "outputDetails": {"truncated": false}})
}

fn frames_csv(frames: u64) -> String {
    let row = |frame: u64| {
        let level = 46.0 + 3.0 * (frame as f64 / 200.0).sin();
        format!("{frame},{:.6},{level:.2},{frame:032x}\n", frame as f64 / 30.0)
    };
    std::iter::once("frame,timeS,psnrDb,md5\n".to_owned()).chain((0..frames).map(row)).collect()
}
