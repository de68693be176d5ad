//! results.json: a row for each render, a superset of the bash script's.

use std::borrow::Cow;

use execution_history::{
    chunking::{ChunkSize, PlanProtocol, RenderId},
    cost::Cost,
    rendered::ChunkFacts,
    time_spent::TimeSpent,
};
use render_verdict::{
    Comparison, Picture,
    audio::{AudioStatus, Sound, residual::Residual},
    decibels::Level,
    finding::Finding,
    frames::exact::ExactComparison,
    known_good::Toolchain,
    picture::{psnr::Plane, ssim::VideoSsim},
    probe::MediaShape,
};
use serde::{Deserialize, Serialize};

use crate::{context, project::names::RunId};

/// One render's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRow {
    /// Chunks and protocol asked for.
    #[serde(flatten)]
    pub id: RenderId,
    /// Chunks that the plan really made.
    pub planned_chunk_count: u64,
    /// Frames a chunk as the planner makes them: where those asked for would be too many chunks, more.
    pub chunk_size: ChunkSize,
    /// The plan protocol that ran.
    pub plan_protocol: String,
    /// The plan protocol that was asked for; null where the template has no choice.
    pub asked_plan_protocol: Option<PlanProtocol>,
    /// The execution's own stopDate - startDate, ms.
    pub wall_clock_ms: u64,
    /// From the start call to the last poll, as this machine saw it, ms.
    pub client_wall_ms: u64,
    /// What the execution's time went to; null where its history does not tell.
    pub time_spent: Option<TimeSpent>,
    /// What the execution costs on AWS, S3 and logs aside; null where the function's memory is not known.
    pub cost: Option<Cost>,
    /// Mean of the frames' PSNR, dB, where an identical frame counts as 100; null when the shapes differ.
    pub psnr_avg_db: Option<f64>,
    /// PSNR of the mean squared error over all frames, dB; "inf" when all frames are identical.
    pub psnr_from_mean_mse_db: Option<Level>,
    /// The picture in detail; null when the shapes differ.
    pub picture: Option<PictureRecord>,
    /// With `--exact`: how many frames are the in-process ones to the byte, and which are not.
    pub exact: Option<ExactComparison>,
    /// OK, DRIFT, no-audio-on-either, audio-stream-mismatch or not-compared.
    pub audio_status: AudioStatus,
    /// The residual of each audio track, dBFS; "-inf" for perfect cancellation.
    pub audio_residual_dbfs: Vec<Residual>,
    /// The same with its loudest moment, its lag, and what of the sound is lost.
    pub audio: Vec<Sound>,
    /// The delivered video's shape; null of frames.
    pub media: Option<MediaShape>,
    /// What rendered it.
    pub toolchain: Toolchain,
    /// Whether the render passes.
    pub passed: bool,
    /// Why not.
    pub findings: Vec<Finding>,
    /// What is worth knowing and fails nothing.
    pub notes: Vec<String>,
    /// The video, or the frames as a tar.gz, relative to the artifact folder.
    pub output: String,
    /// The whole execution history, relative to the artifact folder.
    pub history: String,
    /// Every frame's time, PSNR and hash, relative to the artifact folder; null when the shapes differ.
    pub frames: Option<String>,
    /// The residual's and the baseline's level in every 100 ms of each track,
    /// relative to the artifact folder; null when the shapes differ or nothing sounds.
    pub audio_levels: Option<String>,
    /// The worst frame to look at; null when all are identical, or none could be kept.
    pub worst_frame_images: Option<WorstFrameImages>,
    /// The execution.
    pub execution_arn: String,
    /// What each chunk reported.
    pub chunks: Vec<ChunkFacts>,
}

/// The worst frame as PNG files, relative to the artifact folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorstFrameImages {
    /// Which frame that is, from 0.
    pub frame: u64,
    /// As the baseline shows it.
    pub baseline: String,
    /// As the render shows it.
    pub render: String,
    /// What they differ by, amplified.
    pub difference: String,
    /// By which factor.
    pub amplified_by: u8,
}

/// The picture against its baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureRecord {
    /// Frames compared.
    pub frames: u64,
    /// Frames that are equal to the bit.
    pub identical_frames: u64,
    /// The worst frame's PSNR, dB.
    pub worst_frame_db: Level,
    /// Which frame that is, from 0.
    pub worst_frame: u64,
    /// When it is shown, in seconds.
    pub worst_frame_at_s: f64,
    /// The level that 1% of the frames do not exceed, dB.
    pub percentile_1_db: Level,
    /// Each plane's mean, dB.
    pub planes: Vec<Plane>,
    /// Likeness of structure.
    pub ssim: VideoSsim,
    /// One hash over all decoded frames, of a sequence over its files.
    pub frames_sha256: String,
    /// Frames that are not those of the run's first render; null in the first.
    pub frames_unlike_first: Option<usize>,
}

