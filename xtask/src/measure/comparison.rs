//! How one render compares with its baseline, and what of that is not equal enough. Pure.

use super::{
    Level,
    audio::Sound,
    exact::ExactComparison,
    finding::Finding,
    frames::FrameHashes,
    gate::Gate,
    psnr::{Misplaced, PsnrSummary, worst_stretch},
    shape::Difference,
    ssim::SsimSummary,
};

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
        /// The sound, a track each, where there is sound.
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
    /// Frames that are more like a neighbour of their own.
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
    pub fn findings(&self, gate: &Gate) -> Vec<Finding> {
        match self {
            // Contents were not measured, whatever is told of the reason.
            Self::Unlike(differences) if differences.is_empty() => vec![Finding::Shape(Difference::untold())],
            Self::Unlike(differences) => differences.iter().cloned().map(Finding::Shape).collect(),
            Self::Exact(frames) => frames.findings().into_iter().map(Finding::Exact).collect(),
            Self::Alike { picture, .. } => {
                of_picture(picture, gate).into_iter().chain(self.findings_of_sound(gate)).collect()
            }
        }
    }

    /// What of the sound is not equal enough.
    pub fn findings_of_sound(&self, gate: &Gate) -> Vec<Finding> {
        let Self::Alike { audio, .. } = self else { return Vec::new() };
        audio.iter().enumerate().flat_map(|(track, sound)| of_sound(track, sound, gate)).collect()
    }
}

fn of_picture(picture: &Picture, gate: &Gate) -> Vec<Finding> {
    let (psnr, limit) = (&picture.psnr, gate.psnr_db);
    let mut found = Vec::new();
    // Written so that NaN would fail.
    let reaches = |db: f64| db >= limit.db();
    if !reaches(psnr.mean_db) {
        found.push(Finding::Mean { mean_db: psnr.mean_db, limit });
    }
    let low = psnr.planes.iter().filter(|plane| !reaches(plane.mean_db));
    found.extend(low.map(|plane| Finding::Plane { plane: plane.plane, mean_db: plane.mean_db, limit }));
    let below = psnr.frames_below(gate.frame_psnr_db);
    // Ruined frames that the fixture allows do not ruin their second.
    let forgiven = |level: &Level| below <= gate.max_frame_failures && !level.reaches(gate.frame_psnr_db);
    let levels: Vec<Level> = psnr.levels.iter().map(|l| if forgiven(l) { Level::Identical } else { *l }).collect();
    let (start, level) = worst_stretch(&levels, picture.frames_a_second);
    if !level.reaches(gate.second_psnr_db) {
        found.push(Finding::Second { start, level, limit: gate.second_psnr_db });
    }
    if below > gate.max_frame_failures {
        found.push(Finding::Frames {
            below,
            allowed: gate.max_frame_failures,
            worst: psnr.worst,
            frame: psnr.worst_frame,
            at_s: picture.worst_at_s,
            limit: gate.frame_psnr_db,
        });
    }
    // A frame that reaches the threshold is its own, however like its neighbours.
    let mut misplaced = picture.misplaced.iter().filter(|frame| !frame.level.reaches(limit));
    if let Some(first) = misplaced.next() {
        found.push(Finding::Misplaced { first: *first, count: 1 + misplaced.count() });
    }
    found
}

fn of_sound(track: usize, sound: &Sound, gate: &Gate) -> Vec<Finding> {
    let mut found = Vec::new();
    if !sound.whole.within(gate.audio_residual_dbfs.db()) {
        let lag_ms = sound.lag.map(|lag| lag.ms);
        found.push(Finding::Audio { track, residual: sound.whole, limit: gate.audio_residual_dbfs, lag_ms });
    }
    if !sound.loudest.within(gate.audio_window_dbfs.db()) {
        let (residual, at_s) = (sound.loudest, sound.loudest_at_s);
        found.push(Finding::AudioMoment { track, residual, at_s, limit: gate.audio_window_dbfs });
    }
    found.extend(sound.lost.map(|lost| Finding::AudioLost { track, lost }));
    found
}
