//! results.json: a row for each render, a superset of the bash script's.

use serde::{Deserialize, Serialize};

use crate::{
    chunking::{ChunkSize, PlanProtocol, RenderId},
    cost::Cost,
    history::{ChunkFacts, TimeSpent},
    measure::{
        Level,
        audio::Sound,
        audio_status::AudioStatus,
        comparison::{Comparison, Picture},
        exact::ExactComparison,
        finding::Finding,
        probe::MediaShape,
        psnr::Plane,
        residual::Residual,
        ssim::SsimSummary,
        toolchain::Toolchain,
    },
};

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
    pub ssim: SsimSummary,
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
