//! One delivered render: measured, held against the baseline, the fixture's record and the history.

use std::{fs, path::Path};

use anyhow::Context;

use super::{Reference, Render, Run};
use crate::{
    frames::{self, FrameArchive, FrameFolder},
    history::Rendered,
    measure::{
        audio_status::AudioStatus,
        comparison::Comparison,
        contradictions::contradictions,
        exact::Why,
        expected::{Machine, MadeBy, Recorded},
        finding::Finding,
        frame_sequence::ReferenceFrames,
        frozen::Chunks,
        gates::HISTORY,
        probe::MediaShape,
        toolchain::Toolchain,
    },
    original::{Compared, Original},
    plan::PlannedRender,
};

/// What is known of one delivered render.
pub(super) struct Judgement {
    /// The video's shape; `None` of frames.
    pub media: Option<MediaShape>,
    /// When each frame is shown, in seconds; empty where frames were compared to the byte.
    pub frame_times_s: Vec<f64>,
    pub audio_status: AudioStatus,
    /// Against the reference.
    pub comparison: Comparison,
    /// What speaks against it beside that comparison.
    pub beside: Vec<Finding>,
    pub toolchain: Toolchain,
    /// What is worth knowing and fails nothing.
    pub notes: Vec<String>,
    /// What `--update-expected` would record.
    pub recorded: Option<Recorded>,
}

impl Render<'_> {
    /// Measures a delivered render.
    ///
    /// # Errors
    /// When it can't be decoded from end to end.
    pub(super) async fn judge(
        &self,
        planned: &PlannedRender,
        told: &Rendered,
        stem: &str,
        output: &Path,
    ) -> anyhow::Result<Judgement> {
        match self.reference {
            Reference::Baseline(original) => self.judge_measured(planned, told, output, original).await,
            Reference::Frames(folder, frames) => {
                let kept = self.run.artifacts.path(stem);
                self.judge_frames(planned, told, output, &kept, (folder, frames)).await
            }
        }
    }

    async fn judge_frames(
        &self,
        planned: &PlannedRender,
        told: &Rendered,
        output: &Path,
        stem: &Path,
        (folder, reference): (&FrameFolder, &ReferenceFrames),
    ) -> anyhow::Result<Judgement> {
        let (archive, folder, reference) = (FrameArchive::at(output), folder.clone(), reference.clone());
        let fps = self.settings.fps.get();
        let stem = stem.to_owned();
        let compare = move || {
            let compared = frames::compare(&archive, &folder, &reference, fps)?;
            // The first frame that differs is kept as a file: one wants to see it.
            if let Some(first) = compared.first().filter(|first| first.why != Why::Missing) {
                let kept = format!("{}-{}", stem.display(), first.frame.file_name());
                archive.frames(&[first.frame], |_, bytes| fs::write(&kept, bytes).with_context(|| kept.clone()))?;
            }
            anyhow::Ok(compared)
        };
        let compared = tokio::task::spawn_blocking(compare).await.context("comparing frames")??;
        let beside = self.contradicting(planned, told, compared.rendered_frames());
        Ok(Judgement {
            media: None,
            frame_times_s: Vec::new(),
            audio_status: AudioStatus::NotCompared,
            comparison: Comparison::Exact(compared),
            beside,
            toolchain: toolchain(self.run, told),
            notes: Vec::new(),
            recorded: None,
        })
    }

    async fn judge_measured(
        &self,
        planned: &PlannedRender,
        told: &Rendered,
        output: &Path,
        original: &Original,
    ) -> anyhow::Result<Judgement> {
        let subject = self.subject;
        let compared = original.compare(self.media, output, subject.fixture.meta.codec, &subject.gate).await?;
        let (frames, audio_status) = (compared.frames(), compared.audio_status(&subject.gate));
        let Compared { comparison, media, frame_times_s, .. } = compared;
        let toolchain = toolchain(self.run, told);
        let mut notes = toolchain.differences(&subject.fixture.baseline_toolchain());
        let frozen = self.frozen(planned, &comparison, original).await?;
        let mut beside: Vec<Finding> = frozen.into_iter().collect();
        let made_by = MadeBy {
            toolchain: toolchain.clone(),
            machine: machine(self.run),
            protocol: planned.id.protocol,
            chunk_count: planned.id.chunk_count,
            chunk_size: planned.chunk_size,
        };
        let recorded = Recorded::of(made_by, &comparison);
        if let Some(render) = &recorded {
            let (left, told) = subject.standing(render);
            beside.extend(left);
            notes.extend(told);
        }
        beside.extend(self.contradicting(planned, told, frames));
        Ok(Judgement { audio_status, media, frame_times_s, comparison, beside, toolchain, notes, recorded })
    }

    fn contradicting(&self, planned: &PlannedRender, told: &Rendered, frames: u64) -> Vec<Finding> {
        let required = self.subject.plan.required(planned.id);
        let found = contradictions(told, required, planned.chunk_size, frames);
        let finding = |what: String| HISTORY.finding(&what, "no contradiction", &what);
        found.into_iter().map(finding).collect()
    }

    /// Chunks of the same frames where the baseline moves: the render stood still.
    async fn frozen(
        &self,
        planned: &PlannedRender,
        comparison: &Comparison,
        original: &Original,
    ) -> anyhow::Result<Option<Finding>> {
        let frames = u64::from(planned.chunk_size.get());
        let Some(picture) = comparison.picture() else { return Ok(None) };
        let chunks = Chunks { hashes: &picture.hashes, psnr: &picture.psnr, frames };
        for twins in chunks.twins() {
            let firsts: Vec<u64> = twins.firsts.iter().map(|chunk| chunk * frames).collect();
            let baseline = original.apart(self.media, &firsts, frames, twins.distance * frames).await;
            let baseline = baseline.context("looking for a frozen render")?;
            if let Some(frozen) = chunks.frozen(&twins, &baseline) {
                return Ok(Some(frozen));
            }
        }
        Ok(None)
    }
}

fn toolchain(run: &Run, told: &Rendered) -> Toolchain {
    let plan = &told.plan;
    let chromium = run.repo.chromium_package();
    Toolchain::new(plan.producer_version.as_deref(), plan.ffmpeg_version.as_deref(), chromium.as_deref())
}

fn machine(run: &Run) -> Machine {
    match run.connection().access.target.host_on_this_machine() {
        Some(_) => Machine::Emulator {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu_model().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        },
        None => Machine::Aws,
    }
}

/// The processor's model; Linux tells.
fn cpu_model() -> Option<String> {
    let told = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}
