//! What a successful execution tells of its plan, its chunks and its assembly.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The facts of one successful render.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rendered {
    /// What Plan made.
    pub plan: PlanFacts,
    /// What each RenderChunk made, in order of completion.
    pub chunks: Vec<ChunkFacts>,
    /// Frames that Assemble says it wrote.
    pub assembled_frames: u64,
}

/// What Plan made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFacts {
    /// Chunks that really ran, whatever was asked for.
    pub chunk_count: u64,
    /// Frames of the composition.
    pub total_frames: u64,
    /// The ffmpeg that encoded the chunks, as it names itself.
    pub ffmpeg_version: Option<String>,
    /// The version of the renderer.
    pub producer_version: Option<String>,
    /// `v2`; the handler does not name `v1`.
    pub protocol: Option<String>,
}

impl PlanFacts {
    /// The protocol that ran, by name.
    pub fn protocol_ran(&self) -> &str {
        self.protocol.as_deref().unwrap_or("v1")
    }
}

/// What one RenderChunk made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkFacts {
    /// From 0.
    pub index: u64,
    /// Frames in the chunk.
    pub frames_encoded: u64,
    /// Of the encoded chunk.
    pub sha256: Option<String>,
    /// The handler's own time, ms.
    pub duration_ms: Option<u64>,
    /// `beginframe` or `screenshot`.
    pub capture_mode: Option<String>,
}

/// Reads the facts from a history in the CLI's shape: the handler's answers
/// are in `taskSucceededEventDetails.output`, under `Payload`.
///
/// # Errors
/// When Plan's or Assemble's answer is missing, or an answer lacks a field:
/// a render whose history is incomplete is not known to be right.
pub fn rendered(history: &Value) -> anyhow::Result<Rendered> {
    let payloads = payloads(history)?;
    let of = |action: &'static str| payloads.iter().filter(move |p| p["Action"] == action);
    let plan = of("plan").next().context("the history has no answer of Plan")?;
    let assemble = of("assemble").next_back().context("the history has no answer of Assemble")?;
    Ok(Rendered {
        plan: PlanFacts {
            chunk_count: number(plan, "ChunkCount")?,
            total_frames: number(plan, "TotalFrames")?,
            ffmpeg_version: text(plan, "FfmpegVersion"),
            producer_version: text(plan, "ProducerVersion"),
            protocol: text(plan, "PlanProtocol"),
        },
        chunks: payloads.iter().filter(|p| is_chunk(p)).map(chunk).collect::<anyhow::Result<_>>()?,
        assembled_frames: number(assemble, "FramesEncoded")?,
    })
}

fn payloads(history: &Value) -> anyhow::Result<Vec<Value>> {
    let events = history["events"].as_array().context("the history has no events")?;
    let mut payloads = Vec::new();
    for details in events.iter().filter_map(|e| e.get("taskSucceededEventDetails")) {
        ensure!(details["outputDetails"]["truncated"] != true, "the service cut an answer out of the history");
        let output = details["output"].as_str().context("a task's answer is not in the history")?;
        let output: Value = serde_json::from_str(output).context("a task's answer is not JSON")?;
        let mut payload = output.get("Payload").cloned().unwrap_or(output);
        if payload.get("Action").is_none()
            && let Some(action) = action_by_shape(&payload)
        {
            payload["Action"] = action.into();
        }
        payloads.push(payload);
    }
    Ok(payloads)
}

/// Answers that name no action are told apart by the fields that only they have.
fn action_by_shape(payload: &Value) -> Option<&'static str> {
    let has = |key: &str| payload.get(key).is_some();
    if has("ChunkCount") && has("PlanHash") {
        Some("plan")
    } else if has("OutputS3Uri") {
        Some("assemble")
    } else {
        None
    }
}

fn is_chunk(payload: &Value) -> bool {
    payload.get("ChunkS3Uri").is_some() && payload.get("ChunkIndex").is_some()
}

fn chunk(payload: &Value) -> anyhow::Result<ChunkFacts> {
    Ok(ChunkFacts {
        index: number(payload, "ChunkIndex")?,
        frames_encoded: number(payload, "FramesEncoded")?,
        sha256: text(payload, "Sha256"),
        duration_ms: payload["DurationMs"].as_f64().map(|ms| ms as u64),
        capture_mode: text(payload, "CaptureMode"),
    })
}

fn number(payload: &Value, key: &str) -> anyhow::Result<u64> {
    payload[key].as_u64().with_context(|| format!("the handler's answer has no {key}"))
}

fn text(payload: &Value, key: &str) -> Option<String> {
    payload[key].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(name: &str) -> Value {
        let path = format!("{}/../tests/data/histories/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn recorded_renders_tell_plan_chunks_and_assembly() {
        for (name, chunks, protocol) in [("success-n4-v2", 4, Some("v2")), ("success-n2-v1", 2, None)] {
            let told = rendered(&recorded(name)).unwrap();
            assert_eq!(
                (told.plan.chunk_count, told.plan.total_frames, told.assembled_frames),
                (chunks, 60, 60),
                "{name}"
            );
            assert_eq!(told.plan.protocol.as_deref(), protocol);
            assert_eq!(told.chunks.iter().map(|c| c.frames_encoded).sum::<u64>(), 60);
            assert_eq!(told.chunks.len() as u64, chunks);
        }
    }

    /// The recorded history with each answer changed.
    fn answered(change: impl Fn(&mut Value)) -> Value {
        let mut history = recorded("success-n4-v2");
        for event in history["events"].as_array_mut().unwrap() {
            let Some(text) = event["taskSucceededEventDetails"]["output"].as_str() else { continue };
            let mut output: Value = serde_json::from_str(text).unwrap();
            change(&mut output["Payload"]);
            event["taskSucceededEventDetails"]["output"] = output.to_string().into();
        }
        history
    }

    #[test]
    fn answers_that_name_no_action_are_known_by_their_fields() {
        let unnamed = answered(|payload| {
            payload.as_object_mut().unwrap().shift_remove("Action");
        });
        assert_eq!(rendered(&unnamed).unwrap(), rendered(&recorded("success-n4-v2")).unwrap());
        // Neither a count alone is a plan's answer, nor an index alone a chunk's.
        let without = |key: &'static str| {
            rendered(&answered(|payload| {
                let fields = payload.as_object_mut().unwrap();
                fields.shift_remove("Action");
                fields.shift_remove(key);
            }))
        };
        assert!(without("PlanHash").is_err() && without("OutputS3Uri").is_err());
        assert!(without("ChunkS3Uri").unwrap().chunks.is_empty());
    }

    #[test]
    fn the_protocol_that_no_answer_names_is_the_first() {
        let ran = |name: &str| rendered(&recorded(name)).unwrap().plan.protocol_ran().to_owned();
        assert_eq!(["success-n4-v2", "success-n2-v1"].map(ran), ["v2", "v1"]);
    }

    #[test]
    fn a_history_without_an_answer_of_plan_or_assemble_tells_nothing() {
        for action in ["plan", "assemble"] {
            let mut history = recorded("success-n4-v2");
            let events = history["events"].as_array_mut().unwrap();
            events.retain(|e| {
                !e["taskSucceededEventDetails"]["output"]
                    .as_str()
                    .unwrap_or_default()
                    .contains(&format!("\"Action\": \"{action}\""))
            });
            let before = recorded("success-n4-v2")["events"].as_array().unwrap().len();
            assert!(events.len() < before, "no answer of {action} was taken out");
            assert!(rendered(&history).is_err(), "{action}");
        }
        assert!(rendered(&recorded("protocol-refused")).is_err());
    }
}
