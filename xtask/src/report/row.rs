//! results.json: a row for each render, a superset of the bash script's.

use std::{borrow::Cow, fmt};

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
    finding::{ComparedWith, Finding},
    frames::exact::ExactComparison,
    known_good::Toolchain,
    picture::{
        local::LocalFigures,
        psnr::{Plane, worst_stretch},
        ssim::VideoSsim,
    },
    probe::MediaShape,
};
use serde::{Deserialize, Serialize};

use crate::{context, project::names::RunId};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRow {
    /// The fixture, in a smoke run of several; `None` where something else names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixture: Option<String>,
    /// The requested chunk count and plan protocol.
    #[serde(flatten)]
    pub id: RenderId,
    /// The number of chunks in the plan.
    pub planned_chunk_count: u64,
    /// Frames per chunk in the plan: more than requested when that would be too many chunks.
    pub chunk_size: ChunkSize,
    pub plan_protocol: String,
    /// The requested plan protocol; null when the template offers no choice.
    pub asked_plan_protocol: Option<PlanProtocol>,
    /// The execution's own stopDate - startDate, ms.
    pub wall_clock_ms: u64,
    /// From the start call to the last poll, measured on this machine, ms.
    pub client_wall_ms: u64,
    /// Where the time of the execution went; null when its history does not contain it.
    pub time_spent: Option<TimeSpent>,
    /// The cost of the execution on AWS without S3 and logs; null when the function's memory is unknown.
    pub cost: Option<Cost>,
    /// Mean of the frames' PSNR, dB, where an identical frame counts as 100; null when the shapes differ.
    pub psnr_avg_db: Option<f64>,
    /// PSNR of the mean squared error over all frames, dB; "inf" when all frames are identical.
    pub psnr_from_mean_mse_db: Option<Level>,
    /// The picture in detail; null when the shapes differ.
    pub picture: Option<PictureRecord>,
    /// With `--exact`: how many frames equal the baseline's to the byte, and which differ.
    pub exact: Option<ExactComparison>,
    /// OK, DRIFT, no-audio-on-either, audio-stream-mismatch or not-compared.
    pub audio_status: AudioStatus,
    /// The residual of each audio track, dBFS; "-inf" for perfect cancellation.
    pub audio_residual_dbfs: Vec<Residual>,
    /// Each audio track in detail: residual, loudest window, lag, and lost audio.
    pub audio: Vec<Sound>,
    /// The shape of the delivered video; null for PNG sequences.
    pub media: Option<MediaShape>,
    /// The versions that rendered it.
    pub toolchain: Toolchain,
    pub passed: bool,
    /// Why it does not pass.
    pub findings: Vec<Finding>,
    /// What readers should know and what makes nothing fail.
    pub notes: Vec<String>,
    /// The video, or a tar.gz of the frames, relative to the artifact folder.
    pub output: String,
    /// The complete execution history, relative to the artifact folder.
    pub history: String,
    /// Every frame's time, PSNR and hash, relative to the artifact folder; null when the shapes differ.
    pub frames: Option<String>,
    /// The level of the residual and of the baseline in every 100 ms of each track,
    /// relative to the artifact folder; null when the shapes differ or there is no audio.
    pub audio_levels: Option<String>,
    /// The worst frame as images; null when all frames are identical, or none could be kept.
    pub worst_frame_images: Option<WorstFrameImages>,
    pub execution_arn: String,
    pub chunks: Vec<ChunkFacts>,
}

/// The worst frame as PNG files, relative to the artifact folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorstFrameImages {
    /// Its number, from 0.
    pub frame: u64,
    pub baseline: String,
    pub render: String,
    /// Their difference, amplified.
    pub difference: String,
    pub amplified_by: u8,
    /// What is in place of the baseline's frame.
    #[serde(default, skip_serializing_if = "ComparedWith::is_baseline")]
    pub compared_with: ComparedWith,
}

/// The picture compared with the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureRecord {
    pub frames: u64,
    /// Frames that are identical to the bit.
    pub identical_frames: u64,
    pub worst_frame_db: Level,
    /// Its number, from 0.
    pub worst_frame: u64,
    /// The time at which it is shown, s.
    pub worst_frame_at_s: f64,
    /// The level that 1 % of the frames do not exceed, dB.
    pub percentile_1_db: Level,
    /// The worst second's, by its mean squared error, dB; `None` in runs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_second_db: Option<Level>,
    /// Each plane's mean, dB.
    pub planes: Vec<Plane>,
    pub ssim: VideoSsim,
    /// The greatest differences of regions, tone, detail, and time; `None` in runs from before they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalFigures>,
    /// One hash over all decoded frames; for PNG sequences over their files.
    pub frames_sha256: String,
    /// Frames that differ from those of the run's first render; null in the first render.
    pub frames_unlike_first: Option<usize>,
}

