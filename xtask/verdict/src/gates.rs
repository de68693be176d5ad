//! The table of gates: everything that a render must fulfill to pass, and the limits that can be set.
//!
//! Flags, environment variables, meta.json, run.json, JUnit, the comparison of two runs and the tables in
//! docs/verdict.md follow these rows. A new gate is a row here, its check, and a test.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::ensure;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    audio::{self, Sound},
    decibels::Decibels,
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

/// The least mean PSNR over all planes, and of each plane.
pub const MEAN_PSNR: Limit = Limit {
    key: "psnrDb",
    what: "mean PSNR",
    unit: Unit::Db,
    rule: Rule::Default(40.0),
    meta: Some("minPsnr"),
    flag: Some(Flag {
        name: "psnr-threshold",
        env: Some("PSNR_THRESHOLD"),
        help: "Lowest mean PSNR that passes, in dB",
        details: "The limit applies to the mean over all planes, and to each plane.",
    }),
};

/// The least PSNR of any second, from its mean squared error. 3 dB are twice the error.
pub const SECOND_PSNR: Limit = Limit {
    key: "secondPsnrDb",
    what: "PSNR of a second",
    unit: Unit::Db,
    rule: Rule::Below(&MEAN_PSNR, 3.0),
    meta: None,
    flag: None,
};

/// The PSNR that at most [`MAX_FRAME_FAILURES`] frames may miss. 10 dB are ten times the squared
/// error, so that a damaged frame can't hide in a mean.
pub const FRAME_PSNR: Limit = Limit {
    key: "framePsnrDb",
    what: "PSNR of a frame",
    unit: Unit::Db,
    rule: Rule::Below(&MEAN_PSNR, 10.0),
    meta: None,
    flag: Some(Flag {
        name: "frame-psnr-margin",
        env: Some("FRAME_PSNR_MARGIN"),
        help: "How far below the threshold a frame may be, in dB",
        details: "",
    }),
};

/// How many frames may miss [`FRAME_PSNR`].
pub const MAX_FRAME_FAILURES: Limit = Limit {
    key: "maxFrameFailures",
    what: "frames allowed below that",
    unit: Unit::Frames,
    rule: Rule::Default(0.0),
    meta: Some("maxFrameFailures"),
    flag: Some(Flag {
        name: "max-frame-failures",
        env: None,
        help: "How many frames may be even lower",
        details: "These frames are more than --frame-psnr-margin below --psnr-threshold.",
    }),
};

/// How much the mean of a flat region of 32x32 samples may differ. A region of another size, or with contrast, may
/// differ more: [`crate::picture::regions`].
pub const REGION_LIMIT: Limit = Limit {
    key: "regionLevels",
    what: "difference of a region",
    unit: Unit::Levels,
    rule: Rule::Default(1.5),
    meta: Some("maxRegionDifference"),
    flag: Some(Flag {
        name: "max-region-difference",
        env: None,
        help: "Greatest difference of a region in levels of 255",
        details: "This is the limit for a flat region of 32x32 samples. Smaller regions, and regions with contrast, may differ more.",
    }),
};

/// How much the mean of a whole plane may differ in a frame.
pub const TONE_LIMIT: Limit = Limit {
    key: "toneLevels",
    what: "difference of a whole plane",
    unit: Unit::Levels,
    rule: Rule::Default(0.6),
    meta: Some("maxToneDifference"),
    flag: Some(Flag {
        name: "max-tone-difference",
        env: None,
        help: "Greatest difference of a plane in levels of 255",
        details: "",
    }),
};

/// How much the samples of a flat region of 32x32 samples may differ, in the mean of their absolute difference.
pub const DETAIL_LIMIT: Limit = Limit {
    key: "detailLevels",
    what: "difference of a region's samples",
    unit: Unit::Levels,
    rule: Rule::Default(2.4),
    meta: Some("maxDetailDifference"),
    flag: Some(Flag {
        name: "max-detail-difference",
        env: None,
        help: "Greatest difference of single samples in levels",
        details: "This is the limit for the mean absolute difference, in levels of 255, in a flat region of 32x32 samples. With contrast and grain, samples may differ more.",
    }),
};

/// By how much a region of 32x32 samples may be less sharp than the baseline's, or sharper:
/// [`crate::picture::sharpness`].
pub const SHARPNESS_LIMIT: Limit = Limit {
    key: "sharpnessDb",
    what: "difference in sharpness",
    unit: Unit::Relative,
    rule: Rule::Default(2.6),
    meta: Some("maxSharpnessDifference"),
    flag: Some(Flag {
        name: "max-sharpness-difference",
        env: None,
        help: "How much less sharp a region may be, in dB",
        details: "Sharpness is the fine detail in 32x32 samples, measured in every fourth frame. A region may be sharper by 1.35 times the limit.",
    }),
};

