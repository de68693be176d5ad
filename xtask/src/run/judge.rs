//! One delivered render: measured, compared with the baseline, the known-good metrics and the history;
//! and what of it is kept to look at.

use std::path::Path;

use anyhow::Context;
use execution_history::{chunking::RenderId, rendered::Rendered};
use render_verdict::{
    Comparison,
    audio::AudioStatus,
    decibels::Level,
    finding::Finding,
    frames::{
        self,
        archive::{FrameArchive, FrameFolder},
        exact::Why,
        sequence::GaplessFrames,
    },
    gates::{FRAME_PSNR, HISTORY, Limits, MEAN_PSNR, Settings},
    known_good::{Machine, MadeBy, RenderMetrics, Toolchain},
    picture::{
        frozen::Chunks,
        psnr::{BEST_DB, VideoPsnr},
    },
    probe::MediaShape,
    verdict::Measured,
};

use crate::{
    project::{
        baseline::{Baseline, Compared},
        plan::PlannedRender,
    },
    report::evidence::{self, Evidence},
    run::{Run, contradictions::contradictions, render::Render, run_baseline::RunBaseline},
};

/// How far a threshold should be below what good renders have, in dB. Twice the tolerance of the known-good metrics.
const THRESHOLD_MARGIN_DB: f64 = 1.0;

/// The least mean PSNR against the in-process render, in dB. Two encodings of grain can be below 40 dB. The
/// local gates find what is damaged; the fixtures' good renders reach 40.7 dB in every plane.
const LEAST_AGAINST_IN_PROCESS_DB: f64 = 34.0;

/// What is known of one delivered render.
pub(crate) struct Judgement {
    /// The video's shape; `None` of frames.
    pub media: Option<MediaShape>,
    /// When each frame is shown, in seconds; empty where frames were compared to the byte.
    pub frame_times_s: Vec<f64>,
    pub audio_status: AudioStatus,
    /// Against the reference.
    pub measured: Measured<RenderId>,
    pub toolchain: Toolchain,
    /// What is worth knowing and fails nothing.
    pub notes: Vec<String>,
    /// What `--update-expected` would record.
    pub recorded: Option<RenderMetrics>,
}

