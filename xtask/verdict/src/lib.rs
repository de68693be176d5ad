//! Two videos in, findings out: whether a render is the same video as its baseline.
//!
//! The outputs of ffmpeg and ffprobe are parsed here ([`probe`], [`showinfo`], [`picture`], [`audio`]), or PNG
//! sequences are read and compared ([`frames`]). The result is a [`Comparison`]. Its [findings](Comparison::findings)
//! are what the gates of the [table](gates::GATES) report, and all renders together give the [verdict]. Nothing here
//! starts a process or knows the time.

pub mod audio;
pub mod codec;
pub mod decibels;
pub mod finding;
pub mod fraction;
pub mod frames;
pub mod gates;
pub mod known_good;
pub mod mp4;
pub mod picture;
pub mod probe;
pub mod protocols;
pub mod shape;
pub mod showinfo;
pub mod verdict;

pub use crate::picture::Picture;
use crate::{
    audio::Sound,
    finding::Finding,
    frames::exact::ExactComparison,
    gates::{Check, GATES, Limits},
    shape::Difference,
};

/// A render compared with its baseline.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// The shapes differ, so PSNR would compare different things. Never a pass.
    Unlike(Vec<Difference>),
    /// Frames, compared byte by byte.
    Exact(ExactComparison),
    /// The shapes agree, and the contents were measured.
    Alike {
        /// The picture.
        picture: Box<Picture>,
        /// The audio tracks.
        audio: Vec<Sound>,
    },
}

impl Comparison {
    /// The picture, if it was measured.
    pub fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Unlike(_) | Self::Exact(_) => None,
            Self::Alike { picture, .. } => Some(picture),
        }
    }

    /// Every difference that exceeds a limit.
    pub fn findings(&self, limits: &Limits) -> Vec<Finding> {
        match self {
            // The contents were not measured, whatever the reason.
            Self::Unlike(differences) if differences.is_empty() => vec![Difference::unknown().finding()],
            Self::Unlike(differences) => differences.iter().map(Difference::finding).collect(),
            Self::Exact(frames) => frames.findings(),
            Self::Alike { picture, .. } => {
                let picture_findings = GATES.into_iter().flat_map(|gate| match gate.check {
                    Check::Picture(check) | Check::Local(check) => check(picture, limits),
                    _ => Vec::new(),
                });
                picture_findings.chain(self.audio_findings(limits)).collect()
            }
        }
    }

    /// Every difference of the audio that exceeds a limit, track by track.
    pub fn audio_findings(&self, limits: &Limits) -> Vec<Finding> {
        let Self::Alike { audio, .. } = self else { return Vec::new() };
        let track_findings = |(track, sound): (usize, &Sound)| {
            let found = GATES.into_iter().filter_map(|gate| match gate.check {
                Check::Audio(check) => check(track, sound, limits),
                _ => None,
            });
            found.collect::<Vec<_>>()
        };
        audio.iter().enumerate().flat_map(track_findings).collect()
    }
}
