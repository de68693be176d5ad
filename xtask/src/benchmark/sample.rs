//! What one iteration gave.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::likeness::Likeness;
use crate::{artifacts::ResultRow, chunking::RenderId, history::TimeSpent, scaling::Observation};

/// What tells one execution of an eval run from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SampleId {
    /// The fixture.
    pub fixture: String,
    /// Chunks and protocol asked for.
    #[serde(flatten)]
    pub render: RenderId,
    /// From 1.
    pub iteration: u32,
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} #{}", self.fixture, self.render, self.iteration)
    }
}

/// One execution on Lambda.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LambdaSample {
    #[serde(flatten)]
    pub id: SampleId,
    #[serde(flatten)]
    pub outcome: Outcome<Execution>,
}

/// An execution that gave a video.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Execution {
    /// Whether functions had to be started for it.
    pub start: Start,
    /// Everything that was measured, as in a smoke run.
    pub render: ResultRow,
    /// Against the fresh local render of the same iteration; null where none is kept.
    pub against_local: Option<Likeness>,
    /// What the model of scaling learns from it.
    #[serde(skip)]
    pub observation: Option<Observation>,
}

/// One render on this machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocalSample {
    /// The fixture.
    pub fixture: String,
    /// From 1.
    pub iteration: u32,
    #[serde(flatten)]
    pub outcome: Outcome<LocalRender>,
}

/// A local render that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalRender {
    /// From the start of the renderer's process to its end, ms.
    pub wall_ms: u64,
    /// The renderer's own share of it, ms; null where it does not tell.
    pub renderer_ms: Option<u64>,
    /// The video, relative to the artifact folder; null where it is not kept.
    pub output: Option<String>,
    /// Against the baseline; null where it is not kept.
    pub against_baseline: Option<Likeness>,
}

/// Done, or why not.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome<T> {
    Done(Box<T>),
    Failed { failure: String },
}

impl<T> Outcome<T> {
    pub(crate) fn done(&self) -> Option<&T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Failed { .. } => None,
        }
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Failed { failure } => Some(failure),
        }
    }
}

/// Whether functions had to be started for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// For one call at least.
    Cold,
    /// For none.
    Warm,
    /// Its history does not tell.
    Unknown,
}

impl Start {
    /// By the calls' overheads.
    pub fn of(spent: Option<&TimeSpent>) -> Self {
        match spent.and_then(|spent| spent.cold_starts) {
            Some(0) => Self::Warm,
            Some(_) => Self::Cold,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Unknown => "start unknown",
        })
    }
}

#[cfg(test)]
#[path = "sample_tests.rs"]
pub(super) mod tests;