impl Render<'_> {
    /// Measures a delivered render.
    pub(crate) async fn judge(
        &self,
        planned: &PlannedRender,
        reported: &Rendered,
        stem: &str,
        output: &Path,
    ) -> anyhow::Result<Judgement> {
        match self.reference {
            RunBaseline::Committed { baseline, rendered } => {
                self.judge_measured(planned, reported, output, (baseline, rendered.as_ref())).await
            }
            RunBaseline::InProcess(folder, frames) => {
                self.judge_frames(planned, reported, output, stem, (folder, frames)).await
            }
        }
    }

    async fn judge_frames(
        &self,
        planned: &PlannedRender,
        reported: &Rendered,
        output: &Path,
        stem: &str,
        (folder, reference): (&FrameFolder, &GaplessFrames),
    ) -> anyhow::Result<Judgement> {
        let (archive, folder, reference) = (FrameArchive::at(output), folder.clone(), reference.clone());
        let fps = self.settings.fps.get();
        let (artifacts, stem) = (self.run.artifacts.folder().clone(), stem.to_owned());
        let compare = move || {
            let compared = frames::compare(&archive, &folder, &reference, fps)?;
            // The first frame that differs is kept as a file: one wants to see it.
            if let Some(first) = compared.first().filter(|first| first.why != Why::Missing) {
                let kept = format!("{stem}-{}", first.frame.file_name());
                archive.frames(&[first.frame], |_, bytes| artifacts.write(&kept, bytes))?;
            }
            anyhow::Ok(compared)
        };
        let compared = tokio::task::spawn_blocking(compare).await.context("comparing frames")??;
        let other_findings = self.contradicting(planned, reported, compared.rendered_frames());
        Ok(Judgement {
            media: None,
            frame_times_s: Vec::new(),
            audio_status: AudioStatus::NotCompared,
            measured: self.measured(planned, Comparison::Exact(compared), other_findings),
            toolchain: self.toolchain(reported),
            notes: Vec::new(),
            recorded: None,
        })
    }

    fn toolchain(&self, reported: &Rendered) -> Toolchain {
        let (plan, chromium) = (&reported.plan, self.run.repo.chromium_package());
        // The plan names the ffmpeg on PATH, also where the encoder for alpha is another one.
        let ffmpeg = plan.ffmpeg_version.as_deref().filter(|_| !self.subject.fixture.meta.format.has_alpha());
        Toolchain::new(plan.producer_version.as_deref(), ffmpeg, chromium.as_deref())
    }

    async fn judge_measured(
        &self,
        planned: &PlannedRender,
        reported: &Rendered,
        output: &Path,
        (baseline, rendered): (&Baseline, Option<&Baseline>),
    ) -> anyhow::Result<Judgement> {
        let subject = self.subject;
        let compared = baseline.compare(self.media, output, subject.fixture.meta.codec, &subject.gate).await?;
        let (frames, audio_status) = (compared.frames(), compared.audio_status(&subject.gate));
        let Compared { comparison, media, frame_times_s, .. } = compared;
        let toolchain = self.toolchain(reported);
        let mut notes = toolchain.differences(&subject.fixture.baseline_toolchain());
        let frozen = self.frozen(planned, &comparison, baseline).await?;
        let least = subject.gate.value(&MEAN_PSNR);
        let local_gates = rendered.is_none() || least >= MEAN_PSNR.default();
        let mut other_findings = Vec::new();
        if let Some(rendered) = rendered {
            let (accepted, own): (Vec<_>, Vec<_>) =
                comparison.findings(&subject.gate).into_iter().partition(|finding| !local_gates && finding.is_local());
            let note = |finding| format!("accepted, because the fixture requires only {least} dB: {finding}");
            notes.extend(accepted.iter().map(note));
            other_findings = self.against_rendered(output, rendered, &own).await?;
        }
        notes.extend(comparison.picture().and_then(|picture| hidden(&picture.psnr, least)));
        other_findings.extend(frozen);
        let made_by = MadeBy {
            toolchain: toolchain.clone(),
            machine: machine(self.run),
            protocol: planned.id.protocol,
            chunk_count: planned.id.chunk_count,
            chunk_size: planned.chunk_size,
        };
        let recorded = RenderMetrics::of(made_by, &comparison);
        if let Some(render) = &recorded {
            let (left, reported) = subject.standing(render);
            other_findings.extend(left);
            notes.extend(reported);
        }
        other_findings.extend(self.contradicting(planned, reported, frames));
        Ok(Judgement {
            audio_status,
            media,
            frame_times_s,
            measured: Measured { local_gates, ..self.measured(planned, comparison, other_findings) },
            toolchain,
            notes,
            recorded,
        })
    }

    fn measured(
        &self,
        planned: &PlannedRender,
        comparison: Comparison,
        other_findings: Vec<Finding>,
    ) -> Measured<RenderId> {
        Measured {
            render: planned.id,
            comparison,
            local_gates: true,
            other_findings,
            limits: self.subject.gate,
            chunk_frames: planned.chunk_size.get().into(),
        }
    }

    /// What differs from the in-process render, and not from the baseline too.
    async fn against_rendered(
        &self,
        output: &Path,
        rendered: &Baseline,
        own: &[Finding],
    ) -> anyhow::Result<Vec<Finding>> {
        let limits = Limits::new(&Settings::default().with(&MEAN_PSNR, LEAST_AGAINST_IN_PROCESS_DB)?)?;
        let compared = rendered.compare(self.media, output, self.subject.fixture.meta.codec, &limits).await;
        let found = compared.context("comparing with the in-process render")?.comparison.findings(&limits);
        let is_new = |finding: &Finding| !own.iter().any(|known| known.is_like(finding));
        Ok(found.into_iter().filter(is_new).map(Finding::against_in_process).collect())
    }

    fn contradicting(&self, planned: &PlannedRender, reported: &Rendered, frames: u64) -> Vec<Finding> {
        let required = self.subject.plan.required(planned.id);
        let found = contradictions(reported, required, planned.chunk_size, frames);
        let finding = |what: String| HISTORY.finding(&what, "no contradiction", &what);
        found.into_iter().map(finding).collect()
    }

    /// Chunks of the same frames where the baseline moves: the render stood still.
    async fn frozen(
        &self,
        planned: &PlannedRender,
        comparison: &Comparison,
        baseline: &Baseline,
    ) -> anyhow::Result<Option<Finding>> {
        let frames = u64::from(planned.chunk_size.get());
        let Some(picture) = comparison.picture() else { return Ok(None) };
        let chunks = Chunks { hashes: &picture.hashes, psnr: &picture.psnr, frames };
        for pairs in chunks.pairs() {
            let firsts: Vec<u64> = pairs.firsts.iter().map(|chunk| chunk * frames).collect();
            let baseline = baseline.apart(self.media, &firsts, frames, pairs.distance * frames).await;
            let baseline = baseline.context("looking for a frozen render")?;
            if let Some(frozen) = chunks.frozen(&pairs, &baseline) {
                return Ok(Some(frozen));
            }
        }
        Ok(None)
    }
}

