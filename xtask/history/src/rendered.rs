//! What a successful execution reports about its plan, its chunks, and its assembly.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the handler reported about one successful render.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rendered {
    /// The plan.
    pub plan: PlanFacts,
    /// The chunks, in the order in which they were completed.
    pub chunks: Vec<ChunkFacts>,
    /// How many frames Assemble wrote.
    pub assembled_frames: u64,
}

/// What Plan reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFacts {
    /// Chunks that ran, which may be fewer than were requested.
    pub chunk_count: u64,
    /// Frames of the composition.
    pub total_frames: u64,
    /// The version of the ffmpeg that encoded the chunks.
    pub ffmpeg_version: Option<String>,
    /// The renderer's version.
    pub producer_version: Option<String>,
    /// `v2`, or `None` for v1, which the handler does not name.
    pub protocol: Option<String>,
}

impl PlanFacts {
    /// The name of the protocol that was used.
    pub fn protocol_ran(&self) -> &str {
        self.protocol.as_deref().unwrap_or("v1")
    }
}

/// What one RenderChunk reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkFacts {
    /// The chunk's index, from 0.
    pub index: u64,
    /// Frames in the chunk.
    pub frames_encoded: u64,
    /// The SHA-256 of the encoded chunk.
    pub sha256: Option<String>,
    /// The run time of the handler, ms.
    pub duration_ms: Option<u64>,
    /// `beginframe` or `screenshot`.
    pub capture_mode: Option<String>,
}

/// Reads the handler's answers from a history in the format of the AWS CLI. They are in
/// `taskSucceededEventDetails.output`, under `Payload`.
///
/// # Errors
/// If the answer of Plan or Assemble is missing, or an answer lacks a field. A render with an
/// incomplete history cannot be checked.
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
        ensure!(details["outputDetails"]["truncated"] != true, "the service left an answer out of the history");
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

/// Recognizes an answer that names no action by the fields that only this action has.
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
    use crate::tests::recorded;

    #[test]
    fn plan_chunks_and_assembly_are_read_from_recorded_renders() {
        for (name, chunks, protocol) in [("success-n4-v2", 4, Some("v2")), ("success-n2-v1", 2, None)] {
            let found = rendered(&recorded(name)).unwrap();
            assert_eq!(
                (found.plan.chunk_count, found.plan.total_frames, found.assembled_frames),
                (chunks, 60, 60),
                "{name}"
            );
            assert_eq!(found.plan.protocol.as_deref(), protocol);
            assert_eq!(found.chunks.iter().map(|c| c.frames_encoded).sum::<u64>(), 60);
            assert_eq!(found.chunks.len() as u64, chunks);
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
    fn answers_without_an_action_are_recognized_by_their_fields() {
        let unnamed = answered(|payload| {
            payload.as_object_mut().unwrap().shift_remove("Action");
        });
        assert_eq!(rendered(&unnamed).unwrap(), rendered(&recorded("success-n4-v2")).unwrap());
        // A count alone does not make an answer a plan's, nor an index alone a chunk's.
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
    fn the_protocol_is_v1_if_no_answer_names_it() {
        let ran = |name: &str| rendered(&recorded(name)).unwrap().plan.protocol_ran().to_owned();
        assert_eq!(["success-n4-v2", "success-n2-v1"].map(ran), ["v2", "v1"]);
    }

    #[test]
    fn a_history_without_the_answer_of_plan_or_assemble_is_an_error() {
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
            assert!(events.len() < before, "no answer of {action} was removed");
            assert!(rendered(&history).is_err(), "{action}");
        }
        assert!(rendered(&recorded("protocol-refused")).is_err());
    }
}
