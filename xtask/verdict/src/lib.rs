//! From what the tools printed to a verdict. Pure: no processes, no clock.

pub mod audio;
pub mod codec;
pub mod decibels;
pub mod finding;
pub mod fraction;
pub mod frames;
pub mod gates;
pub mod known_good;
pub mod picture;
pub mod probe;
pub mod protocols;
pub mod shape;
pub mod showinfo;
pub mod verdict;

use crate::{
    audio::Sound,
    decibels::Level,
    finding::{Finding, Place},
    frames::exact::ExactComparison,
    gates::{
        Check, FRAME_ORDER, FRAME_PSNR, GATES, Limits, MAX_FRAME_FAILURES, MEAN_PSNR, PSNR_FRAME, PSNR_MEAN,
        PSNR_PLANE, PSNR_SECOND, SECOND_PSNR,
    },
    picture::{
        hashes::FrameHashes,
        psnr::{Misplaced, PsnrSummary, worst_stretch},
        ssim::SsimSummary,
    },
    shape::Difference,
};

// How one render compares with its baseline, and what of that is not equal enough. Pure.

/// How one render compares with the baseline.
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
        /// Each audio track, where there are any.
        audio: Vec<Sound>,
    },
}

/// The picture of a render against its baseline's, frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Signal to noise.
    pub psnr: PsnrSummary,
    /// Likeness of structure.
    pub ssim: SsimSummary,
    /// The render's own frames.
    pub hashes: FrameHashes,
    /// When the worst frame is shown, in seconds.
    pub worst_at_s: f64,
    /// How many frames a second has, rounded up.
    pub frames_a_second: u64,
    /// Frames that are more like a neighbor of their own.
    pub misplaced: Vec<Misplaced>,
}

impl Comparison {
    /// The picture, where it was measured.
    pub fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Unlike(_) | Self::Exact(_) => None,
            Self::Alike { picture, .. } => Some(picture),
        }
    }

    /// Everything that is not equal enough.
    pub fn findings(&self, limits: &Limits) -> Vec<Finding> {
        match self {
            // The contents were not measured, whatever the reason is said to be.
            Self::Unlike(differences) if differences.is_empty() => vec![Difference::unknown().finding()],
            Self::Unlike(differences) => differences.iter().map(Difference::finding).collect(),
            Self::Exact(frames) => frames.findings(),
            Self::Alike { picture, .. } => {
                let of_picture = GATES.into_iter().flat_map(|gate| match gate.check {
                    Check::Picture(check) => check(picture, limits),
                    _ => Vec::new(),
                });
                of_picture.chain(self.audio_findings(limits)).collect()
            }
        }
    }

    /// What of the audio is not equal enough, track by track.
    pub fn audio_findings(&self, limits: &Limits) -> Vec<Finding> {
        let Self::Alike { audio, .. } = self else { return Vec::new() };
        let of_track = |(track, sound): (usize, &Sound)| {
            let found = GATES.into_iter().filter_map(|gate| match gate.check {
                Check::Audio(check) => check(track, sound, limits),
                _ => None,
            });
            found.collect::<Vec<_>>()
        };
        audio.iter().enumerate().flat_map(of_track).collect()
    }
}

pub(crate) fn psnr_mean(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (mean_db, limit) = (picture.psnr.mean_db, limits.db(&MEAN_PSNR));
    // Written so that NaN would fail.
    if mean_db >= limit.db() {
        return Vec::new();
    }
    let message = format!("mean PSNR {mean_db:.2} dB is below {limit} dB");
    vec![PSNR_MEAN.finding(format!("{mean_db:.2} dB"), format!("{limit} dB"), message)]
}

pub(crate) fn psnr_plane(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let limit = limits.db(&MEAN_PSNR);
    let reaches = |db: f64| db >= limit.db();
    let low = picture.psnr.planes.iter().filter(|plane| !reaches(plane.mean_db));
    let finding = |plane: char, mean_db: f64| {
        let message = format!("mean PSNR {mean_db:.2} dB of plane {plane} is below {limit} dB");
        let found = PSNR_PLANE.finding(format!("{mean_db:.2} dB"), format!("{limit} dB"), message);
        found.at(Place { plane: Some(plane), ..Place::default() })
    };
    low.map(|plane| finding(plane.plane, plane.mean_db)).collect()
}

pub(crate) fn psnr_second(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (of_frame, limit) = (limits.db(&FRAME_PSNR), limits.db(&SECOND_PSNR));
    // Ruined frames that the fixture allows do not ruin their second.
    let allowed = picture.psnr.frames_below(of_frame) <= limits.frames(&MAX_FRAME_FAILURES);
    let counted = |level: &Level| if allowed && !level.reaches(of_frame) { Level::Identical } else { *level };
    let levels: Vec<Level> = picture.psnr.levels.iter().map(counted).collect();
    let (start, level) = worst_stretch(&levels, picture.frames_a_second);
    if level.reaches(limit) {
        return Vec::new();
    }
    let message =
        format!("the second from frame {start} on has {level} dB by its mean squared error, below {limit} dB");
    let last = (start + picture.frames_a_second).min(levels.len() as u64).saturating_sub(1);
    let found = PSNR_SECOND.finding(format!("{level} dB"), format!("{limit} dB"), message);
    vec![found.at(Place { frames: Some((start, last)), ..Place::default() })]
}

pub(crate) fn psnr_frame(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (limit, allowed) = (limits.db(&FRAME_PSNR), limits.frames(&MAX_FRAME_FAILURES));
    let PsnrSummary { worst, worst_frame, .. } = picture.psnr;
    let below = picture.psnr.frames_below(limit);
    if below <= allowed {
        return Vec::new();
    }
    let message = format!(
        "frames below {limit} dB: {below}, allowed: {allowed}; the worst is frame {worst_frame} (from 0, at {:.3} s) \
         with {worst} dB",
        picture.worst_at_s
    );
    let found = PSNR_FRAME.finding(format!("{below} below {limit} dB"), allowed.to_string(), message);
    vec![found.at(Place { frames: Some((worst_frame, worst_frame)), ..Place::default() })]
}

pub(crate) fn frame_order(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    // A frame that reaches the threshold is its own, however like its neighbors.
    let mut misplaced = picture.misplaced.iter().filter(|frame| !frame.level.reaches(limits.db(&MEAN_PSNR)));
    let Some(Misplaced { frame, shows, level, neighbor }) = misplaced.next() else { return Vec::new() };
    let message = format!(
        "frame {frame} shows the baseline's frame {shows} ({neighbor} dB) and not its own ({level} dB): frames are \
         repeated, dropped or swapped, {} in all",
        1 + misplaced.count()
    );
    let found = FRAME_ORDER.finding(format!("frame {frame} shows frame {shows}"), format!("frame {frame}"), message);
    vec![found.at(Place { frames: Some((*frame, *frame)), ..Place::default() })]
}