/// Identifies a render within its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderKey {
    /// The fixture; `None` in a smoke run of only one.
    pub fixture: Option<String>,
    /// The requested chunk count and plan protocol.
    pub id: RenderId,
    /// In eval, from 1.
    pub iteration: Option<u32>,
}

/// `N=4`, `many-cuts v1 N=4`, or in eval `many-cuts N=4 #2`.
impl fmt::Display for RenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fixture) = &self.fixture {
            write!(f, "{fixture} ")?;
        }
        write!(f, "{}", self.id)?;
        self.iteration.map_or(Ok(()), |nth| write!(f, " #{nth}"))
    }
}

impl RenderKey {
    /// The beginning of its file names: `N4`, `many-cuts-v1-N4`, or in eval `many-cuts-N4-2`.
    pub fn file_stem(&self) -> String {
        let iteration = self.iteration.map(|nth| nth.to_string());
        let parts: Vec<String> = self.fixture.iter().cloned().chain([self.id.file_stem()]).chain(iteration).collect();
        parts.join("-")
    }
}

impl WorstFrameImages {
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
            worst_second_db: Some(worst_stretch(&psnr.levels, picture.frames_per_second).1),
            planes: psnr.planes.clone(),
            ssim: picture.ssim,
            local: Some(picture.local.figures()),
            frames_sha256: picture.hashes.sha256(),
            frames_unlike_first: first.map(|first| picture.hashes.differing(&first.hashes)),
        }
    }
}

impl ResultRow {
    /// Which render of a smoke run it is.
    pub fn key(&self) -> RenderKey {
        RenderKey { fixture: self.fixture.clone(), id: self.id, iteration: None }
    }

    /// Fills in the comparison with the baseline, and with the frames of the run's `first` render.
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

    /// Fills in the verdict.
    #[must_use]
    pub fn judged(mut self, findings: &[Finding]) -> Self {
        self.passed = findings.is_empty();
        self.findings = findings.to_vec();
        self
    }

    /// Whether the plan has another number of chunks than was requested.
    pub fn count_differs(&self) -> bool {
        self.planned_chunk_count != u64::from(self.id.chunk_count.get())
    }
}

// What the clean-up did, and the proof that everything is gone: cleanup-verification.json.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceState {
    /// AWS reports that it does not exist.
    Absent,
    Present,
    /// Unknown: counts as a leak.
    Unverifiable,
}

/// One resource that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Such as `stack` or `bucket`.
    pub kind: Cow<'static, str>,
    /// Its name or ARN.
    pub name: String,
    pub state: ResourceState,
    /// The call that shows it, or why it is unknown.
    pub evidence: String,
    /// Whether its deletion has begun, so that a later check may find it gone.
    #[serde(skip)]
    pub is_being_deleted: bool,
}

/// The content of `cleanup-verification.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    pub schema_version: u32,
    /// The time of the check, RFC 3339.
    pub checked_at: String,
    /// Whether everything is proved to be gone.
    pub clean: bool,
    pub resources: Vec<Check>,
}

impl Proof {
    /// The proof from checks that were made now.
    pub fn of(resources: Vec<Check>) -> Self {
        let clean = resources.iter().all(|check| check.state == ResourceState::Absent);
        Self { schema_version: 1, checked_at: context::now_rfc3339(), clean, resources }
    }

    /// Both proofs as one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(self.resources.into_iter().chain(other.resources).collect())
    }

    /// The resources that exist, or may exist.
    pub fn leaks(&self) -> impl Iterator<Item = &Check> {
        self.resources.iter().filter(|check| check.state != ResourceState::Absent)
    }
}

/// How a deletion ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletions {
    /// The runs whose resources were deleted.
    pub runs: Vec<RunId>,
    /// What proved that the resources were theirs.
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
    fn a_render_has_one_name_in_reports_and_one_in_file_names() {
        let id = RenderId { protocol: PlanProtocol::V1, chunk_count: "4".parse().unwrap(), memory_mb: None };
        let mut key = RenderKey { fixture: None, id, iteration: None };
        assert_eq!((key.to_string(), key.file_stem()), ("v1 N=4".to_owned(), "v1-N4".to_owned()));
        (key.fixture, key.iteration) = (Some("many-cuts".to_owned()), Some(2));
        assert_eq!(
            (key.to_string(), key.file_stem()),
            ("many-cuts v1 N=4 #2".to_owned(), "many-cuts-v1-N4-2".to_owned())
        );
    }

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
