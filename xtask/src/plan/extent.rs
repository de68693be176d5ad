//! How large and how long a composition is.

use crate::{
    fixture::Composition,
    measure::{frame_sequence::ReferenceFrames, probe::MediaShape},
};

/// Picture size in pixels, and number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Pixels a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// Frames of the whole composition.
    pub frames: u64,
}

impl Extent {
    /// What a composition says of itself; `None` where it leaves anything to its scripts.
    pub fn told_by(composition: &Composition, fps: u32) -> Option<Self> {
        let (width, height) = (composition.width?, composition.height?);
        Some(Self { width, height, frames: composition.frames(fps)? })
    }

    /// The same with what a composition says of itself in the first place.
    #[must_use]
    pub fn or_told_by(self, composition: &Composition, fps: u32) -> Self {
        Self {
            width: composition.width.unwrap_or(self.width),
            height: composition.height.unwrap_or(self.height),
            frames: composition.frames(fps).unwrap_or(self.frames),
        }
    }
}

impl From<&MediaShape> for Extent {
    fn from(video: &MediaShape) -> Self {
        Self { width: video.width, height: video.height, frames: video.frames }
    }
}

impl From<&ReferenceFrames> for Extent {
    fn from(frames: &ReferenceFrames) -> Self {
        let size = frames.size();
        Self { width: size.width.into(), height: size.height.into(), frames: frames.sequence().len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_composition_says_comes_first() {
        let measured = Extent { width: 64, height: 36, frames: 9 };
        let whole = Composition { width: Some(640), height: Some(360), duration_s: Some(2.0) };
        let told = Extent { width: 640, height: 360, frames: 60 };
        assert_eq!((Extent::told_by(&whole, 30), measured.or_told_by(&whole, 30)), (Some(told), told));
        let part = Composition { duration_s: None, ..whole };
        assert_eq!(Extent::told_by(&part, 30), None);
        assert_eq!(measured.or_told_by(&part, 30), Extent { frames: 9, ..told });
    }
}
