//! What renders are held against.

use anyhow::Context;

use super::{Run, Subject};
use crate::{
    exit::{ExitCode, Failure, OrExit},
    frames::FrameFolder,
    measure::frame_sequence::ReferenceFrames,
    media::Media,
    original::Original,
    plan::Extent,
};

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