/// By how much the levels of a frame may differ in the mean, by their rank. Their ends may differ six times as much:
/// [`crate::picture::levels`].
pub const HISTOGRAM_LIMIT: Limit = Limit {
    key: "histogramLevels",
    what: "difference of levels",
    unit: Unit::Levels,
    rule: Rule::Default(0.34),
    meta: Some("maxHistogramDifference"),
    flag: Some(Flag {
        name: "max-histogram-difference",
        env: None,
        help: "Greatest difference of the luma histogram",
        details: "Samples of the same rank are compared, in the luma of every fourth frame. The limit is for their mean difference, in levels of 255. The lowest and the highest thousandth may differ six times as much.",
    }),
};

/// By how many frames any stretch may be late or early, by the part of that which is more than noise.
pub const SHIFT_LIMIT: Limit = Limit {
    key: "shiftFrames",
    what: "shift in time",
    unit: Unit::Shift,
    rule: Rule::Default(0.35),
    meta: Some("maxShift"),
    flag: Some(Flag {
        name: "max-shift",
        env: None,
        help: "How many frames any part may be late or early",
        details: "A fraction of a frame means a blend of two frames.",
    }),
};

/// By how many samples of its plane a region, or a whole plane, may stand aside, by the part of that which is more
/// than noise: [`crate::picture::tiles`].
pub const DISPLACEMENT_LIMIT: Limit = Limit {
    key: "displacementSamples",
    what: "shift in space",
    unit: Unit::Samples,
    rule: Rule::Default(0.5),
    meta: Some("maxDisplacement"),
    flag: Some(Flag {
        name: "max-displacement",
        env: None,
        help: "How many samples anything may stand aside",
        details: "By the slopes of the blocks over 16 or 60 frames; a sample of chroma is two pixels.",
    }),
};

/// The loudest residual of an audio track over its whole length.
pub const RESIDUAL_LIMIT: Limit = Limit {
    key: "audioResidualDbfs",
    what: "audio residual",
    unit: Unit::Dbfs,
    rule: Rule::Default(-50.0),
    meta: Some("maxAudioResidualRmsDb"),
    flag: Some(Flag {
        name: "max-audio-residual",
        env: None,
        help: "Loudest residual of an audio track in dBFS",
        details: "Any 100 ms may be 10 dB louder.",
    }),
};

/// The loudest 100 ms of that residual.
pub const WINDOW_LIMIT: Limit = Limit {
    key: "audioWindowDbfs",
    what: "audio residual in 100 ms",
    unit: Unit::Dbfs,
    rule: Rule::Above(&RESIDUAL_LIMIT, 10.0),
    meta: None,
    flag: None,
};

/// How loud the residual of 5 to 100 ms may be, relative to the baseline's audio around it.
pub const MOMENT_LIMIT: Limit = Limit {
    key: "audioMomentDb",
    what: "audio residual in 5 to 100 ms",
    unit: Unit::Relative,
    rule: Rule::Default(-12.0),
    meta: Some("maxAudioMoment"),
    flag: Some(Flag {
        name: "max-audio-moment",
        env: None,
        help: "Loudest residual in 5 to 100 ms, over the baseline",
        details: "Where the baseline is silent, the limit is relative to -60 dBFS.",
    }),
};

/// How high a peak of the residual may be, relative to the baseline's peaks around it.
pub const CLICK_LIMIT: Limit = Limit {
    key: "audioClickDb",
    what: "peak of the audio residual",
    unit: Unit::Relative,
    rule: Rule::Default(-6.0),
    meta: Some("maxAudioClick"),
    flag: Some(Flag {
        name: "max-audio-click",
        env: None,
        help: "Highest peak of the residual, over the baseline",
        details: "Where the baseline is silent, the limit is relative to -40 dBFS.",
    }),
};

/// How loud the residual may be in a band of the spectrum, relative to the baseline's audio in that band.
pub const BAND_LIMIT: Limit = Limit {
    key: "audioBandDb",
    what: "audio residual in a band",
    unit: Unit::Relative,
    rule: Rule::Default(6.0),
    meta: Some("maxAudioBand"),
    flag: Some(Flag {
        name: "max-audio-band",
        env: None,
        help: "Loudest residual of a band, over the baseline",
        details: "Where the baseline is silent, the limit is relative to -70 dBFS.",
    }),
};

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

