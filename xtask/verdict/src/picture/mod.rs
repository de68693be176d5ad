//! The decoded picture compared with the baseline's: PSNR, SSIM, frame hashes, frozen chunks, and stills.

pub mod blocks;
pub(crate) mod evidence;
pub(crate) mod flashes;
pub mod frozen;
pub mod hashes;
pub mod lasting;
pub mod levels;
pub mod local;
pub mod luma;
pub(crate) mod outliers;
pub mod psnr;
pub mod raster;
pub mod regions;
pub mod sharpness;
pub mod ssim;
pub(crate) mod tiles;
pub mod timing;

use crate::{
    decibels::Level,
    finding::{Finding, Place},
    gates::{
        FRAME_ORDER, FRAME_PSNR, Limits, MAX_FRAME_FAILURES, MEAN_PSNR, PSNR_FRAME, PSNR_MEAN, PSNR_PLANE, PSNR_SECOND,
        SECOND_PSNR,
    },
    picture::{
        hashes::FrameHashes,
        local::LocalPicture,
        psnr::{Misplaced, Plane, VideoPsnr, worst_stretch},
        ssim::VideoSsim,
    },
};

/// A render's picture compared with its baseline's, frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The ratio of signal to noise.
    pub psnr: VideoPsnr,
    /// The structural similarity.
    pub ssim: VideoSsim,
    /// The render's own frames.
    pub hashes: FrameHashes,
    /// When the worst frame is shown, in seconds.
    pub worst_at_s: f64,
    /// The frame rate, rounded up.
    pub frames_per_second: u64,
    /// Frames that match the frame before or after their own better.
    pub misplaced: Vec<Misplaced>,
    /// Its blocks.
    pub local: LocalPicture,
}

impl Picture {
    /// The damaged frames that the fixture allows, by their PSNR. They say nothing about the others.
    pub(crate) fn excused(&self, limits: &Limits) -> Vec<u64> {
        let least = limits.db(&FRAME_PSNR);
        let below = (0u64..).zip(&self.psnr.levels).filter(|(_, level)| !level.reaches(least)).map(|(frame, _)| frame);
        let below: Vec<u64> = below.collect();
        if below.len() as u64 <= limits.frames(&MAX_FRAME_FAILURES) { below } else { Vec::new() }
    }
}

// The gates of the picture.

pub(crate) fn psnr_mean(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (mean_db, limit) = (picture.psnr.mean_db, limits.db(&MEAN_PSNR));
    // Written so that NaN fails.
    if mean_db >= limit.db() {
        return Vec::new();
    }
    let message = format!("mean PSNR {mean_db:.2} dB is below {limit} dB");
    vec![PSNR_MEAN.finding(format!("{mean_db:.2} dB"), format!("{limit} dB"), message)]
}

pub(crate) fn psnr_plane(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let limit = limits.db(&MEAN_PSNR);
    let finding = |&Plane { plane, mean_db }: &Plane| {
        // Written so that NaN fails.
        let reached = mean_db >= limit.db();
        let message = format!("mean PSNR {mean_db:.2} dB of plane {plane} is below {limit} dB");
        let found = PSNR_PLANE.finding(format!("{mean_db:.2} dB"), format!("{limit} dB"), message);
        (!reached).then(|| found.at(Place { plane: Some(plane), ..Place::default() }))
    };
    picture.psnr.planes.iter().filter_map(finding).collect()
}

pub(crate) fn psnr_second(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (frame_limit, limit) = (limits.db(&FRAME_PSNR), limits.db(&SECOND_PSNR));
    // Damaged frames that the fixture allows do not count against their second.
    let allowed = picture.psnr.frames_below(frame_limit) <= limits.frames(&MAX_FRAME_FAILURES);
    let counted = |level: &Level| if allowed && !level.reaches(frame_limit) { Level::Identical } else { *level };
    let levels: Vec<Level> = picture.psnr.levels.iter().map(counted).collect();
    let (start, level) = worst_stretch(&levels, picture.frames_per_second);
    if level.reaches(limit) {
        return Vec::new();
    }
    let message =
        format!("the second that starts at frame {start} has {level} dB by its mean squared error, below {limit} dB");
    let last = (start + picture.frames_per_second).min(levels.len() as u64).saturating_sub(1);
    let found = PSNR_SECOND.finding(format!("{level} dB"), format!("{limit} dB"), message);
    vec![found.at(Place { frames: Some((start, last)), ..Place::default() })]
}

pub(crate) fn psnr_frame(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (limit, allowed) = (limits.db(&FRAME_PSNR), limits.frames(&MAX_FRAME_FAILURES));
    let VideoPsnr { worst, worst_frame, .. } = picture.psnr;
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
    // A frame that reaches the threshold is in its place, however similar its neighbors are.
    let mut misplaced = picture.misplaced.iter().filter(|frame| !frame.level.reaches(limits.db(&MEAN_PSNR)));
    let Some(Misplaced { frame, shows, level, neighbor }) = misplaced.next() else { return Vec::new() };
    let message = format!(
        "frame {frame} shows the baseline's frame {shows} ({neighbor} dB) instead of its own ({level} dB): frames are \
         repeated, dropped or swapped, {} in all",
        1 + misplaced.count()
    );
    let found = FRAME_ORDER.finding(format!("frame {frame} shows frame {shows}"), format!("frame {frame}"), message);
    vec![found.at(Place { frames: Some((*frame, *frame)), ..Place::default() })]
}
