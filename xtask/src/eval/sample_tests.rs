//! Samples for tests.

use execution_history::{
    chunking::{ChunkCount, ChunkSize, PlanProtocol, RenderId},
    time_spent::TimeSpent,
};
use render_verdict::{
    audio::{AudioStatus, residual::Residual},
    decibels::Level,
    known_good::Toolchain,
    picture::ssim::VideoSsim,
};

use super::*;
use crate::report::row::{PictureRecord, ResultRow};

pub(crate) fn render_id(count: u16) -> RenderId {
    RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(count).unwrap(), memory_mb: None }
}

/// An execution with this time.
pub(crate) fn lambda(count: u16, iteration: u32, wall_clock_ms: u64) -> LambdaSample {
    let id = SampleId { fixture: "f".into(), render: render_id(count), iteration };
    let execution = Execution {
        start: Start::Warm,
        render: row(count, wall_clock_ms),
        against_local: None,
        memory_used_mb: None,
        observation: None,
        requests: Vec::new(),
    };
    LambdaSample { id, outcome: Outcome::Done(Box::new(execution)) }
}

pub(crate) fn failed(count: u16, iteration: u32) -> LambdaSample {
    let id = SampleId { fixture: "f".into(), render: render_id(count), iteration };
    LambdaSample { id, outcome: Outcome::Failed { failure: "it broke".into() } }
}

/// A local render with this time, half of it in the renderer.
pub(crate) fn local(iteration: u32, wall_ms: u64) -> LocalSample {
    let render = LocalRender { wall_ms, renderer_ms: Some(wall_ms / 2), output: None, against_baseline: None };
    LocalSample { fixture: "f".into(), iteration, outcome: Outcome::Done(Box::new(render)) }
}

/// The sample with changed measurements.
pub(crate) fn with(mut sample: LambdaSample, change: impl FnOnce(&mut Execution)) -> LambdaSample {
    if let Outcome::Done(execution) = &mut sample.outcome {
        change(execution);
    }
    sample
}

fn picture() -> PictureRecord {
    PictureRecord {
        frames: 60,
        identical_frames: 0,
        worst_frame_db: Level::Db(44.0),
        worst_frame: 41,
        worst_frame_at_s: 1.367,
        percentile_1_db: Level::Db(44.0),
        worst_second_db: Some(Level::Db(44.0)),
        planes: vec![],
        ssim: VideoSsim { mean: 0.99, worst: 0.98, worst_frame: 41 },
        local: None,
        frames_sha256: String::new(),
        frames_unlike_first: None,
    }
}

/// A render with this time.
pub(crate) fn row(count: u16, wall_clock_ms: u64) -> ResultRow {
    let spent = TimeSpent {
        plan_ms: wall_clock_ms / 10,
        chunks_ms: wall_clock_ms * 8 / 10,
        other_ms: 0,
        other_state: None,
        assemble_ms: wall_clock_ms / 10,
        slowest_chunk_ms: wall_clock_ms * 8 / 10,
        slowest_chunk: 1,
        median_chunk_ms: wall_clock_ms as f64 * 0.5,
        imbalance: 1.6,
        last_chunk: 1,
        longest_queue_ms: 10,
        longest_overhead_ms: 20,
        cold_starts: Some(0),
        busy_share: 0.9,
        retries: 1,
    };
    ResultRow {
        fixture: None,
        id: render_id(count),
        planned_chunk_count: count.into(),
        chunk_size: ChunkSize::new(30).unwrap(),
        plan_protocol: "v2".into(),
        asked_plan_protocol: None,
        wall_clock_ms,
        client_wall_ms: wall_clock_ms,
        time_spent: Some(spent),
        cost: None,
        psnr_avg_db: Some(45.5),
        psnr_from_mean_mse_db: Some(Level::Db(45.5)),
        picture: Some(picture()),
        exact: None,
        audio_status: AudioStatus::Ok,
        audio_residual_dbfs: vec![Residual::Silent],
        audio: vec![],
        media: None,
        toolchain: Toolchain::default(),
        passed: true,
        findings: vec![],
        notes: vec![],
        output: String::new(),
        history: String::new(),
        frames: None,
        audio_levels: None,
        worst_frame_images: None,
        execution_arn: String::new(),
        chunks: vec![],
    }
}

#[test]
fn a_failed_sample_has_its_cause_and_no_render() {
    let json = serde_json::to_value(failed(4, 2)).unwrap();
    let expected = r#"{"fixture":"f","protocol":"v2","chunkCount":4,"iteration":2,"failure":"it broke"}"#;
    assert_eq!(json, serde_json::from_str::<serde_json::Value>(expected).unwrap());
}
