//! What renders are held against.

use anyhow::Context;

use super::{Run, Subject};
use crate::{
    exit::{ExitCode, Failure, OrExit},
    frames::FrameFolder,
    measure::{frame_sequence::ReferenceFrames, probe::MediaShape},
    media::Media,
    plan::Extent,
};

/// What the renders are held against.
pub(crate) enum Reference {
    /// The fixture's committed video.
    Baseline(Box<MediaShape>),
    /// Every frame, as the in-process renderer made it.
    Frames(FrameFolder, ReferenceFrames),
}

impl Reference {
    /// The baseline, measured.
    ///
    /// # Errors
    /// When it can't be decoded from end to end.
    pub(crate) async fn baseline(run: &Run, subject: &Subject, media: &Media) -> Result<Self, Failure> {
        let shape = media.shape_of_whole(&subject.fixture.baseline()).await;
        let shape = shape
            .with_context(|| format!("the baseline of {} can't be measured", subject.fixture.name))
            .or_exit(ExitCode::Preflight)?;
        let sound = if shape.audio.is_empty() { "no sound" } else { "sound" };
        let MediaShape { frames, width, height, fps, .. } = &shape;
        let name = &subject.fixture.name;
        run.step("baseline", &format!("{name}: {frames} frames, {width}x{height}, {fps} fps, {sound}"));
        Ok(Self::Baseline(Box::new(shape)))
    }

    /// Its size and length.
    pub(crate) fn extent(&self) -> Extent {
        match self {
            Self::Baseline(shape) => shape.as_ref().into(),
            Self::Frames(_, frames) => frames.into(),
        }
    }

    /// The baseline's shape, where it is a video.
    pub(crate) fn baseline_shape(&self) -> Option<&MediaShape> {
        match self {
            Self::Baseline(shape) => Some(shape),
            Self::Frames(..) => None,
        }
    }
}
