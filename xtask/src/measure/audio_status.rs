//! How a render's sound stands to its baseline's, in the eval script's words. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{comparison::Comparison, gates::Limits, probe::AudioShape};

/// How a render's sound stands to its baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioStatus {
    /// Equal enough.
    #[serde(rename = "OK")]
    Ok,
    /// Too different.
    #[serde(rename = "DRIFT")]
    Drift,
    /// Neither has sound.
    #[serde(rename = "no-audio-on-either")]
    None,
    /// One has tracks that the other has not.
    #[serde(rename = "audio-stream-mismatch")]
    Mismatch,
    /// The pictures differ in shape, so the sound was not compared.
    #[serde(rename = "not-compared")]
    NotCompared,
}

impl AudioStatus {
    /// The status of a comparison, by the audio tracks of render and baseline.
    pub fn of(comparison: &Comparison, render: &[AudioShape], baseline: &[AudioShape], limits: &Limits) -> Self {
        match comparison {
            Comparison::Exact(_) => Self::NotCompared,
            _ if render != baseline => Self::Mismatch,
            _ if render.is_empty() => Self::None,
            Comparison::Unlike(_) => Self::NotCompared,
            Comparison::Alike { .. } if comparison.audio_findings(limits).is_empty() => Self::Ok,
            Comparison::Alike { .. } => Self::Drift,
        }
    }
}

impl fmt::Display for AudioStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Drift => "DRIFT",
            Self::None => "no-audio-on-either",
            Self::Mismatch => "audio-stream-mismatch",
            Self::NotCompared => "not-compared",
        })
    }
}
