//! What the renders of a run are held against: the fixture's baseline, or with
//! `--exact` the frames that the in-process renderer makes here and now.

use anyhow::Context;

use super::run::Run;
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    fixture::RenderFormat,
    frames::FrameFolder,
    measure::{frame_sequence::ReferenceFrames, probe::MediaShape},
    media::Media,
    plan::Extent,
    renderer,
    report::counted,
    toolbox::is_linux_x86_64,
};

/// What the renders are held against.
pub(super) enum Reference {
    /// The fixture's committed video.
    Baseline(Box<MediaShape>),
    /// Every frame, as the in-process renderer made it.
    Frames(FrameFolder, ReferenceFrames),
}

/// Where the in-process frames of a run are kept: as files, so that one can look at them.
const FOLDER: &str = "renders/exact-baseline";

impl Reference {
    /// The baseline, measured.
    pub(super) async fn baseline(run: &Run, media: &Media) -> Result<Self, Failure> {
        let shape = media.shape_of_whole(&run.prepared.fixture.baseline()).await;
        shape
            .context("the baseline can't be measured")
            .or_exit(ExitCode::Preflight)
            .map(|shape| Self::Baseline(Box::new(shape)))
    }

    /// The frames, rendered now. Nothing else of the run goes on meanwhile but the
    /// build, so that no timed render is disturbed.
    pub(super) async fn frames(run: &Run) -> Result<Self, Failure> {
        let prepared = &run.prepared;
        renderer::check_platform("--exact", is_linux_x86_64()).or_exit(ExitCode::Preflight)?;
        connect::provision(&run.session).await.or_exit(ExitCode::Preflight)?;
        run.step("reference", &format!("rendering {} in-process as a png-sequence", prepared.fixture.name));
        let (to, log) = (run.artifacts.path(FOLDER), run.artifacts.logs().join("in-process.log"));
        let format = RenderFormat::PngSequence;
        let told = renderer::render(&run.session, &prepared.repo, &prepared.fixture, format, &to, &log).await;
        run.artifacts.save(&format!("{FOLDER}.json"), &told.or_exit(ExitCode::Render)?).or_exit(ExitCode::Render)?;
        let folder = FrameFolder::at(&to);
        let reading = folder.clone();
        let read = tokio::task::spawn_blocking(move || reading.read().and_then(ReferenceFrames::new));
        let frames = read.await.context("reading frames").or_exit(ExitCode::Render)?;
        let frames = frames.context("the in-process render can't be compared with").or_exit(ExitCode::Render)?;
        run.step("reference", &format!("{} in {}", counted(frames.sequence().len(), "frame"), to.display()));
        Ok(Self::Frames(folder, frames))
    }

    /// Its size and length.
    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Baseline(shape) => shape.as_ref().into(),
            Self::Frames(_, frames) => frames.into(),
        }
    }
}
