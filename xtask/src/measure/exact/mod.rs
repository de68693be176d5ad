//! Comparing a render's frames with the in-process ones, byte by byte. Pure.

mod finding;
mod pairing;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use finding::ExactFinding;
pub use pairing::Pairing;

use super::frame_sequence::FrameIndex;

/// Why a frame is not the in-process one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The render has no such frame.
    Missing,
    /// Only the render has such a frame.
    Extra,
    /// The pictures differ in size.
    Size,
    /// At least one pixel differs.
    Pixels,
    /// The pixels are the same, the PNG files are not.
    Encoding,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Extra => "in excess",
            Self::Size => "size",
            Self::Pixels => "pixels",
            Self::Encoding => "encoding only",
        })
    }
}

/// A frame that is not the in-process one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameDifference {
    /// Which frame, from 0.
    pub frame: FrameIndex,
    /// When it is shown, in seconds.
    pub at_s: f64,
    /// Why it is not the same.
    pub why: Why,
}

/// How a file that comes with the frames differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherDifference {
    /// The file's name, such as audio.m4a.
    pub file: String,
    /// How.
    pub why: OtherWhy,
}

/// Why a file that comes with the frames is not the in-process one; it is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtherWhy {
    /// The render has no such file.
    Missing,
    /// Only the render has such a file.
    Extra,
    /// The bytes differ.
    Bytes,
}

/// How a render's frames compare with the in-process ones. There is none
/// without at least one frame on either side, and only [`Pairing::settle`] gives one,
/// or the results of an earlier run, where it gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExactComparison {
    frames: u64,
    rendered_frames: u64,
    identical_frames: u64,
    differences: Vec<FrameDifference>,
    other_differences: Vec<OtherDifference>,
}

impl ExactComparison {
    /// Frames of the in-process render: as many must be identical.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that the render delivered.
    pub fn rendered_frames(&self) -> u64 {
        self.rendered_frames
    }

    /// Frames that are the in-process ones to the byte.
    pub fn identical_frames(&self) -> u64 {
        self.identical_frames
    }

    /// The frames that are not, by index.
    pub fn differences(&self) -> &[FrameDifference] {
        &self.differences
    }

    /// The first frame that is not.
    pub fn first(&self) -> Option<&FrameDifference> {
        self.differences.first()
    }
}
