//! results.json: a row for each render, a superset of the bash script's.

use serde::Serialize;

use crate::{
    history::ChunkFacts,
    measure::{
        Level,
        audio::{Residual, Sound},
        probe::MediaShape,
        verdict::{Comparison, Judged},
    },
    plan::{ChunkCount, ChunkSize, PlanProtocol},
};

/// One render's row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRow {
    /// Chunks asked for.
    pub chunk_count: ChunkCount,
    /// Chunks that the plan really made.
    pub planned_chunk_count: u64,
    /// Frames a chunk that were sent to the planner.
    pub chunk_size: ChunkSize,
    /// The plan protocol that ran.
    pub plan_protocol: String,
    /// The plan protocol that was asked for.
    pub asked_plan_protocol: PlanProtocol,
    /// The execution's own stopDate - startDate, ms.
    pub wall_clock_ms: u64,
    /// From the start call to the last poll, as this machine saw it, ms.
    pub client_wall_ms: u64,
    /// Mean PSNR, dB; "inf" when all frames are identical, null when the shapes differ.
    pub psnr_avg_db: Option<Level>,
    /// The worst frame's PSNR, dB.
    pub psnr_worst_db: Option<Level>,
    /// Which frame that is, from 0.
    pub worst_frame: Option<u64>,
    /// Frames that are equal to the bit.
    pub identical_frames: Option<u64>,
    /// The residual of each audio track, dBFS; "-inf" for perfect cancellation.
    pub audio_residual_dbfs: Vec<Residual>,
    /// The same with its loudest moment, and what of the sound is lost.
    pub audio: Vec<Sound>,
    /// The delivered video's shape.
    pub media: MediaShape,
    /// Whether the render passes.
    pub passed: bool,
    /// Why not.
    pub findings: Vec<String>,
    /// The video, relative to the artifact folder.
    pub output: String,
    /// The whole execution history, relative to the artifact folder.
    pub history: String,
    /// The execution.
    pub execution_arn: String,
    /// What each chunk reported.
    pub chunks: Vec<ChunkFacts>,
}

impl ResultRow {
    /// Fills in what the comparison and the judgement say.
    #[must_use]
    pub fn judged(mut self, comparison: &Comparison, judged: &Judged) -> Self {
        if let Comparison::Alike { psnr, audio } = comparison {
            self.psnr_avg_db = Some(psnr.mean);
            self.psnr_worst_db = Some(psnr.worst);
            self.worst_frame = Some(psnr.worst_frame);
            self.identical_frames = Some(psnr.identical_frames);
            self.audio_residual_dbfs = audio.iter().map(|sound| sound.whole).collect();
            self.audio.clone_from(audio);
        }
        self.passed = judged.findings.is_empty();
        self.findings = judged.findings.iter().map(ToString::to_string).collect();
        self
    }

    /// Whether another plan protocol ran than was asked for, as with a template that has no choice.
    pub fn protocol_differs(&self) -> bool {
        self.plan_protocol != self.asked_plan_protocol.to_string()
    }

    /// Whether the plan made another number of chunks than was asked for.
    pub fn count_differs(&self) -> bool {
        self.planned_chunk_count != u64::from(self.chunk_count.get())
    }
}
