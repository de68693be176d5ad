//! The input of a render's execution.

use execution_history::chunking::{PlanProtocol, RenderId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::project::{
    fixture::format::RenderFormat,
    names::RunId,
    plan::{PlannedRender, RenderSettings},
};

/// What an execution reads and writes, all of it in the render bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionInput {
    /// Key of the packed composition.
    pub project_key: String,
    /// Key of the delivered file.
    pub output_key: String,
    /// The JSON that StartExecution takes.
    pub json: Value,
}

impl ExecutionInput {
    /// The input of the execution `name`. `protocol` is `None` if the template does not let the input choose.
    pub fn new(
        bucket: &str,
        project_key: &str,
        name: &str,
        settings: &RenderSettings,
        render: &PlannedRender,
        protocol: Option<PlanProtocol>,
    ) -> Self {
        let output_key = format!("renders/{name}/output.{}", settings.format.extension());
        let mut config = settings.forwarded.clone();
        if settings.format == RenderFormat::PngSequence {
            // The planner refuses a codec if nothing is encoded.
            config.shift_remove("codec");
        }
        config.insert("fps".into(), json!(settings.fps.get()));
        config.insert("width".into(), json!(settings.width));
        config.insert("height".into(), json!(settings.height));
        config.insert("format".into(), json!(settings.format.handler_name()));
        config.insert("chunkSize".into(), json!(render.sent_chunk_size.get()));
        config.insert("maxParallelChunks".into(), json!(render.id.chunk_count.get()));
        config.insert("runtimeCap".into(), json!("lambda"));
        let mut json = json!({
            "ProjectS3Uri": format!("s3://{bucket}/{project_key}"),
            "PlanOutputS3Prefix": format!("s3://{bucket}/renders/{name}/"),
            "OutputS3Uri": format!("s3://{bucket}/{output_key}"),
            "Config": config,
        });
        if let Some(protocol) = protocol {
            json["PlanProtocol"] = json!(protocol);
        }
        Self { project_key: project_key.to_owned(), output_key, json }
    }
}

/// `smoke-N<N>-<epoch>-<run>`, in a run of several fixtures `smoke-<fixture>-N<N>-<epoch>-<run>`: unique in the state
/// machine, so that starting it twice is harmless.
pub fn execution_name(fixture: Option<&str>, render: RenderId, epoch_s: u64, run: &RunId) -> String {
    let fixture = fixture.map(|fixture| fitting(fixture) + "-").unwrap_or_default();
    format!("smoke-{fixture}{}-{epoch_s}-{}", render.file_stem(), run.short())
}

/// `eval-<fixture>-<epoch>-<iteration>`, in a sweep `eval-<fixture>-N<N>-<epoch>-<iteration>`.
pub fn eval_execution_name(fixture: &str, of_sweep: Option<RenderId>, epoch_s: u64, iteration: &str) -> String {
    let split = of_sweep.map(|id| format!("{}-", id.file_stem())).unwrap_or_default();
    format!("eval-{}-{split}{epoch_s}-{iteration}", fitting(fixture))
}

/// A fixture's name as a part of an execution's name, which has at most 80 letters, digits, hyphens, and underscores.
/// The folder of a fixture may have any name, so a name that does not fit is shortened and ends with a hash.
fn fitting(fixture: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match fixture.len() <= LONGEST_FIXTURE && fixture.chars().all(fits) {
        true => fixture.to_owned(),
        false => {
            let kept: String =
                fixture.chars().map(|c| if fits(c) { c } else { '-' }).take(LONGEST_FIXTURE - 7).collect();
            format!("{kept}-{}", hex::encode(&Sha256::digest(fixture)[..3]))
        }
    }
}

/// This leaves room for `eval-`, a memory and a split, ten digits of seconds, and a round.
const LONGEST_FIXTURE: usize = 40;

#[cfg(test)]
mod tests {
    use execution_history::chunking::{ChunkCount, ChunkSize, RenderId};

    use super::*;
    use crate::project::fixture::{
        format::{LambdaFps, RenderFormat},
        meta::VideoFormat,
    };