/// A limit that a gate uses.
#[derive(Debug)]
pub struct Limit {
    /// Its name in run.json.
    pub key: &'static str,
    /// What it limits, in words.
    pub what: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// How it is computed, and its default.
    pub rule: Rule,
    /// Its name in a fixture's meta.json.
    pub meta: Option<&'static str>,
    /// The flag that sets it, or its margin.
    pub flag: Option<Flag>,
}

/// A limit's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Decibels of PSNR; more is better.
    Db,
    /// Decibels below full scale; less is better.
    Dbfs,
    /// A number of frames.
    Frames,
    /// Levels of 255, whatever the depth of the samples.
    Levels,
    /// Decibels relative to the baseline; less is better.
    Relative,
    /// A distance in time, in frames and fractions of them.
    Shift,
    /// A distance in space, in samples and fractions of them.
    Samples,
}

/// How a limit is computed. If it depends on another one, flags and fixtures set the margin.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The value that is set, or else this one.
    Default(f64),
    /// The other limit minus the margin.
    Below(&'static Limit, f64),
    /// The other limit plus the margin.
    Above(&'static Limit, f64),
}

/// A flag of the commands that compare renders.
#[derive(Debug)]
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// The environment variable that it falls back to.
    pub env: Option<&'static str>,
    /// Its short help, without the default.
    pub help: &'static str,
    /// What the long help adds.
    pub details: &'static str,
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
            compared_with: ComparedWith::default(),
        }
    }
}

impl Limit {
    /// Every limit, each after the one that it depends on.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        GATES.into_iter().flat_map(|gate| gate.limits)
    }

    /// Parses the value of a flag or an environment variable.
    ///
    /// # Errors
    /// If it is not a valid value.
    pub fn parse(&self, text: &str) -> anyhow::Result<f64> {
        let value = match self.unit {
            Unit::Db | Unit::Dbfs | Unit::Relative | Unit::Levels | Unit::Shift | Unit::Samples => {
                text.parse::<Decibels>()?.db()
            }
            Unit::Frames => text.parse::<u64>()? as f64,
        };
        Settings::default().with(self, value)?;
        Ok(value)
    }

    /// A value with its unit.
    pub fn shown(&self, value: f64) -> String {
        match self.unit {
            Unit::Db | Unit::Relative => format!("{value:.2} dB"),
            Unit::Dbfs => format!("{value:.2} dBFS"),
            Unit::Frames => format!("{value}"),
            Unit::Levels => format!("{value:.2} levels"),
            Unit::Shift => format!("{value:.2} frames"),
            Unit::Samples => format!("{value:.2} samples"),
        }
    }

    /// The default of the limit, or of its margin.
    pub fn default(&self) -> f64 {
        let (Rule::Default(value) | Rule::Below(_, value) | Rule::Above(_, value)) = self.rule;
        value
    }
}

/// The limits that flags, environment variables or a fixture set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings(BTreeMap<&'static str, f64>);

impl Settings {
    /// These settings and one more.
    ///
    /// # Errors
    /// If it is not finite, or a margin is negative.
    pub fn with(mut self, limit: &Limit, value: f64) -> anyhow::Result<Self> {
        let value = Decibels::new(value)?.db();
        let is_margin = !matches!(limit.rule, Rule::Default(_));
        ensure!(!is_margin || value >= 0.0, "the margin of the {} must be a number of dB, 0 or more", limit.what);
        let is_distance = matches!(limit.unit, Unit::Levels | Unit::Shift | Unit::Samples);
        ensure!(!is_distance || value >= 0.0, "the {} must be a number, 0 or more", limit.what);
        self.0.insert(limit.key, value);
        Ok(self)
    }

    /// These settings, and those that only `others` contains.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for (&key, &value) in &others.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// The value that is set for a limit.
    pub fn get(&self, limit: &Limit) -> Option<f64> {
        self.0.get(limit.key).copied()
    }
}

const COUNT: usize = {
    let (mut count, mut gate) = (0, 0);
    while gate < GATES.len() {
        count += GATES[gate].limits.len();
        gate += 1;
    }
    count
};

/// The value of every limit. All are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits([f64; COUNT]);

