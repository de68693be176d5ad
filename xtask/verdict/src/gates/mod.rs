//! The table of gates: everything that a render must fulfill to pass, and the limits that can be set.
//!
//! Flags, environment variables, meta.json, run.json, JUnit, the comparison of two runs and the tables in
//! docs/verdict.md follow these rows. A new gate is a row here, its check, and a test.

mod limits;
mod settings;

use std::borrow::Cow;

pub use self::{
    limits::*,
    settings::{Limits, Settings},
};
use crate::{
    audio::{self, Sound},
    finding::{ComparedWith, Finding, Place},
    picture::{self, Picture, local},
};

/// Every gate, in the order in which reports list them.
pub const GATES: [&Gate; 24] = [
    &STRUCTURE,
    &PSNR_MEAN,
    &PSNR_PLANE,
    &PSNR_SECOND,
    &PSNR_FRAME,
    &FRAME_ORDER,
    &REGION,
    &TONE,
    &DETAIL,
    &SHARPNESS,
    &HISTOGRAM,
    &TIMING,
    &DISPLACEMENT,
    &FROZEN_CHUNKS,
    &AUDIO_RESIDUAL,
    &AUDIO_WINDOW,
    &AUDIO_LOST,
    &AUDIO_MOMENT,
    &AUDIO_CLICK,
    &AUDIO_BAND,
    &RECORD,
    &EXACT,
    &HISTORY,
    &PLAN_PROTOCOLS,
];

/// The shapes agree: tracks, frames, times, sizes, formats, colors. Only then is anything else measured.
pub const STRUCTURE: Gate = Gate { id: "structure", check: Check::Structure, limits: &[] };

/// The mean PSNR over all planes reaches the threshold.
pub const PSNR_MEAN: Gate = Gate { id: "psnr-mean", check: Check::Picture(picture::psnr_mean), limits: &[MEAN_PSNR] };

/// The mean PSNR of each plane reaches it.
pub const PSNR_PLANE: Gate = Gate { id: "psnr-plane", check: Check::Picture(picture::psnr_plane), limits: &[] };

/// No second is damaged: a mean over the levels could hide a bad half of a video behind a good one.
pub const PSNR_SECOND: Gate =
    Gate { id: "psnr-second", check: Check::Picture(picture::psnr_second), limits: &[SECOND_PSNR] };

/// No frame is damaged, except for as many as are allowed.
pub const PSNR_FRAME: Gate =
    Gate { id: "psnr-frame", check: Check::Picture(picture::psnr_frame), limits: &[FRAME_PSNR, MAX_FRAME_FAILURES] };

/// No frame below the threshold matches a neighbor of its own frame better.
pub const FRAME_ORDER: Gate = Gate { id: "frame-order", check: Check::Picture(picture::frame_order), limits: &[] };

/// No region's mean differs from the baseline's.
pub const REGION: Gate = Gate { id: "region", check: Check::Local(local::region), limits: &[REGION_LIMIT] };

/// No plane's mean differs from the baseline's.
pub const TONE: Gate = Gate { id: "tone", check: Check::Local(local::tone), limits: &[TONE_LIMIT] };

/// No region's samples differ from the baseline's.
pub const DETAIL: Gate = Gate { id: "detail", check: Check::Local(local::detail), limits: &[DETAIL_LIMIT] };

/// No region is blurred or sharpened.
pub const SHARPNESS: Gate = Gate { id: "sharpness", check: Check::Local(local::sharpness), limits: &[SHARPNESS_LIMIT] };

/// No levels are missing, clipped, or lifted.
pub const HISTOGRAM: Gate = Gate { id: "histogram", check: Check::Local(local::histogram), limits: &[HISTOGRAM_LIMIT] };

/// No stretch is late or early, swapped, repeated, or blended.
pub const TIMING: Gate = Gate { id: "timing", check: Check::Local(local::timing), limits: &[SHIFT_LIMIT] };

/// Nothing stands aside of its place.
pub const DISPLACEMENT: Gate =
    Gate { id: "displacement", check: Check::Local(local::displacement), limits: &[DISPLACEMENT_LIMIT] };

