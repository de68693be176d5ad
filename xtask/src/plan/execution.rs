//! The input of a render's execution.

use serde_json::{Value, json};

use super::{PlanProtocol, PlannedRender, RenderSettings};
use crate::names::RunId;

/// Where an execution reads and writes: all in the render bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionInput {
    /// Key of the packed composition.
    pub project_key: String,
    /// Key of the finished video.
    pub output_key: String,
    /// The JSON that StartExecution takes.
    pub json: Value,
}

impl ExecutionInput {
    /// The input of the execution called `name`.
    pub fn new(
        bucket: &str,
        project_key: &str,
        name: &str,
        protocol: PlanProtocol,
        settings: &RenderSettings,
        render: &PlannedRender,
    ) -> Self {
        let output_key = format!("renders/{name}/output.mp4");
        let mut config = settings.forwarded.clone();
        config.insert("fps".into(), json!(settings.fps.get()));
        config.insert("width".into(), json!(settings.width));
        config.insert("height".into(), json!(settings.height));
        config.insert("format".into(), json!("mp4"));
        config.insert("chunkSize".into(), json!(render.chunk_size.get()));
        config.insert("maxParallelChunks".into(), json!(render.chunk_count.get()));
        config.insert("runtimeCap".into(), json!("lambda"));
        let json = json!({
            "ProjectS3Uri": format!("s3://{bucket}/{project_key}"),
            "PlanOutputS3Prefix": format!("s3://{bucket}/renders/{name}/"),
            "OutputS3Uri": format!("s3://{bucket}/{output_key}"),
            "PlanProtocol": protocol,
            "Config": config,
        });
        Self { project_key: project_key.to_owned(), output_key, json }
    }
}

/// `smoke-N<N>-<epoch>-<run>`: unique in the state machine, and idempotent to start again.
pub fn execution_name(render: &PlannedRender, epoch_s: u64, run: &RunId) -> String {
    format!("smoke-N{}-{epoch_s}-{}", render.chunk_count, run.short())
}