impl Limits {
    /// The limits that result from settings.
    ///
    /// # Errors
    /// If a limit is not finite.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        Self::by(|limit, limits| {
            let set = settings.get(limit).unwrap_or_else(|| limit.default());
            match limit.rule {
                Rule::Default(_) => set,
                Rule::Below(other, _) => limits.value(other) - set,
                Rule::Above(other, _) => limits.value(other) + set,
            }
        })
    }

    /// Computes one limit after the other; `value` may use the earlier ones.
    fn by(value: impl Fn(&Limit, &Self) -> f64) -> anyhow::Result<Self> {
        let mut limits = Self([0.0; COUNT]);
        for (i, limit) in Limit::all().enumerate() {
            limits.0[i] = Decibels::new(value(limit, &limits))?.db();
        }
        Ok(limits)
    }

    /// A limit in its unit.
    pub fn value(&self, limit: &Limit) -> f64 {
        self.iter().find(|(of, _)| of.key == limit.key).expect("every limit is in the table").1
    }

    /// A limit in dB or dBFS.
    pub fn db(&self, limit: &Limit) -> Decibels {
        Decibels::new(self.value(limit)).expect("every limit is finite")
    }

    /// A limit in frames.
    pub fn frames(&self, limit: &Limit) -> u64 {
        self.value(limit) as u64
    }

    /// Every limit with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Limit, f64)> {
        Limit::all().zip(self.0)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(&Settings::default()).expect("the defaults are finite")
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(limit, value)| {
            let value = match limit.unit {
                Unit::Frames => serde_json::Value::from(value as u64),
                _ => serde_json::Value::from(value),
            };
            (limit.key, value)
        }))
    }
}

/// A limit that an earlier version did not have yet gets its default.
impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = BTreeMap::<String, f64>::deserialize(deserializer)?;
        let defaults = Self::default();
        Self::by(|limit, _| read.get(limit.key).copied().unwrap_or_else(|| defaults.value(limit)))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_from_settings() {
        let of = |settings: Settings| Limits::new(&settings).unwrap();
        let picture = |limits: Limits| [&MEAN_PSNR, &SECOND_PSNR, &FRAME_PSNR].map(|limit| limits.value(limit));
        let defaults = of(Settings::default());
        assert_eq!((picture(defaults), defaults.frames(&MAX_FRAME_FAILURES)), ([40.0, 37.0, 30.0], 0));
        let set = Settings::default().with(&MEAN_PSNR, 33.0).unwrap().with(&FRAME_PSNR, 6.0).unwrap();
        let fixture = Settings::default().with(&MEAN_PSNR, 50.0).unwrap().with(&MAX_FRAME_FAILURES, 2.0).unwrap();
        let both = of(set.or(&fixture));
        assert_eq!((picture(both), both.frames(&MAX_FRAME_FAILURES)), ([33.0, 30.0, 27.0], 2));
        let louder = of(Settings::default().with(&RESIDUAL_LIMIT, -30.0).unwrap());
        assert_eq!([&RESIDUAL_LIMIT, &WINDOW_LIMIT].map(|limit| louder.value(limit)), [-30.0, -20.0]);
        assert_eq!([&RESIDUAL_LIMIT, &WINDOW_LIMIT].map(|limit| defaults.value(limit)), [-50.0, -40.0]);
    }

    #[test]
    fn invalid_limits_are_refused() {
        let with = |limit, value| Settings::default().with(limit, value);
        let error = with(&FRAME_PSNR, -1.0).unwrap_err().to_string();
        assert_eq!(error, "the margin of the PSNR of a frame must be a number of dB, 0 or more");
        assert!(with(&MEAN_PSNR, f64::NAN).is_err());
        let far = with(&MEAN_PSNR, f64::MIN).unwrap().with(&FRAME_PSNR, f64::MAX).unwrap();
        assert!(Limits::new(&far).is_err());
        assert!(MEAN_PSNR.parse("40dB").is_err() && MAX_FRAME_FAILURES.parse("-1").is_err());
        assert_eq!((MEAN_PSNR.parse("-1.5").unwrap(), MAX_FRAME_FAILURES.parse("7").unwrap()), (-1.5, 7.0));
    }

    #[test]
    fn limits_survive_json() {
        let limits = Limits::new(&Settings::default().with(&MAX_FRAME_FAILURES, 3.0).unwrap()).unwrap();
        let json = serde_json::to_value(limits).unwrap();
        assert_eq!(json["maxFrameFailures"], serde_json::json!(3));
        assert_eq!(json["psnrDb"], serde_json::json!(40.0));
        assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), limits);
        assert_eq!(serde_json::from_str::<Limits>("{}").unwrap(), Limits::default());
        assert!(serde_json::from_str::<Limits>(r#"{"psnrDb":"40"}"#).is_err());
    }

    #[test]
    fn every_row_is_unique() {
        let unique = |names: Vec<&str>| names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
        assert!(unique(GATES.iter().map(|gate| gate.id).collect()));
        assert!(unique(Limit::all().map(|limit| limit.key).collect()));
        assert!(GATES.iter().all(|gate| Gate::named(gate.id).unwrap().id == gate.id));
        assert_eq!((Limit::all().count(), Gate::named("other").map(|gate| gate.id)), (COUNT, None));
    }
}