/// No two chunks show the same frames if the baseline changes between them.
pub const FROZEN_CHUNKS: Gate = Gate { id: "frozen-chunks", check: Check::Run, limits: &[] };

/// The residual of a track (the render minus the baseline) is quiet over the whole length.
pub const AUDIO_RESIDUAL: Gate =
    Gate { id: "audio-residual", check: Check::Audio(audio::residual), limits: &[RESIDUAL_LIMIT] };

/// The same in every tenth of a second.
pub const AUDIO_WINDOW: Gate = Gate { id: "audio-window", check: Check::Audio(audio::window), limits: &[WINDOW_LIMIT] };

/// No second of the baseline's audio is missing from the render.
pub const AUDIO_LOST: Gate = Gate { id: "audio-lost", check: Check::Audio(audio::lost), limits: &[] };

/// In no 5 to 100 ms does the residual stand out of the baseline's audio.
pub const AUDIO_MOMENT: Gate = Gate { id: "audio-moment", check: Check::Audio(audio::moment), limits: &[MOMENT_LIMIT] };

/// No sample of the residual stands out of the baseline's peaks.
pub const AUDIO_CLICK: Gate = Gate { id: "audio-click", check: Check::Audio(audio::click), limits: &[CLICK_LIMIT] };

/// In no band of the spectrum does the residual stand out of the baseline's audio.
pub const AUDIO_BAND: Gate = Gate { id: "audio-band", check: Check::Audio(audio::band), limits: &[BAND_LIMIT] };

/// The render matches the fixture's known-good metrics.
pub const RECORD: Gate = Gate { id: "record", check: Check::Run, limits: &[] };

/// Every frame is identical to the in-process one.
pub const EXACT: Gate = Gate { id: "exact", check: Check::Exact, limits: &[] };

/// The execution's history agrees with the delivered video and with the request.
pub const HISTORY: Gate = Gate { id: "history", check: Check::Contradiction, limits: &[] };

/// Both plan protocols rendered the same video.
pub const PLAN_PROTOCOLS: Gate = Gate { id: "plan-protocols", check: Check::Contradiction, limits: &[] };

/// A row of the table of gates.
#[derive(Debug)]
pub struct Gate {
    /// Its name in findings, JUnit and the documentation.
    pub id: &'static str,
    /// What it checks.
    pub check: Check,
    /// The limits that it introduces.
    pub limits: &'static [Limit],
}

/// What a gate checks.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// The shapes of both files. If they differ, nothing else is compared.
    Structure,
    /// The measured picture, by the error of all samples.
    Picture(fn(&Picture, &Limits) -> Vec<Finding>),
    /// The measured picture in its parts, where damage is small or mild.
    Local(fn(&Picture, &Limits) -> Vec<Finding>),
    /// Each measured audio track, by its number from 0.
    Audio(fn(usize, &Sound, &Limits) -> Option<Finding>),
    /// The measured render, with facts that only the run knows.
    Run,
    /// Frames that are compared byte by byte.
    Exact,
    /// Other facts about the execution. A failure is a contradiction, not a difference.
    Contradiction,
}

impl Gate {
    /// The gate with this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        GATES.into_iter().find(|gate| gate.id == id)
    }

    /// A reason not to pass: `value` was found and `limit` is required, both with their units.
    pub fn finding(&self, value: impl Into<String>, limit: impl Into<String>, message: impl Into<String>) -> Finding {
        let (value, limit, message) = (value.into(), limit.into(), message.into());
        Finding {
            gate: Cow::Borrowed(self.id),
            value,
            limit,
            message,
            place: Place::default(),
            change: None,
            compared_with: ComparedWith::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_unique() {
        let unique = |names: Vec<&str>| names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
        assert!(unique(GATES.iter().map(|gate| gate.id).collect()));
        assert!(unique(Limit::all().map(|limit| limit.key).collect()));
        assert!(GATES.iter().all(|gate| Gate::named(gate.id).unwrap().id == gate.id));
        assert!(Gate::named("other").is_none());
    }
}