    #[test]
    fn the_names_of_an_evals_executions_fit() {
        let id = RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(256).unwrap(), memory_mb: None };
        let name = |fixture: &str, of_sweep| eval_execution_name(fixture, of_sweep, 1_700_000_000, "w100");
        assert_eq!(name("many-cuts", None), "eval-many-cuts-1700000000-w100");
        assert_eq!(name("many-cuts", Some(id)), "eval-many-cuts-N256-1700000000-w100");
        let swept = RenderId { protocol: PlanProtocol::V1, memory_mb: Some(10_240), ..id };
        let long = name(&"ä b".repeat(60), Some(swept));
        assert!(long.len() <= 80 && long.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{long}");
        assert_ne!(name("a b", None), name("a-b", None));
        // A name of 40 characters fits. A longer one keeps 33 characters and gets 6 digits of its hash.
        assert_eq!(name(&"a".repeat(40), None), format!("eval-{}-1700000000-w100", "a".repeat(40)));
        let cut = name(&"a".repeat(41), None);
        assert!(cut.starts_with(&format!("eval-{}-", "a".repeat(33))) && cut.len() == 5 + 40 + 16, "{cut}");
    }

    #[test]
    fn an_execution_is_named_after_its_render_and_its_run() {
        let id = |protocol| RenderId { protocol, chunk_count: ChunkCount::new(4).unwrap(), memory_mb: None };
        let name =
            |fixture, protocol| execution_name(fixture, id(protocol), 1_700_000_000, &"0123456789ab".parse().unwrap());
        assert_eq!(name(None, PlanProtocol::V2), "smoke-N4-1700000000-012345");
        assert_eq!(name(None, PlanProtocol::V1), "smoke-v1-N4-1700000000-012345");
        assert_eq!(name(Some("many-cuts"), PlanProtocol::V2), "smoke-many-cuts-N4-1700000000-012345");
        let longest =
            RenderId { protocol: PlanProtocol::V1, chunk_count: ChunkCount::new(256).unwrap(), memory_mb: None };
        let run = "0123456789ab".parse().unwrap();
        assert!(execution_name(Some(&"a b".repeat(60)), longest, 1_700_000_000, &run).len() <= 80);
    }

    #[test]
    fn the_input_is_what_the_state_machine_expects() {
        let settings = RenderSettings {
            fps: LambdaFps::from_meta(&json!(30)).unwrap(),
            format: RenderFormat::Video(VideoFormat::Mp4),
            width: 640,
            height: 360,
            frames: 60,
            forwarded: serde_json::Map::from_iter([("codec".to_owned(), json!("h264"))]),
        };
        let id = RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(4).unwrap(), memory_mb: None };
        let render = PlannedRender::new(id, ChunkSize::new(15).unwrap(), 60);
        let input =
            ExecutionInput::new("b", "projects/f.tar.gz", "smoke-N4-1-abc", &settings, &render, Some(id.protocol));
        insta::assert_json_snapshot!(input.json, @r#"
        {
          "ProjectS3Uri": "s3://b/projects/f.tar.gz",
          "PlanOutputS3Prefix": "s3://b/renders/smoke-N4-1-abc/",
          "OutputS3Uri": "s3://b/renders/smoke-N4-1-abc/output.mp4",
          "Config": {
            "codec": "h264",
            "fps": 30,
            "width": 640,
            "height": 360,
            "format": "mp4",
            "chunkSize": 15,
            "maxParallelChunks": 4,
            "runtimeCap": "lambda"
          },
          "PlanProtocol": "v2"
        }
        "#);
        let frames = RenderSettings { format: RenderFormat::PngSequence, ..settings };
        let input = ExecutionInput::new("b", "projects/f.tar.gz", "x", &frames, &render, None);
        assert_eq!(input.output_key, "renders/x/output.tar.gz");
        let config = &input.json["Config"];
        assert_eq!((&config["format"], config.get("codec")), (&json!("png-sequence"), None));
    }
}
