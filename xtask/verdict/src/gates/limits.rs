//! The table of limits, each with its default, its flag, and its name in a fixture's meta.json.

use crate::{
    decibels::Decibels,
    gates::{GATES, Settings},
};

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
        details: "Where the baseline is silent, the limit is relative to -70 dBFS. The limits of what lasts for 1.5 s move with it: tones, levels, filters, and echoes.",
    }),
};

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
