//! What a render must reach.

use serde::{Deserialize, Serialize};

use super::Decibels;

/// The limits of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Least mean PSNR over all planes, and of each plane, dB.
    pub psnr_db: Decibels,
    /// Least PSNR of the mean squared error of any second, dB.
    pub second_psnr_db: Decibels,
    /// The level that no more than [`Gate::max_frame_failures`] frames may miss, dB.
    pub frame_psnr_db: Decibels,
    /// How many frames may miss it.
    pub max_frame_failures: u64,
    /// Loudest residual of an audio track over its whole length, dBFS.
    pub audio_residual_dbfs: Decibels,
    /// Loudest 100 ms of that residual, dBFS.
    pub audio_window_dbfs: Decibels,
}

/// What flags and fixture say of the limits; what neither names has a default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GateSettings {
    /// Least mean PSNR, dB.
    pub psnr: Option<Decibels>,
    /// How far below that a frame may lie, dB.
    pub frame_margin: Option<Decibels>,
    /// How many frames may lie below even that.
    pub max_frame_failures: Option<u64>,
    /// Loudest residual, dBFS.
    pub audio_residual: Option<Decibels>,
}

impl Gate {
    /// The least mean PSNR when nobody names one, dB.
    pub const PSNR_DB: f64 = 40.0;

    /// How far below the mean's threshold a second may lie, by its mean squared
    /// error, dB: twice the error. A mean over levels forgives half a video for the other half.
    pub const SECOND_MARGIN_DB: f64 = 3.0;

    /// How far below the mean's threshold a frame may lie, dB: ten times the
    /// squared error, so that a ruined frame can't hide in a mean.
    pub const FRAME_MARGIN_DB: f64 = 10.0;

    /// The loudest residual when the fixture names none, dBFS.
    pub const AUDIO_RESIDUAL_DBFS: f64 = -50.0;

    /// How far above the limit for the whole length 100 ms may be, dB.
    pub const AUDIO_WINDOW_MARGIN_DB: f64 = 10.0;

    /// The limits that settings come to.
    ///
    /// # Errors
    /// When a limit is no finite number of decibels.
    pub fn new(settings: GateSettings) -> anyhow::Result<Self> {
        let or = |set: Option<Decibels>, default: f64| set.map_or_else(|| Decibels::new(default), Ok);
        let psnr_db = or(settings.psnr, Self::PSNR_DB)?;
        let margin = or(settings.frame_margin, Self::FRAME_MARGIN_DB)?;
        let audio_residual_dbfs = or(settings.audio_residual, Self::AUDIO_RESIDUAL_DBFS)?;
        Ok(Self {
            psnr_db,
            second_psnr_db: Decibels::new(psnr_db.db() - Self::SECOND_MARGIN_DB)?,
            frame_psnr_db: Decibels::new(psnr_db.db() - margin.db())?,
            max_frame_failures: settings.max_frame_failures.unwrap_or(0),
            audio_residual_dbfs,
            audio_window_dbfs: Decibels::new(audio_residual_dbfs.db() + Self::AUDIO_WINDOW_MARGIN_DB)?,
        })
    }
}
