//! What renders are held against.

use anyhow::Context;

use super::{Packed, Run, Subject};
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    fixture::RenderFormat,
    frames::FrameFolder,
    in_process::{self, Job, Renderer},
    measure::frame_sequence::ReferenceFrames,
    media::Media,
    original::Original,
    plan::Extent,
    toolbox::is_linux_x86_64,
    wording::counted,
};

/// Where the in-process frames of a run are kept.
const FRAMES: &str = "renders/exact-baseline";

/// What the renders are held against.
pub(crate) enum Reference {
    /// The fixture's committed render, which they must be equal enough to.
    Baseline(Original),
    /// Every frame, as the in-process renderer made it, which theirs must be to the byte.
    Frames(FrameFolder, ReferenceFrames),
}

impl Reference {
    /// The baseline, measured.
    ///
    /// # Errors
    /// When it can't be decoded from end to end.
    pub(crate) async fn baseline(run: &Run, subject: &Subject, media: &Media) -> Result<Self, Failure> {
        let (fixture, fps) = (&subject.fixture, subject.fixture.meta.fps.get());
        let original = Original::read(media, &fixture.baseline(), fixture.meta.format, fps).await;
        let original = original
            .with_context(|| format!("the baseline of {} can't be measured", fixture.name))
            .or_exit(ExitCode::Preflight)?;
        let sound = if original.audio().is_empty() { "no sound" } else { "sound" };
        let Extent { width, height, frames } = original.extent();
        let (name, fps) = (&fixture.name, original.fps());
        run.step("baseline", &format!("{name}: {frames} frames, {width}x{height}, {fps} fps, {sound}"));
        Ok(Self::Baseline(original))
    }

    /// Every frame, as the in-process renderer makes it here and now. They are kept as files, so that one can
    /// look at them. Nothing else of the run goes on meanwhile but the build, so that no timed render is disturbed.
    ///
    /// # Errors
    /// When this machine can't render them.
    pub(crate) async fn in_process(run: &Run, subject: &Subject, packed: &Packed) -> Result<Self, Failure> {
        let fixture = &subject.fixture;
        in_process::check_platform("--exact", is_linux_x86_64()).or_exit(ExitCode::Preflight)?;
        connect::provision(&run.session).await.or_exit(ExitCode::Preflight)?;
        run.step("reference", &format!("rendering {} in-process as a png-sequence", fixture.name));
        let (to, log) = (run.artifacts.path(FRAMES), run.artifacts.logs().join("in-process.log"));
        let renderer = Renderer::prepare(&run.session, &run.repo, &log).await.or_exit(ExitCode::Preflight)?;
        let job = Job { fixture, project: &packed.project, format: RenderFormat::PngSequence, to: &to, log: &log };
        let told = renderer.render(&job).await.or_exit(ExitCode::Render)?.told;
        run.artifacts.save(&format!("{FRAMES}.json"), &told).or_exit(ExitCode::Render)?;
        let folder = FrameFolder::at(&to);
        let reading = folder.clone();
        let read = tokio::task::spawn_blocking(move || reading.read().and_then(ReferenceFrames::new));
        let frames = read.await.context("reading frames").or_exit(ExitCode::Render)?;
        let frames = frames.context("the in-process render can't be compared with").or_exit(ExitCode::Render)?;
        run.step("reference", &format!("{} in {}", counted(frames.sequence().len(), "frame"), to.display()));
        Ok(Self::Frames(folder, frames))
    }

    /// Its size and length.
    pub(crate) fn extent(&self) -> Extent {
        match self {
            Self::Baseline(original) => original.extent(),
            Self::Frames(_, frames) => frames.into(),
        }
    }

    /// The baseline, where renders are measured.
    pub(crate) fn original(&self) -> Option<&Original> {
        match self {
            Self::Baseline(original) => Some(original),
            Self::Frames(..) => None,
        }
    }
}