/// What a low threshold hides, and the one that this render would allow: its mean, its planes, and its worst frame are
/// above that.
fn hidden(psnr: &VideoPsnr, least: f64) -> Option<String> {
    let worst = match psnr.worst {
        Level::Db(db) => db + FRAME_PSNR.default(),
        Level::Identical => BEST_DB,
    };
    let reached = psnr.planes.iter().map(|plane| plane.mean_db).chain([psnr.mean_db, worst]).fold(BEST_DB, f64::min);
    let allowed = (reached - THRESHOLD_MARGIN_DB).floor().min(MEAN_PSNR.default());
    (allowed >= least + THRESHOLD_MARGIN_DB).then(|| {
        format!(
            "the fixture requires only {least} dB, which hides damage: this render has {reached:.1} dB and would allow {allowed}"
        )
    })
}

fn machine(run: &Run) -> Machine {
    let target = &run.connection().access.target;
    match target.endpoint() {
        // Nothing is known of another machine but that it is not AWS's.
        Some(url) if target.host_on_this_machine().is_none() => Machine::Emulator { cpus: 0, cpu: format!("at {url}") },
        Some(_) => Machine::Emulator {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: std::fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|reported| cpu_model(&reported))
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        },
        None => Machine::Aws,
    }
}

/// The processor's model in what Linux reports. Clouds call many generations by one name, and programs choose their
/// arithmetic by the instruction set.
fn cpu_model(reported: &str) -> Option<String> {
    let field = |name: &str| {
        let line = reported.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
        Some(line.trim())
    };
    let flags = field("flags")?;
    let has = |set: &&str| flags.split(' ').any(|flag| flag == *set);
    let instructions = ["avx512f", "avx2", "avx", "sse4_2"].into_iter().find(has)?;
    let (name, family, model) = (field("model name")?, field("cpu family")?, field("model")?);
    Some(format!("{name} (family {family}, model {model}, {instructions})"))
}

impl Render<'_> {
    /// Keeps what there is to keep of a comparison. Pictures that can't be made are
    /// only warned of: they decide nothing.
    pub(crate) async fn keep_evidence(
        &self,
        judgement: &Judgement,
        output: &Path,
        stem: &str,
    ) -> anyhow::Result<Evidence> {
        let RunBaseline::Committed { baseline, rendered } = self.reference else { return Ok(Evidence::default()) };
        let findings = judgement.measured.judge().findings;
        let compared = evidence::Compared {
            render: output,
            baseline,
            comparison: &judgement.measured.comparison,
            media: judgement.media.as_ref(),
            frame_times_s: &judgement.frame_times_s,
            rendered: rendered.as_ref(),
            findings: &findings,
        };
        let mut kept = compared.keep(self.media, self.run.artifacts.folder(), stem).await?;
        if let Some(error) = kept.without_images.take() {
            self.run.warn(Err(error));
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_of_one_name_differ_by_their_model() {
        let reported = |model: u8, flags: &str| {
            format!("cpu family\t: 25\nmodel\t\t: {model}\nmodel name\t: AMD EPYC\nflags\t\t: fpu {flags}\n")
        };
        let of = |model, flags| cpu_model(&reported(model, flags)).unwrap();
        assert_eq!(of(1, "avx avx2"), "AMD EPYC (family 25, model 1, avx2)");
        assert_eq!(of(17, "avx avx2 avx512f"), "AMD EPYC (family 25, model 17, avx512f)");
        assert_eq!(cpu_model("processor\t: 0\nFeatures\t: fp asimd"), None);
    }
}