impl WorstFrameImages {
    /// The three files.
    pub fn files(&self) -> [&String; 3] {
        [&self.baseline, &self.render, &self.difference]
    }
}

impl PictureRecord {
    fn of(picture: &Picture, first: Option<&Picture>) -> Self {
        let psnr = &picture.psnr;
        Self {
            frames: psnr.frames,
            identical_frames: psnr.identical_frames,
            worst_frame_db: psnr.worst,
            worst_frame: psnr.worst_frame,
            worst_frame_at_s: picture.worst_at_s,
            percentile_1_db: psnr.percentile_1,
            planes: psnr.planes.clone(),
            ssim: picture.ssim,
            frames_sha256: picture.hashes.sha256(),
            frames_unlike_first: first.map(|first| picture.hashes.differing(&first.hashes)),
        }
    }
}

impl ResultRow {
    /// Fills in what the comparison says, and, against the run's `first` render, its frames.
    #[must_use]
    pub fn compared(mut self, comparison: &Comparison, first: Option<&Picture>) -> Self {
        if let Comparison::Exact(frames) = comparison {
            self.exact = Some(frames.clone());
        }
        if let Comparison::Alike { picture, audio } = comparison {
            self.psnr_avg_db = Some(picture.psnr.mean_db);
            self.psnr_from_mean_mse_db = Some(picture.psnr.from_mean_mse);
            self.picture = Some(PictureRecord::of(picture, first));
            self.audio_residual_dbfs = audio.iter().map(|sound| sound.whole).collect();
            self.audio.clone_from(audio);
        }
        self
    }

    /// Fills in why the render does not pass, if it does not.
    #[must_use]
    pub fn judged(mut self, findings: &[Finding]) -> Self {
        self.passed = findings.is_empty();
        self.findings = findings.to_vec();
        self
    }

    /// Whether the plan made another number of chunks than was asked for.
    pub fn count_differs(&self) -> bool {
        self.planned_chunk_count != u64::from(self.id.chunk_count.get())
    }
}

// What the clean-up did, and the proof that everything is gone: cleanup-verification.json.

/// Whether a thing is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceState {
    /// Looked for, and not there.
    Absent,
    /// There.
    Present,
    /// Nobody could tell: counts as a leak.
    Unverifiable,
}

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Such as `stack` or `bucket`.
    pub kind: Cow<'static, str>,
    /// Its name or ARN.
    pub name: String,
    /// Whether it is there.
    pub state: ResourceState,
    /// The call that tells, or why it does not.
    pub evidence: String,
    /// Whether its deletion has begun, so that a later look may find it gone.
    #[serde(skip)]
    pub is_being_deleted: bool,
}

/// The content of `cleanup-verification.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The version of this shape.
    pub schema_version: u32,
    /// When it was looked, RFC 3339.
    pub checked_at: String,
    /// Whether everything is proved gone.
    pub clean: bool,
    /// Every thing that was looked for.
    pub resources: Vec<Check>,
}

impl Proof {
    /// What was looked for, now.
    pub fn of(resources: Vec<Check>) -> Self {
        let clean = resources.iter().all(|check| check.state == ResourceState::Absent);
        Self { schema_version: 1, checked_at: context::now_rfc3339(), clean, resources }
    }

    /// This proof and another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(self.resources.into_iter().chain(other.resources).collect())
    }

    /// What is there, or may be.
    pub fn leaks(&self) -> impl Iterator<Item = &Check> {
        self.resources.iter().filter(|check| check.state != ResourceState::Absent)
    }
}

/// How a sweep ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// The runs whose things were deleted.
    pub runs: Vec<RunId>,
    /// What proved that they were theirs.
    pub evidence: String,
    /// Versions and delete markers that were deleted.
    pub objects_deleted: u64,
    /// Executions that were still running and were stopped.
    pub executions_stopped: usize,
    /// The proof that everything is gone; cleanup-verification.json has it.
    #[serde(skip)]
    pub proof: Proof,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_proofs_are_clean_when_both_are() {
        let of = |name: &str, state| {
            let (kind, evidence) = ("bucket".into(), "s3 HeadBucket".to_owned());
            Proof::of(vec![Check { kind, name: name.to_owned(), state, evidence, is_being_deleted: false }])
        };
        assert!(of("a", ResourceState::Absent).and(of("b", ResourceState::Absent)).clean);
        let both = of("a", ResourceState::Absent).and(of("b", ResourceState::Present));
        assert_eq!((both.clean, both.resources.len(), both.schema_version), (false, 2, 1));
        assert_eq!(
            both.leaks().map(|check| (check.name.as_str(), check.state)).collect::<Vec<_>>(),
            [("b", ResourceState::Present)]
        );
    }
}
